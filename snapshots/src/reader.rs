//! Reads the intact parts of a snapshot from bytes.
//!
//! The reader performs no I/O. It does not stop at damage: it reports [`Event::Damage`], and
//! continues at the next intact block header.

use crate::block::{
    BLOCK_HEADER_BYTES, BlockHeader, BlockKind, Codec, FILE_HEADER_BYTES, FileHeader, MARKER,
    NO_BASE,
};
use crate::decompress::Decompressor;
use crate::error::{Damage, DamageKind, Error};
use crate::limits::Limits;

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// An intact block.
    Block(Block<'a>),
    /// A part of the file is lost.
    Damage(Damage),
}

/// An intact block with a stored payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// The header.
    pub header: BlockHeader,
    /// Offset of the header in the file.
    pub offset: u64,
    stored: &'a [u8],
}

impl Block<'_> {
    /// Decodes the payload of a block that does not refer to another one.
    /// [`Decoder`](crate::Decoder) decodes all blocks.
    ///
    /// # Errors
    /// The damage that makes the block unreadable. Other blocks are not affected.
    pub fn payload(&self, limits: &Limits) -> Result<Vec<u8>, Damage> {
        self.payload_with(&mut Decompressor::default(), limits)
    }

    /// Decodes the payload with a reused decompressor.
    pub(crate) fn payload_with(
        &self,
        decompressor: &mut Decompressor,
        limits: &Limits,
    ) -> Result<Vec<u8>, Damage> {
        let size = self.decoded_size(limits)?;
        let decoded = match self.header.codec {
            _ if self.header.base != NO_BASE => return Err(self.unknown()),
            Codec::Unknown(_) | Codec::Prefixed => return Err(self.unknown()),
            Codec::Stored => Ok(self.stored.to_vec()),
            Codec::Zstd => decompressor.frame(self.stored, size),
            Codec::Transposed => decompressor.transposed(self.stored, size),
        };
        self.checked(decoded, size)
    }

    /// Decodes the payload of a block that refers to another one, whose payload is `prefix`.
    pub(crate) fn payload_with_prefix(
        &self,
        prefix: &[u8],
        limits: &Limits,
    ) -> Result<Vec<u8>, Damage> {
        let size = self.decoded_size(limits)?;
        self.checked(
            Decompressor::frame_with_prefix(self.stored, prefix, size),
            size,
        )
    }

    /// Returns the damage of this whole block.
    pub(crate) fn damage(&self, kind: DamageKind) -> Damage {
        Damage {
            offset: self.offset,
            length: (BLOCK_HEADER_BYTES + self.stored.len()) as u64,
            kind,
        }
    }

    /// Returns the decoded size, if within the limit.
    fn decoded_size(&self, limits: &Limits) -> Result<usize, Damage> {
        let (size, limit) = (self.header.decoded_bytes, limits.block_bytes);
        if size > limit {
            return Err(self.damage(DamageKind::Limit {
                sequence: self.header.sequence,
                kind: self.header.kind.name(),
                asked: u64::from(size),
                limit: u64::from(limit),
            }));
        }
        Ok(size as usize)
    }

    fn unknown(&self) -> Damage {
        self.damage(DamageKind::UnknownCodec {
            sequence: self.header.sequence,
            kind: self.header.kind.name(),
            codec: self.header.codec.number(),
        })
    }

    fn checked(&self, decoded: Result<Vec<u8>, String>, size: usize) -> Result<Vec<u8>, Damage> {
        let cause = match decoded {
            Ok(payload) if payload.len() == size => return Ok(payload),
            Ok(payload) => format!("{} bytes instead of {size}", payload.len()),
            Err(cause) => cause,
        };
        Err(self.damage(DamageKind::Decompress {
            sequence: self.header.sequence,
            kind: self.header.kind.name(),
            cause,
        }))
    }
}

/// Iterates over the blocks of a file.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    file: &'a [u8],
    header: FileHeader,
    at: usize,
    /// The sequence number of the previous block.
    last_sequence: Option<u32>,
    ended: bool,
    stopped: bool,
    damages: u32,
    /// Bytes of payloads with wrong checksums. At most the size of the file, unless blocks overlap,
    /// which only a crafted file has.
    wasted: u64,
    limits: Limits,
    waiting: Option<Block<'a>>,
}

impl<'a> Reader<'a> {
    /// Checks the file header.
    ///
    /// # Errors
    /// If the whole file cannot be read.
    pub fn new(file: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        Ok(Self {
            file,
            header: FileHeader::parse(file)?,
            at: FILE_HEADER_BYTES,
            last_sequence: None,
            ended: false,
            stopped: false,
            damages: 0,
            wasted: 0,
            limits: *limits,
            waiting: None,
        })
    }

    /// Returns the file header.
    pub fn header(&self) -> FileHeader {
        self.header
    }

    fn damage(&mut self, offset: usize, length: usize, kind: DamageKind) -> Event<'a> {
        self.damages += 1;
        Event::Damage(Damage {
            offset: offset as u64,
            length: length as u64,
            kind,
        })
    }

    /// Returns the intact block header at offset `at`, if any.
    fn header_at(&self, at: usize) -> Option<BlockHeader> {
        BlockHeader::parse(&self.file[at..]).filter(|header| header.mark == self.header.mark)
    }

    /// Returns the offset of the next intact block header from `from` on.
    fn resync(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(step) = self.file[at..]
            .windows(MARKER.len())
            .position(|w| w == MARKER)
        {
            at += step;
            if self.header_at(at).is_some() {
                return at;
            }
            at += 1;
        }
        self.file.len()
    }

    /// Reads a block with an intact header. Its payload may be damaged, and blocks before it
    /// missing.
    fn block(&mut self, header: BlockHeader) -> Event<'a> {
        let offset = self.at;
        let start = offset + BLOCK_HEADER_BYTES;
        let block = match self.stored(header, &self.file[start..]) {
            Ok(stored) => Block {
                header,
                offset: offset as u64,
                stored,
            },
            Err(kind) => {
                if let DamageKind::Checksum { .. } = kind {
                    self.wasted += u64::from(header.stored_bytes);
                }
                // The length may be wrong, so that the next block may begin inside this one.
                self.at = self.resync(start);
                self.last_sequence = self.last_sequence.max(Some(header.sequence));
                return self.damage(offset, self.at - offset, kind);
            }
        };
        self.at = start + block.stored.len();
        let missing = match self.last_sequence {
            Some(after) if header.sequence <= after => {
                let kind = DamageKind::OutOfOrder {
                    sequence: header.sequence,
                    kind: header.kind.name(),
                    after,
                };
                return self.damage(offset, self.at - offset, kind);
            }
            Some(before) => header.sequence - before - 1,
            None => header.sequence,
        };
        self.last_sequence = Some(header.sequence);
        // A capture is complete if the last block is an end.
        self.ended = header.kind == BlockKind::End;
        if missing > 0 {
            self.waiting = Some(block);
            let kind = DamageKind::Missing {
                count: missing,
                before: header.sequence,
            };
            return self.damage(offset, 0, kind);
        }
        Event::Block(block)
    }

    /// Returns the stored payload of a block, if present and intact.
    fn stored(&self, header: BlockHeader, rest: &'a [u8]) -> Result<&'a [u8], DamageKind> {
        let sequence = header.sequence;
        let kind = || header.kind.name();
        if header.stored_bytes > self.limits.block_bytes {
            return Err(DamageKind::Limit {
                sequence,
                kind: kind(),
                asked: u64::from(header.stored_bytes),
                limit: u64::from(self.limits.block_bytes),
            });
        }
        let stored_bytes = header.stored_bytes as usize;
        let stored = rest
            .get(..stored_bytes)
            .ok_or_else(|| DamageKind::BlockCut {
                sequence,
                kind: kind(),
                found: rest.len() as u64,
                expected: stored_bytes as u64,
            })?;
        let (found, expected) = (crc32fast::hash(stored), header.payload_crc);
        if found != expected {
            return Err(DamageKind::Checksum {
                sequence,
                kind: kind(),
                found,
                expected,
            });
        }
        Ok(stored)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if let Some(block) = self.waiting.take() {
            return Some(Event::Block(block));
        }
        if self.stopped {
            return None;
        }
        let hopeless = self.wasted > 8 * self.file.len() as u64;
        if hopeless || self.damages >= self.limits.damages {
            self.stopped = true;
            let rest = self.file.len() - self.at;
            let kind = DamageKind::TooMany(self.damages);
            return Some(self.damage(self.at, rest, kind));
        }
        if self.at >= self.file.len() {
            self.stopped = true;
            if self.ended {
                return None;
            }
            return Some(self.damage(self.file.len(), 0, DamageKind::NoEnd));
        }
        if let Some(header) = self.header_at(self.at) {
            return Some(self.block(header));
        }
        let from = self.at;
        self.at = self.resync(from);
        let lost = self.at - from;
        Some(self.damage(from, lost, DamageKind::Garbage(lost as u64)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::records::{CaptureEnd, User};
    use crate::writer::{Encoder, Writer};

    /// A file of three `users` blocks and an end, with the offset of each block.
    fn file() -> (Vec<u8>, Vec<usize>) {
        let mut encoder = Encoder::new(3).unwrap();
        let mut writer = Writer::new(Vec::new()).unwrap();
        let mut starts = Vec::new();
        for uid in 0..3 {
            let user = User {
                uid,
                name: vec![b'a'; 500],
            };
            starts.push(writer.written_bytes() as usize);
            writer
                .write(&encoder.record(BlockKind::Users, &user).unwrap())
                .unwrap();
        }
        starts.push(writer.written_bytes() as usize);
        let end = encoder
            .record(BlockKind::End, &CaptureEnd::default())
            .unwrap();
        writer.write(&end).unwrap();
        (writer.finish().unwrap(), starts)
    }

    /// Returns the sequence numbers of the blocks that decode, and the number of damages.
    fn survey(bytes: &[u8]) -> (Vec<u32>, usize) {
        let limits = Limits::default();
        let (mut whole, mut damages) = (Vec::new(), 0);
        for event in Reader::new(bytes, &limits).unwrap() {
            match event {
                Event::Block(block) if block.payload(&limits).is_ok() => {
                    whole.push(block.header.sequence);
                }
                _ => damages += 1,
            }
        }
        (whole, damages)
    }

    #[test]
    fn an_intact_file_has_no_damage() {
        assert_eq!(survey(&file().0), (vec![0, 1, 2, 3], 0));
    }

    #[test]
    fn a_cut_at_any_byte_keeps_everything_before_it() {
        let (bytes, starts) = file();
        for cut in FILE_HEADER_BYTES..bytes.len() {
            let whole = starts[1..].iter().filter(|start| **start <= cut).count() as u32;
            let (found, damages) = survey(&bytes[..cut]);
            assert_eq!(found, (0..whole).collect::<Vec<_>>(), "cut at {cut}");
            assert!(damages > 0, "cut at {cut} is not said");
        }
    }

    #[test]
    fn a_flipped_bit_loses_one_block_and_says_so() {
        let (bytes, starts) = file();
        for at in FILE_HEADER_BYTES..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            let hit = starts.iter().rposition(|start| *start <= at).unwrap() as u32;
            let (found, damages) = survey(&flipped);
            let expected: Vec<u32> = (0..4).filter(|sequence| *sequence != hit).collect();
            assert_eq!(found, expected, "flip at {at}");
            assert!(damages > 0, "flip at {at} is not said");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_allocates() {
        let (mut bytes, starts) = file();
        let at = starts[0];
        bytes[at + 24..at + 28].copy_from_slice(&u32::MAX.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[at..at + 36]);
        bytes[at + 36..at + 40].copy_from_slice(&checksum.to_le_bytes());
        let limits = Limits::default();
        let Some(Event::Block(block)) = Reader::new(&bytes, &limits).unwrap().next() else {
            panic!("the header is intact");
        };
        let damage = block.payload(&limits).unwrap_err();
        assert_eq!(
            damage.to_string(),
            "at byte 24: block 0 (users) asks for 4294967295 bytes, the limit is 16777216"
        );
    }
}
