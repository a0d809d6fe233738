//! What a file may ask of its reader.

/// The largest payload, decoded, that a block may have; a writer never makes a larger one.
///
/// Large enough that block headers cost nothing, small enough that a reader may hold a few.
pub const MAX_BLOCK_BYTES: u32 = 16 << 20;

/// Bounds that a reader imposes on a file before it allocates.
///
/// A reader that is asked for more raises them one by one; none is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Stored or decoded payload of one block. A format rule: raising it is for experiments.
    pub block_bytes: u32,
    /// Memory that the whole file may take, payloads and records: a machine with 10 million sockets
    /// needs about 2 GB.
    pub total_bytes: u64,
    /// Of these, what any file may take however small it is, …
    pub small_file_bytes: u64,
    /// … and what each of its bytes may add. Tables become 20 to 200 times smaller, a series of
    /// captures of which little changes a few thousand times at most.
    pub expansion: u32,
    /// Places of damage that are told apart; a file of garbage could name millions.
    pub damages: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            block_bytes: MAX_BLOCK_BYTES,
            total_bytes: 4 << 30,
            small_file_bytes: 256 << 20,
            expansion: 4_000,
            damages: 1_000,
        }
    }
}

impl Limits {
    /// Sets [`Limits::total_bytes`], whatever the size of the file.
    #[must_use]
    pub fn with_total_bytes(mut self, bytes: u64) -> Self {
        self.total_bytes = bytes;
        self.small_file_bytes = bytes;
        self
    }

    /// What a file of this size may take.
    pub fn budget(&self, file_bytes: u64) -> Budget {
        let grown = file_bytes.saturating_mul(u64::from(self.expansion));
        let limit = self.small_file_bytes.saturating_add(grown);
        Budget {
            used: 0,
            limit: limit.min(self.total_bytes),
        }
    }
}

/// What is left of [`Limits::total_bytes`] while a file is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    used: u64,
    limit: u64,
}

/// More is asked for than is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{asked} bytes are asked for, the limit is {limit}")]
pub struct Exceeded {
    /// With this, so much would be in use.
    pub asked: u64,
    /// The limit.
    pub limit: u64,
}

impl Budget {
    /// Takes so many bytes before they are allocated.
    ///
    /// # Errors
    /// When that is more than is left; then nothing is taken.
    pub fn take(&mut self, bytes: u64) -> Result<(), Exceeded> {
        let asked = self.used.saturating_add(bytes);
        if asked > self.limit {
            let limit = self.limit;
            return Err(Exceeded { asked, limit });
        }
        self.used = asked;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_may_take_little() {
        let limits = Limits::default();
        let mut budget = limits.budget(1_000);
        let limit = (256 << 20) + 4_000_000;
        assert_eq!(budget.take(limit), Ok(()));
        let asked = limit + 1;
        assert_eq!(budget.take(1), Err(Exceeded { asked, limit }));
        assert_eq!(budget.take(0), Ok(()));
        assert_eq!(limits.budget(u64::MAX).limit, 4 << 30);
        assert_eq!(limits.with_total_bytes(9 << 30).budget(0).limit, 9 << 30);
        assert!(budget.take(u64::MAX).is_err());
    }
}
