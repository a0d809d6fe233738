//! Writes a snapshot as a stream. Only the block being filled is kept in memory.
//!
//! Encoding (compression, checksums) is separate from writing, so that several threads can encode
//! while one writes: each [`Encoder`] makes [`EncodedBlock`]s, and one [`Writer`] numbers them.

use std::io::{self, Write};
use std::marker::PhantomData;

use crate::block::{
    BlockHeader, BlockKind, Codec, FileHeader, NO_BASE, VERSION_MAJOR, VERSION_MINOR,
};
use crate::bundle::Member;
use crate::limits::MAX_BLOCK_BYTES;
use crate::records::RawHeader;
use crate::transpose::{self, Rows};
use crate::wire::{Record, put_record, take_record};

/// Size of a payload in bytes at which a block is finished: large enough to compress well, small
/// enough for a dozen blocks in memory.
pub const BLOCK_TARGET_BYTES: usize = 512 << 10;

/// An encoded block without its position in the file.
#[derive(Debug, Clone)]
pub struct EncodedBlock {
    kind: BlockKind,
    codec: Codec,
    base: u32,
    decoded_bytes: u32,
    payload_crc: u32,
    stored: Vec<u8>,
}

impl EncodedBlock {
    pub(crate) fn new(
        kind: BlockKind,
        payload: &[u8],
        codec: Codec,
        compressed: Vec<u8>,
    ) -> io::Result<Self> {
        let decoded_bytes = u32::try_from(payload.len())
            .ok()
            .filter(|bytes| *bytes <= MAX_BLOCK_BYTES)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "block too large"))?;
        // A frame header makes short payloads longer: these are stored uncompressed.
        let (codec, stored) = if compressed.len() < payload.len() {
            (codec, compressed)
        } else {
            (Codec::Stored, payload.to_vec())
        };
        Ok(Self {
            kind,
            codec,
            base: NO_BASE,
            decoded_bytes,
            payload_crc: crc32fast::hash(&stored),
            stored,
        })
    }

    /// Sets the base: the sequence number of the block that this one refers to.
    pub(crate) fn with_base(self, base: u32) -> Self {
        Self { base, ..self }
    }

    /// Returns the type of the block.
    pub fn kind(&self) -> BlockKind {
        self.kind
    }

    /// Returns the stored size in bytes.
    pub fn stored_bytes(&self) -> usize {
        self.stored.len()
    }

    /// Returns the payload of a [deferred](Encoder::deferred) block.
    pub fn into_member(self) -> Member {
        debug_assert_eq!(self.codec, Codec::Stored);
        Member {
            kind: self.kind,
            payload: self.stored,
        }
    }
}

/// Compresses payloads. Each thread has its own.
pub struct Encoder {
    /// `None`: payloads are not compressed here.
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

impl Encoder {
    /// Creates an encoder with a zstd level. Level 3 takes no longer than the system calls of a
    /// capture.
    ///
    /// # Errors
    /// If zstd cannot allocate its context.
    pub fn new(level: i32) -> io::Result<Self> {
        Ok(Self {
            zstd: Some(zstd::bulk::Compressor::new(level)?),
        })
    }

    /// Creates an encoder that does not compress. Its blocks become a [`Member`] of a bundle, or
    /// are compressed by [`Encoder::again`].
    pub fn deferred() -> Self {
        Self { zstd: None }
    }

    /// Compresses a block of a deferred encoder.
    ///
    /// # Errors
    /// Those of [`Encoder::block`].
    pub fn again(&mut self, block: EncodedBlock) -> io::Result<EncodedBlock> {
        self.member(block.into_member())
    }

    /// Encodes a payload with the codec for its type.
    ///
    /// # Errors
    /// Those of [`Encoder::block`].
    pub fn member(&mut self, member: Member) -> io::Result<EncodedBlock> {
        let Member { kind, payload } = member;
        if kind == BlockKind::Raw {
            let mut rest = payload.as_slice();
            if let Ok(header) = take_record::<RawHeader>(&mut rest)
                && let Some(rows) = Rows::of_source(&header.source)
            {
                let head = payload.len() - rest.len();
                return self.rows(kind, &payload, head, rows);
            }
        }
        self.block(kind, &payload)
    }

    /// Encodes one payload of at most [`MAX_BLOCK_BYTES`].
    ///
    /// # Errors
    /// `InvalidInput` if the payload is larger; otherwise errors of zstd.
    pub fn block(&mut self, kind: BlockKind, payload: &[u8]) -> io::Result<EncodedBlock> {
        let Some(zstd) = &mut self.zstd else {
            return EncodedBlock::new(kind, payload, Codec::Stored, payload.to_vec());
        };
        let compressed = zstd.compress(payload)?;
        EncodedBlock::new(kind, payload, Codec::Zstd, compressed)
    }

    /// Encodes a payload that consists of rows after its first `head` bytes.
    ///
    /// # Errors
    /// Those of [`Encoder::block`].
    pub fn rows(
        &mut self,
        kind: BlockKind,
        payload: &[u8],
        head: usize,
        rows: Rows,
    ) -> io::Result<EncodedBlock> {
        let Some(zstd) = &mut self.zstd else {
            return self.block(kind, payload);
        };
        let Some(transposed) = transpose::encode(payload, head, rows) else {
            return self.block(kind, payload);
        };
        let compressed = zstd.compress(&transposed.bytes)?;
        if !transposed.worthwhile {
            let plain = zstd.compress(payload)?;
            if plain.len() <= compressed.len() {
                return EncodedBlock::new(kind, payload, Codec::Zstd, plain);
            }
        }
        EncodedBlock::new(kind, payload, Codec::Transposed, compressed)
    }

    /// Encodes a block of one record.
    ///
    /// # Errors
    /// Those of [`Encoder::block`].
    pub fn record(&mut self, kind: BlockKind, record: &impl Record) -> io::Result<EncodedBlock> {
        let mut payload = Vec::new();
        put_record(record, &mut payload);
        self.block(kind, &payload)
    }
}

/// Collects records of one type into blocks.
pub struct RecordBlock<R> {
    kind: BlockKind,
    payload: Vec<u8>,
    records: PhantomData<fn(&R)>,
}

impl<R: Record> RecordBlock<R> {
    /// Creates an empty block.
    pub fn new(kind: BlockKind) -> Self {
        Self {
            kind,
            payload: Vec::new(),
            records: PhantomData,
        }
    }

    /// Adds a record. Returns a block when enough records are collected.
    ///
    /// # Errors
    /// Those of [`Encoder::block`]: a record must not be larger than a block.
    pub fn push(&mut self, record: &R, encoder: &mut Encoder) -> io::Result<Option<EncodedBlock>> {
        put_record(record, &mut self.payload);
        if self.payload.len() < BLOCK_TARGET_BYTES {
            return Ok(None);
        }
        self.take(encoder)
    }

    /// Returns the last block, if any records are left.
    ///
    /// # Errors
    /// Those of [`Encoder::block`].
    pub fn take(&mut self, encoder: &mut Encoder) -> io::Result<Option<EncodedBlock>> {
        if self.payload.is_empty() {
            return Ok(None);
        }
        let block = encoder.block(self.kind, &self.payload);
        self.payload.clear();
        block.map(Some)
    }
}

/// Divides a raw source into [`BlockKind::Raw`] blocks as it is read.
///
/// Pieces given to [`RawStream::push`] are never split over two blocks, so that a netlink message
/// is in one block. A piece may be as large as a block minus its header.
pub struct RawStream {
    header: RawHeader,
    bytes: Vec<u8>,
}

impl RawStream {
    /// Creates the stream of a source. Sets the header's `part` and `last`.
    pub fn new(header: RawHeader) -> Self {
        Self {
            header: RawHeader {
                part: 0,
                last: false,
                ..header
            },
            bytes: Vec::new(),
        }
    }

    /// Adds bytes. Returns a block when enough bytes are collected.
    ///
    /// # Errors
    /// Those of [`Encoder::block`].
    pub fn push(
        &mut self,
        piece: &[u8],
        encoder: &mut Encoder,
    ) -> io::Result<Option<EncodedBlock>> {
        let full = !self.bytes.is_empty() && self.bytes.len() + piece.len() > BLOCK_TARGET_BYTES;
        let block = if full {
            Some(self.emit(encoder)?)
        } else {
            None
        };
        self.bytes.extend_from_slice(piece);
        Ok(block)
    }

    /// Returns the last block. `errno` is 0 if reading succeeded; `flags` are bits such as
    /// [`RawHeader::TRUNCATED`].
    ///
    /// # Errors
    /// Those of [`Encoder::block`].
    pub fn finish(
        mut self,
        errno: u16,
        flags: u32,
        encoder: &mut Encoder,
    ) -> io::Result<EncodedBlock> {
        self.header.last = true;
        self.header.errno = errno;
        self.header.flags |= flags;
        self.emit(encoder)
    }

    fn emit(&mut self, encoder: &mut Encoder) -> io::Result<EncodedBlock> {
        let mut payload = Vec::with_capacity(self.bytes.len() + 64);
        put_record(&self.header, &mut payload);
        let head = payload.len();
        payload.extend_from_slice(&self.bytes);
        self.bytes.clear();
        self.header.part += 1;
        match Rows::of_source(&self.header.source) {
            Some(rows) => encoder.rows(BlockKind::Raw, &payload, head, rows),
            None => encoder.block(BlockKind::Raw, &payload),
        }
    }
}

/// Writes blocks to a file in order.
pub struct Writer<W: Write> {
    out: W,
    sequence: u32,
    capture: u32,
    mark: u32,
    written_bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file without captured data of others: its [mark](FileHeader::mark) is 0.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W) -> io::Result<Self> {
        Self::with_mark(out, 0)
    }

    /// Writes the file header. The mark should be random, so that captured data cannot contain it
    /// on purpose.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn with_mark(mut out: W, mark: u32) -> io::Result<Self> {
        let header = FileHeader {
            major: VERSION_MAJOR,
            minor: VERSION_MINOR,
            mark,
        }
        .to_bytes();
        out.write_all(&header)?;
        Ok(Self {
            out,
            sequence: 0,
            capture: 0,
            mark,
            written_bytes: header.len() as u64,
        })
    }

    /// Writes a block.
    ///
    /// # Errors
    /// Those of `out`. The file is then truncated, which its reader reports.
    pub fn write(&mut self, block: &EncodedBlock) -> io::Result<()> {
        let header = BlockHeader {
            kind: block.kind,
            codec: block.codec,
            sequence: self.sequence,
            capture: self.capture,
            base: block.base,
            // The encoder ensures that the stored size is at most the decoded size, which is
            // limited.
            stored_bytes: block.stored.len() as u32,
            decoded_bytes: block.decoded_bytes,
            mark: self.mark,
            payload_crc: block.payload_crc,
        }
        .to_bytes();
        self.out.write_all(&header)?;
        self.out.write_all(&block.stored)?;
        self.sequence += 1;
        self.written_bytes += (header.len() + block.stored.len()) as u64;
        Ok(())
    }

    /// Begins the next capture of a series.
    pub fn next_capture(&mut self) {
        self.capture += 1;
    }

    /// Returns the sequence number of the next block.
    pub fn next_sequence(&self) -> u32 {
        self.sequence
    }

    /// Returns the number of bytes written.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Flushes and returns the output.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}
