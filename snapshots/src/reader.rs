//! Reading a snapshot from bytes, as much of it as is whole.
//!
//! The reader does no input or output. It never stops at damage: what is lost is an
//! [`Event::Damage`], and reading goes on at the next intact block header.

use crate::block::{
    BLOCK_HEADER_BYTES, BlockHeader, BlockKind, Codec, FILE_HEADER_BYTES, FileHeader, MARKER,
    NO_BASE,
};
use crate::error::{Damage, DamageKind, Error};
use crate::limits::Limits;
use crate::transpose;

/// One step of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// An intact block header with its whole payload behind it.
    Block(Block<'a>),
    /// Something was lost here.
    Damage(Damage),
}

/// A block as it lies in the file, its payload not yet checked or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Its header.
    pub header: BlockHeader,
    /// Where its header begins in the file.
    pub offset: u64,
    stored: &'a [u8],
}

impl Block<'_> {
    /// Checks and decodes the payload.
    ///
    /// # Errors
    /// The damage that makes it unreadable; the blocks around it are not concerned.
    pub fn payload(&self, limits: &Limits) -> Result<Vec<u8>, Damage> {
        let sequence = self.header.sequence;
        let kind = self.header.kind.name();
        let damage = |kind| Damage {
            offset: self.offset,
            length: (BLOCK_HEADER_BYTES + self.stored.len()) as u64,
            kind,
        };
        let (asked, limit) = (self.header.decoded_bytes, limits.block_bytes);
        if asked > limit {
            let (asked, limit) = (u64::from(asked), u64::from(limit));
            return Err(damage(DamageKind::Limit {
                sequence,
                kind,
                asked,
                limit,
            }));
        }
        let found = crc32fast::hash(self.stored);
        let expected = self.header.payload_crc;
        if found != expected {
            return Err(damage(DamageKind::Checksum {
                sequence,
                kind,
                found,
                expected,
            }));
        }
        let cause = match self.header.codec {
            _ if self.header.base != NO_BASE => {
                let codec = self.header.codec.number();
                return Err(damage(DamageKind::UnknownCodec {
                    sequence,
                    kind,
                    codec,
                }));
            }
            Codec::Unknown(codec) => {
                return Err(damage(DamageKind::UnknownCodec {
                    sequence,
                    kind,
                    codec,
                }));
            }
            Codec::Stored if self.stored.len() == asked as usize => {
                return Ok(self.stored.to_vec());
            }
            Codec::Stored => format!("{} bytes instead of {asked}", self.stored.len()),
            Codec::Zstd => match zstd::bulk::decompress(self.stored, asked as usize) {
                Ok(payload) if payload.len() == asked as usize => return Ok(payload),
                Ok(payload) => format!("{} bytes instead of {asked}", payload.len()),
                Err(error) => error.to_string().to_lowercase(),
            },
            Codec::ZstdTransposed => {
                let room = transpose::bound(asked as usize);
                match zstd::bulk::decompress(self.stored, room) {
                    Ok(turned) => match transpose::restore(&turned, asked as usize) {
                        Ok(payload) => return Ok(payload),
                        Err(error) => error.to_string(),
                    },
                    Err(error) => error.to_string().to_lowercase(),
                }
            }
        };
        Err(damage(DamageKind::Decompress {
            sequence,
            kind,
            cause,
        }))
    }
}

/// Goes through a file's blocks.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    file: &'a [u8],
    header: FileHeader,
    at: usize,
    next_sequence: u32,
    ended: bool,
    stopped: bool,
    damages_left: u32,
    waiting: Option<Block<'a>>,
}

impl<'a> Reader<'a> {
    /// Checks the file's header.
    ///
    /// # Errors
    /// When the file as a whole cannot be read.
    pub fn new(file: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        Ok(Self {
            file,
            header: FileHeader::parse(file)?,
            at: FILE_HEADER_BYTES,
            next_sequence: 0,
            ended: false,
            stopped: false,
            damages_left: limits.damages,
            waiting: None,
        })
    }

    /// The file's header.
    pub fn header(&self) -> FileHeader {
        self.header
    }

    fn damage(&mut self, offset: usize, length: usize, kind: DamageKind) -> Event<'a> {
        self.damages_left = self.damages_left.saturating_sub(1);
        self.stopped |= self.damages_left == 0;
        Event::Damage(Damage {
            offset: offset as u64,
            length: length as u64,
            kind,
        })
    }

    /// Where the next intact block header begins, at or after `from`.
    fn resync(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(step) = self.file[at..]
            .windows(MARKER.len())
            .position(|w| w == MARKER)
        {
            at += step;
            if BlockHeader::parse(&self.file[at..]).is_some() {
                return at;
            }
            at += 1;
        }
        self.file.len()
    }

    /// A block whose header is intact: its payload may be cut, and blocks before it may be missing.
    fn block(&mut self, header: BlockHeader) -> Event<'a> {
        let offset = self.at;
        let start = offset + BLOCK_HEADER_BYTES;
        let rest = &self.file[start..];
        let missing = header.sequence.saturating_sub(self.next_sequence);
        self.next_sequence = header.sequence.saturating_add(1);
        let stored_bytes = header.stored_bytes as usize;
        let Some(stored) = rest.get(..stored_bytes) else {
            self.at = self.file.len();
            return self.damage(
                offset,
                self.file.len() - offset,
                DamageKind::BlockCut {
                    sequence: header.sequence,
                    kind: header.kind.name(),
                    found: rest.len() as u64,
                    expected: stored_bytes as u64,
                },
            );
        };
        self.at = start + stored_bytes;
        // A capture is whole when the last thing in the file is an end.
        self.ended = header.kind == BlockKind::End;
        let block = Block {
            header,
            offset: offset as u64,
            stored,
        };
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
        if self.at >= self.file.len() {
            self.stopped = true;
            if self.ended {
                return None;
            }
            return Some(self.damage(self.file.len(), 0, DamageKind::NoEnd));
        }
        if let Some(header) = BlockHeader::parse(&self.file[self.at..]) {
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

    /// Three blocks of users, and an end; with the offsets at which each block begins.
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

    /// Sequence numbers of the blocks that decode, and how many damages were said.
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
