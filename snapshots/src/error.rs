//! Errors: reasons why a file cannot be read, and damage that leaves the rest readable.

use crate::wire::WireError;

/// The file as a whole cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is empty.
    #[error("empty file, expected a whotalks snapshot")]
    Empty,
    /// The file has another format.
    #[error("not a whotalks snapshot (starts with {found}, expected 89 57 54 4b)")]
    Foreign {
        /// The first bytes, in hexadecimal.
        found: String,
    },
    /// A compressed file, perhaps of a snapshot.
    #[error("compressed with {program}: decompress it first (`{program} -dc FILE | whotalks …`)")]
    Compressed {
        /// The program that decompresses it.
        program: &'static str,
    },
    /// The magic shows that line ends were rewritten or high bits lost on the way.
    #[error(
        "damaged in transfer: line ends or high bits were rewritten as if it were text \
         (copy it as binary; `ssh -t` does this)"
    )]
    TextMode,
    /// The file ends inside its header.
    #[error("cut inside its header: {found} of {expected} bytes")]
    HeaderCut {
        /// Bytes present.
        found: usize,
        /// Size of a header in bytes.
        expected: usize,
    },
    /// The header's checksum is wrong.
    #[error("header damaged: checksum {found:08x}, expected {expected:08x}")]
    HeaderDamaged {
        /// The checksum computed from the bytes.
        found: u32,
        /// The checksum in the file.
        expected: u32,
    },
    /// The major version is 0, which was never used.
    #[error("format 0 does not exist")]
    NoVersion,
    /// A newer major version.
    #[error("format {found} is newer than this program reads ({supported}): update whotalks")]
    NewerMajor {
        /// The file's major version.
        found: u16,
        /// The newest major version that this reader supports.
        supported: u16,
    },
}

/// A part of the file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {kind}")]
pub struct Damage {
    /// Offset in the file.
    pub offset: u64,
    /// Bytes affected; 0 if nothing is there.
    pub length: u64,
    /// The kind of damage.
    pub kind: DamageKind,
}

/// The kind of damage of a part of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// Bytes that belong to no block.
    #[error("{0} bytes that belong to no block")]
    Garbage(u64),
    /// A block that is repeated, or out of order. It is not used.
    #[error("block {sequence} ({kind}) comes after block {after}")]
    OutOfOrder {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The sequence number of the previous block.
        after: u32,
    },
    /// The file ends inside a block.
    #[error("block {sequence} ({kind}) is cut: {found} of {expected} bytes")]
    BlockCut {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// Bytes present.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// The payload's checksum is wrong.
    #[error("block {sequence} ({kind}): checksum {found:08x}, expected {expected:08x}")]
    Checksum {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The checksum computed from the bytes.
        found: u32,
        /// The checksum in the file.
        expected: u32,
    },
    /// The payload does not decompress to the size in the header.
    #[error("block {sequence} ({kind}) does not decompress: {cause}")]
    Decompress {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The decoder's message.
        cause: String,
    },
    /// The codec is unknown to this reader.
    #[error("block {sequence} ({kind}) is coded in a way this program does not know ({codec})")]
    UnknownCodec {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The codec's number.
        codec: u8,
    },
    /// The block refers to a block that could not be read.
    #[error("block {sequence} ({kind}) is coded against block {base}, which is lost")]
    BaseLost {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The sequence number of that block.
        base: u32,
    },
    /// A block exceeds the limits.
    #[error("block {sequence} ({kind}) asks for {asked} bytes, the limit is {limit}")]
    Limit {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The size requested.
        asked: u64,
        /// The limit.
        limit: u64,
    },
    /// Blocks whose sequence numbers are missing.
    #[error("{count} blocks are missing before block {before}")]
    Missing {
        /// The number of missing blocks.
        count: u32,
        /// The sequence number of the next block.
        before: u32,
    },
    /// Records inside an intact block that could not be decoded.
    #[error("block {sequence} ({kind}): {count} records unreadable: {cause}")]
    Records {
        /// The block's sequence number.
        sequence: u32,
        /// The block's type name.
        kind: String,
        /// The number of records.
        count: u64,
        /// The error of the first one.
        cause: WireError,
    },
    /// The limit of damaged places that are reported.
    #[error("{0} places are damaged: the rest of the file is not read")]
    TooMany(u32),
    /// The file ends without the `End` block of a complete capture.
    #[error("the file ends before its capture was complete")]
    NoEnd,
}
