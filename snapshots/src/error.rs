//! What can be wrong with a file: fatal errors, and damage that leaves the rest readable.

use crate::wire::WireError;

/// The file as a whole cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No bytes at all.
    #[error("empty file, expected a whotalks snapshot")]
    Empty,
    /// Another kind of file.
    #[error("not a whotalks snapshot (starts with {found}, expected 89 57 54 4b)")]
    Foreign {
        /// The first bytes, in hexadecimal.
        found: String,
    },
    /// Some program's compressed file, perhaps of a snapshot.
    #[error("compressed with {program}: decompress it first (`{program} -dc FILE | whotalks …`)")]
    Compressed {
        /// The program.
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
        /// Bytes there.
        found: usize,
        /// Bytes that a header has.
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
    /// A major version that never was.
    #[error("format 0 does not exist")]
    NoVersion,
    /// Written by a format that this reader cannot know.
    #[error("format {found} is newer than this program reads ({supported}): update whotalks")]
    NewerMajor {
        /// The file's major version.
        found: u16,
        /// The newest major version this reader knows.
        supported: u16,
    },
}

/// A part of a file that could not be read, while the rest could.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {kind}")]
pub struct Damage {
    /// Where in the file it begins.
    pub offset: u64,
    /// How many bytes of the file it concerns; 0 when nothing is there.
    pub length: u64,
    /// What is wrong.
    pub kind: DamageKind,
}

/// What is wrong with a damaged part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// Bytes that belong to no block.
    #[error("{0} bytes that belong to no block")]
    Garbage(u64),
    /// A block that comes again, or after one that it should precede: it is not used.
    #[error("block {sequence} ({kind}) comes after block {after}")]
    OutOfOrder {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The sequence number of the block before.
        after: u32,
    },
    /// The file ends inside a block.
    #[error("block {sequence} ({kind}) is cut: {found} of {expected} bytes")]
    BlockCut {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// Bytes there.
        found: u64,
        /// Bytes it should have.
        expected: u64,
    },
    /// The payload's checksum is wrong.
    #[error("block {sequence} ({kind}): checksum {found:08x}, expected {expected:08x}")]
    Checksum {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// Computed.
        found: u32,
        /// In the file.
        expected: u32,
    },
    /// The payload does not decompress to what the header says.
    #[error("block {sequence} ({kind}) does not decompress: {cause}")]
    Decompress {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The decoder's message.
        cause: String,
    },
    /// Compressed in a way this reader does not know.
    #[error("block {sequence} ({kind}) is coded in a way this program does not know ({codec})")]
    UnknownCodec {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The codec's number.
        codec: u8,
    },
    /// Coded against a block that could not be read.
    #[error("block {sequence} ({kind}) is coded against block {base}, which is lost")]
    BaseLost {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// The sequence number of the block that it needs.
        base: u32,
    },
    /// A block asks for more than the limits allow.
    #[error("block {sequence} ({kind}) asks for {asked} bytes, the limit is {limit}")]
    Limit {
        /// Its sequence number.
        sequence: u32,
        /// Its type's name.
        kind: String,
        /// What it asks for.
        asked: u64,
        /// The limit.
        limit: u64,
    },
    /// Blocks whose sequence numbers are missing.
    #[error("{count} blocks are missing before block {before}")]
    Missing {
        /// How many.
        count: u32,
        /// The sequence number of the block that came instead.
        before: u32,
    },
    /// Records inside an intact block that could not be decoded.
    #[error("block {sequence} ({kind}): {count} records unreadable: {cause}")]
    Records {
        /// The block's sequence number.
        sequence: u32,
        /// The block's type name.
        kind: String,
        /// How many.
        count: u64,
        /// The first one's error.
        cause: WireError,
    },
    /// The limit of places that are told apart was reached.
    #[error("{0} places are damaged: the rest of the file is not read")]
    TooMany(u32),
    /// The file ends without the block that every complete capture ends with.
    #[error("the file ends before its capture was complete")]
    NoEnd,
}
