//! The file header and the block header.
//!
//! All integers are little-endian. FORMAT.md specifies the layouts.

use crate::error::Error;

/// The first bytes of every snapshot. As in PNG, the high bit and the line ends reveal a transfer
/// that treated the file as text.
pub const MAGIC: [u8; 8] = *b"\x89WTK\r\n\x1a\n";
/// The start of the magic after a transfer in text mode: line ends rewritten, the high bit cleared,
/// or the first byte converted as Latin-1, as invalid UTF-8 or as invalid ASCII. "WTK" is
/// unchanged.
const TEXT_MODE: [&[u8]; 5] = [
    b"\x89WTK",
    b"\x09WTK",
    b"\xc2\x89WTK",
    b"\xef\xbf\xbdWTK",
    b"?WTK",
];
/// The first bytes of compressed files, to report that a snapshot was compressed again.
const COMPRESSED: [(&[u8], &str); 4] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
];
/// A reader refuses a file of another major version.
pub const VERSION_MAJOR: u16 = 1;
/// A newer minor version only adds to the format.
pub const VERSION_MINOR: u16 = 3;
/// Size of the file header in bytes.
pub const FILE_HEADER_BYTES: usize = 24;
/// Size of a block header in bytes.
pub const BLOCK_HEADER_BYTES: usize = 40;
/// The first bytes of each block header. A reader searches for them after damage.
pub const MARKER: [u8; 4] = [0xB7, b'B', b'L', b'K'];
/// The `base` of a block that is decoded without another block.
pub const NO_BASE: u32 = u32::MAX;

/// The type of a block. Numbers are permanent; retired ones are not reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BlockKind {
    /// One [`Host`](crate::records::Host) record. Begins a capture.
    Host,
    /// One [`CaptureEnd`](crate::records::CaptureEnd) record. Ends a capture.
    End,
    /// All other blocks of one capture of a series: a [`bundle`](crate::bundle).
    Bundle,
    /// [`Process`](crate::records::Process) records.
    Processes,
    /// [`DescriptorTable`](crate::descriptors::DescriptorTable) records.
    Descriptors,
    /// [`DescriptorInfo`](crate::records::DescriptorInfo) records.
    DescriptorInfo,
    /// [`Wait`](crate::records::Wait) records.
    Waits,
    /// [`Netns`](crate::records::Netns) records.
    Namespaces,
    /// One [`RawHeader`](crate::records::RawHeader), then bytes of the kernel.
    Raw,
    /// [`User`](crate::records::User) records.
    Users,
    /// [`BoundPath`](crate::records::BoundPath) records.
    Paths,
    /// A type that this reader does not know. It is skipped.
    Unknown(u16),
}

const KINDS: [(u16, BlockKind, &str); 11] = [
    (0x0001, BlockKind::Host, "host"),
    (0x0002, BlockKind::End, "end"),
    (0x0003, BlockKind::Bundle, "bundle"),
    (0x0010, BlockKind::Processes, "processes"),
    (0x0011, BlockKind::Descriptors, "descriptors"),
    (0x0012, BlockKind::DescriptorInfo, "fdinfo"),
    (0x0013, BlockKind::Waits, "waits"),
    (0x0020, BlockKind::Namespaces, "namespaces"),
    (0x0021, BlockKind::Raw, "raw"),
    (0x0030, BlockKind::Users, "users"),
    (0x0031, BlockKind::Paths, "paths"),
];

impl BlockKind {
    /// Returns the number in the file.
    pub fn number(self) -> u16 {
        match self {
            Self::Unknown(number) => number,
            known => KINDS
                .iter()
                .find(|(_, kind, _)| *kind == known)
                .map_or(0, |row| row.0),
        }
    }

    /// Returns the type with this number.
    pub fn from_number(number: u16) -> Self {
        KINDS
            .iter()
            .find(|row| row.0 == number)
            .map_or(Self::Unknown(number), |row| row.1)
    }

    /// Returns the name used in messages and by `whotalks raw`.
    pub fn name(self) -> String {
        match self {
            Self::Unknown(number) => format!("type 0x{number:04x}"),
            known => KINDS
                .iter()
                .find(|(_, kind, _)| *kind == known)
                .map_or_else(String::new, |row| row.2.to_owned()),
        }
    }
}

/// How a payload is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// Not compressed.
    Stored,
    /// One zstd frame.
    Zstd,
    /// Rows stored by columns, then one zstd frame. See [`transpose`](crate::transpose).
    Transposed,
    /// One zstd frame that refers to the payload of the block `base`.
    Prefixed,
    /// A codec that this reader does not know. The block cannot be read.
    Unknown(u8),
}

impl Codec {
    /// Returns the number in the file.
    pub fn number(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Zstd => 1,
            Self::Transposed => 2,
            Self::Prefixed => 3,
            Self::Unknown(number) => number,
        }
    }

    /// Returns the codec with this number.
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Stored,
            1 => Self::Zstd,
            2 => Self::Transposed,
            3 => Self::Prefixed,
            other => Self::Unknown(other),
        }
    }
}

/// The content of the file header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// The major version. Readers refuse versions other than their own.
    pub major: u16,
    /// The minor version. Newer ones only add to the format.
    pub minor: u16,
    /// A random number that every block of the file repeats. After damage it distinguishes blocks
    /// from captured bytes that look like a block.
    pub mark: u32,
}

impl FileHeader {
    /// Encodes the 24 bytes.
    pub fn to_bytes(self) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.major.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.minor.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.mark.to_le_bytes());
        // Bytes 16..20 are reserved: written 0, ignored by readers.
        let checksum = crc32fast::hash(&bytes[..20]);
        bytes[20..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Parses and checks the first bytes of a file.
    ///
    /// # Errors
    /// A separate error for each reason why the file is not a readable snapshot.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        if file.is_empty() {
            return Err(Error::Empty);
        }
        let shown = &file[..file.len().min(MAGIC.len())];
        if shown != &MAGIC[..shown.len()] {
            let prefix = &file[..file.len().min(4)];
            if TEXT_MODE.iter().any(|start| file.starts_with(start)) {
                return Err(Error::TextMode);
            }
            let compressed = COMPRESSED.iter().find(|(start, _)| file.starts_with(start));
            if let Some((_, program)) = compressed {
                return Err(Error::Compressed { program });
            }
            let found = prefix
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>();
            return Err(Error::Foreign {
                found: found.join(" "),
            });
        }
        let Some(header) = file.get(..FILE_HEADER_BYTES) else {
            return Err(Error::HeaderCut {
                found: file.len(),
                expected: FILE_HEADER_BYTES,
            });
        };
        let expected = le_u32(header, 20);
        let found = crc32fast::hash(&header[..20]);
        if found != expected {
            return Err(Error::HeaderDamaged { found, expected });
        }
        let major = le_u16(header, 8);
        if major == 0 {
            return Err(Error::NoVersion);
        }
        if major > VERSION_MAJOR {
            return Err(Error::NewerMajor {
                found: major,
                supported: VERSION_MAJOR,
            });
        }
        Ok(Self {
            major,
            minor: le_u16(header, 10),
            mark: le_u32(header, 12),
        })
    }
}

/// The content of a block header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// The type of the block.
    pub kind: BlockKind,
    /// How the payload is stored.
    pub codec: Codec,
    /// Number of the block in the file, from 0. A gap means that blocks are missing.
    pub sequence: u32,
    /// Number of the capture in the series, from 0.
    pub capture: u32,
    /// Sequence number of the block that the payload refers to, or [`NO_BASE`].
    pub base: u32,
    /// Size of the stored payload in bytes.
    pub stored_bytes: u32,
    /// Size of the decoded payload in bytes.
    pub decoded_bytes: u32,
    /// The [`FileHeader::mark`] of the file.
    pub mark: u32,
    /// CRC-32 (IEEE 802.3) of the stored payload.
    pub payload_crc: u32,
}

impl BlockHeader {
    /// Encodes the 40 bytes.
    pub fn to_bytes(self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        bytes[..4].copy_from_slice(&MARKER);
        bytes[4..6].copy_from_slice(&self.kind.number().to_le_bytes());
        bytes[6] = self.codec.number();
        // Byte 7 is reserved: written 0, ignored by readers.
        bytes[8..12].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.capture.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.base.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.stored_bytes.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.decoded_bytes.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.mark.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.payload_crc.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..36]);
        bytes[36..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Parses the header at the start of `bytes`. Returns `None` if it is not intact.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..BLOCK_HEADER_BYTES)?;
        if header[..4] != MARKER || crc32fast::hash(&header[..36]) != le_u32(header, 36) {
            return None;
        }
        Some(Self {
            kind: BlockKind::from_number(le_u16(header, 4)),
            codec: Codec::from_number(header[6]),
            sequence: le_u32(header, 8),
            capture: le_u32(header, 12),
            base: le_u32(header, 16),
            stored_bytes: le_u32(header, 20),
            decoded_bytes: le_u32(header, 24),
            mark: le_u32(header, 28),
            payload_crc: le_u32(header, 32),
        })
    }
}

fn le_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn le_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_unique_and_sorted() {
        assert!(KINDS.is_sorted_by(|a, b| a.0 < b.0));
        for (number, kind, name) in KINDS {
            assert_eq!(
                (BlockKind::from_number(number), kind.number()),
                (kind, number)
            );
            assert_eq!(kind.name(), name);
        }
        assert_eq!(BlockKind::from_number(0x8001).number(), 0x8001);
    }

    #[test]
    fn headers_tell_what_is_wrong() {
        let header = FileHeader {
            major: 1,
            minor: 7,
            mark: 0xdead_beef,
        };
        let good = header.to_bytes();
        let check = |bytes: &[u8]| FileHeader::parse(bytes);
        assert_eq!(check(&good), Ok(header));
        assert_eq!(check(b""), Err(Error::Empty));
        assert_eq!(
            check(b"PK\x03\x04"),
            Err(Error::Foreign {
                found: "50 4b 03 04".into()
            })
        );
        let program = "gzip";
        assert_eq!(
            check(b"\x1f\x8b\x08\x08"),
            Err(Error::Compressed { program })
        );
        assert_eq!(check(b"\x89WTK\r\r\n\x1a\r\n"), Err(Error::TextMode));
        assert_eq!(check(b"\x09WTK\r\n\x1a\n"), Err(Error::TextMode));
        assert_eq!(check(b"\xc2\x89WTK\r\n\x1a\n"), Err(Error::TextMode));
        assert_eq!(check("\u{fffd}WTK\r\n".as_bytes()), Err(Error::TextMode));
        for cut in 1..FILE_HEADER_BYTES {
            assert_eq!(
                check(&good[..cut]),
                Err(Error::HeaderCut {
                    found: cut,
                    expected: 24
                })
            );
        }
        let mut flipped = good;
        flipped[9] ^= 1;
        assert!(matches!(check(&flipped), Err(Error::HeaderDamaged { .. })));
        let none = FileHeader { major: 0, ..header }.to_bytes();
        assert_eq!(check(&none), Err(Error::NoVersion));
        let newer = FileHeader { major: 2, ..header }.to_bytes();
        assert_eq!(
            check(&newer),
            Err(Error::NewerMajor {
                found: 2,
                supported: 1
            })
        );
    }
}
