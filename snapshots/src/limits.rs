//! Limits of what a file can make a reader allocate.

/// The largest decoded payload of a block. Writers create no larger one.
///
/// Large enough that block headers do not matter, small enough that a reader can hold several
/// payloads.
pub const MAX_BLOCK_BYTES: u32 = 16 << 20;

/// Limits that a reader checks before it allocates. Callers can raise each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Stored or decoded size of one block in bytes. Part of the format: raise it for experiments
    /// only.
    pub block_bytes: u32,
    /// Memory for the whole file in bytes, payloads and records: a machine with 10 million sockets
    /// needs about 2 GB.
    pub total_bytes: u64,
    /// Of these, bytes that a file of any size may use.
    pub small_file_bytes: u64,
    /// Bytes that each byte of the file adds to that. Tables become 20 to 200 times smaller, a
    /// series with few changes a few thousand times at most.
    pub expansion: u32,
    /// Damaged places that are reported. A file of random bytes could have millions.
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
    /// Sets [`Limits::total_bytes`] for files of any size.
    #[must_use]
    pub fn with_total_bytes(mut self, bytes: u64) -> Self {
        self.total_bytes = bytes;
        self.small_file_bytes = bytes;
        self
    }

    /// Returns the memory budget for a file of this size.
    pub fn budget(&self, file_bytes: u64) -> Budget {
        let grown = file_bytes.saturating_mul(u64::from(self.expansion));
        let limit = self.small_file_bytes.saturating_add(grown);
        Budget {
            used: 0,
            limit: limit.min(self.total_bytes),
        }
    }
}

/// What remains of [`Limits::total_bytes`] while a file is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    used: u64,
    limit: u64,
}

/// The budget is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{asked} bytes are asked for, the limit is {limit}")]
pub struct Exceeded {
    /// Bytes that would be in use.
    pub asked: u64,
    /// The limit in bytes.
    pub limit: u64,
}

impl Budget {
    /// Takes `bytes` from the budget. Call it before allocating.
    ///
    /// # Errors
    /// If less is left. The budget is then unchanged.
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
