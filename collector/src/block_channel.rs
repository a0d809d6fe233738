//! Moves encoded blocks from the reader threads to the thread that writes the file.
//!
//! Each reader encodes its own blocks; one thread writes them. The queue is short, so that a slow
//! output slows the readers down instead of filling memory.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};

use crate::queue::{Receiver, Sender, queue};
use crate::series_writer::SeriesWriter;
use whotalks_snapshot::records::RawHeader;
use whotalks_snapshot::{BlockKind, EncodedBlock, Encoder, RawStream, Record, RecordBlock, Writer};

/// Blocks that can wait: one or two for each reader of a usual machine.
const QUEUE_BLOCKS: usize = 4;
/// The highest zstd level that takes no longer than the system calls.
const ZSTD_LEVEL: i32 = 3;

/// A message to the writing thread.
enum Message {
    Block(EncodedBlock),
    NextCapture,
}

/// Sends blocks to the writing thread.
#[derive(Clone)]
pub(crate) struct BlockSender {
    messages: Sender<Message>,
    series: bool,
}

/// Receives blocks and writes them to the output.
pub(crate) struct BlockReceiver {
    messages: Receiver<Message>,
    series: bool,
}

/// Creates the channel. In a series the receiver compresses, because it compares each capture with
/// the one before.
pub(crate) fn channel(series: bool) -> (BlockSender, BlockReceiver) {
    let (sender, messages) = queue(QUEUE_BLOCKS);
    let blocks = BlockSender {
        messages: sender,
        series,
    };
    (blocks, BlockReceiver { messages, series })
}

/// Draws a random number that captured data cannot contain on purpose. The keys of the standard
/// library's hashers are random.
fn random_mark() -> u32 {
    RandomState::new().hash_one(()) as u32
}

impl BlockReceiver {
    /// Writes all blocks until every sender is dropped. Returns the output and its size in bytes.
    pub(crate) fn write_to<W: Write>(self, out: W) -> io::Result<(W, u64)> {
        let mut writer = Writer::with_mark(out, random_mark())?;
        let series_writer = || Encoder::new(ZSTD_LEVEL).map(SeriesWriter::new);
        let mut series_writer = self.series.then(series_writer).transpose()?;
        while let Some(message) = self.messages.receive(None) {
            match message {
                Message::Block(block) => match &mut series_writer {
                    Some(series_writer) => series_writer.add(block, &mut writer)?,
                    None => writer.write(&block)?,
                },
                Message::NextCapture => writer.next_capture(),
            }
        }
        let bytes = writer.written_bytes();
        Ok((writer.finish()?, bytes))
    }
}

impl BlockSender {
    /// Creates an encoder for one reader.
    pub(crate) fn encoder(&self) -> io::Result<BlockEncoder> {
        let encoder = if self.series {
            Encoder::deferred()
        } else {
            Encoder::new(ZSTD_LEVEL)?
        };
        Ok(BlockEncoder {
            encoder,
            blocks: self.clone(),
        })
    }

    /// Ends this capture: later blocks belong to the next capture of the series.
    pub(crate) fn next_capture(&self) -> io::Result<()> {
        self.send(Message::NextCapture)
    }

    fn send(&self, message: Message) -> io::Result<()> {
        // The writing thread ends early only if the output fails, and then reports that error
        // itself.
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.messages.send(message).then_some(()).ok_or_else(gone)
    }
}

/// Encodes one reader's blocks and sends them.
pub(crate) struct BlockEncoder {
    encoder: Encoder,
    blocks: BlockSender,
}

impl BlockEncoder {
    /// Sends a block of one record.
    pub(crate) fn record(&mut self, kind: BlockKind, record: &impl Record) -> io::Result<()> {
        let block = self.encoder.record(kind, record)?;
        self.blocks.send(Message::Block(block))
    }

    /// Adds a record to a block, and sends the block when it is full.
    pub(crate) fn push<R: Record>(
        &mut self,
        block: &mut RecordBlock<R>,
        record: &R,
    ) -> io::Result<()> {
        match block.push(record, &mut self.encoder)? {
            Some(block) => self.blocks.send(Message::Block(block)),
            None => Ok(()),
        }
    }

    /// Sends the records that are left in a block.
    pub(crate) fn flush<R: Record>(&mut self, block: &mut RecordBlock<R>) -> io::Result<()> {
        match block.take(&mut self.encoder)? {
            Some(block) => self.blocks.send(Message::Block(block)),
            None => Ok(()),
        }
    }

    /// Sends all these records, in as many blocks as they need.
    pub(crate) fn records<'a, R: Record + 'a>(
        &mut self,
        kind: BlockKind,
        records: impl IntoIterator<Item = &'a R>,
    ) -> io::Result<()> {
        let mut block = RecordBlock::new(kind);
        for record in records {
            self.push(&mut block, record)?;
        }
        self.flush(&mut block)
    }

    /// Starts a raw source: bytes of the kernel, stored as they are.
    pub(crate) fn raw(&mut self, header: RawHeader) -> RawSource<'_> {
        RawSource {
            stream: RawStream::new(header),
            encoder: self,
        }
    }
}

/// A raw source that is being written. Without [`RawSource::finish`] a reader sees it as truncated.
pub(crate) struct RawSource<'a> {
    stream: RawStream,
    encoder: &'a mut BlockEncoder,
}

impl RawSource<'_> {
    /// Adds bytes that must not be split over two blocks.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        match self.stream.push(piece, &mut self.encoder.encoder)? {
            Some(block) => self.encoder.blocks.send(Message::Block(block)),
            None => Ok(()),
        }
    }

    /// Ends the source. `errno` and `flags` are those of [`RawHeader`].
    pub(crate) fn finish(self, errno: u16, flags: u32) -> io::Result<()> {
        let block = self
            .stream
            .finish(errno, flags, &mut self.encoder.encoder)?;
        self.encoder.blocks.send(Message::Block(block))
    }
}
