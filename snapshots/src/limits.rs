//! What a file may ask of its reader.

/// The largest payload, decoded, that a block may have; a writer never makes a larger one.
///
/// Large enough that block headers cost nothing, small enough that a reader may hold a few.
pub const MAX_BLOCK_BYTES: u32 = 16 << 20;

/// Bounds that a reader imposes on a file before it allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Decoded payload of one block.
    pub block_bytes: u32,
    /// Decoded payloads of the whole file: a machine with 10 million sockets needs about 2 GB.
    pub total_bytes: u64,
    /// Places of damage that are told apart; a file of garbage could name millions.
    pub damages: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            block_bytes: MAX_BLOCK_BYTES,
            total_bytes: 4 << 30,
            damages: 1_000,
        }
    }
}
