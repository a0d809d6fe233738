//! From the readers to the file: every reader encodes its own blocks, one thread writes them.
//!
//! The queue is short, so that a slow output slows the readers down instead of filling memory.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};

use crate::queue::{Receiver, Sender, queue};
use crate::series_writer::SeriesWriter;
use whotalks_snapshot::records::RawHeader;
use whotalks_snapshot::{BlockKind, EncodedBlock, Encoder, RawStream, Record, RecordBlock, Writer};

/// Blocks that may wait: one or two for each reader of a usual machine.
const QUEUE_BLOCKS: usize = 4;
/// The level at which compression is free beside the system calls.
const ZSTD_LEVEL: i32 = 3;

/// What the writing thread is told.
enum Message {
    Block(EncodedBlock),
    NextCapture,
}

/// The way to the writing thread.
#[derive(Clone)]
pub(crate) struct BlockSender {
    messages: Sender<Message>,
    series: bool,
}

/// The writing thread's end.
pub(crate) struct BlockReceiver {
    messages: Receiver<Message>,
    series: bool,
}

/// A queue's two ends. In a series the writing thread encodes, which has what changed in view.
pub(crate) fn channel(series: bool) -> (BlockSender, BlockReceiver) {
    let (sender, messages) = queue(QUEUE_BLOCKS);
    let blocks = BlockSender {
        messages: sender,
        series,
    };
    (blocks, BlockReceiver { messages, series })
}

/// A number that nothing captured can know: the standard library's hashers have random keys.
fn mark() -> u32 {
    RandomState::new().hash_one(()) as u32
}

impl BlockReceiver {
    /// Writes whatever comes, until nobody can send any more; gives the output and its size back.
    pub(crate) fn write_to<W: Write>(self, out: W) -> io::Result<(W, u64)> {
        let mut writer = Writer::with_mark(out, mark())?;
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
    /// A reader's own encoder on this blocks.
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

    /// What follows belongs to the next capture of the series.
    pub(crate) fn next_capture(&self) -> io::Result<()> {
        self.send(Message::NextCapture)
    }

    fn send(&self, message: Message) -> io::Result<()> {
        // The writing thread ends early only when its output fails, which it reports itself.
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.messages.send(message).then_some(()).ok_or_else(gone)
    }
}

/// One reader's way into the file.
pub(crate) struct BlockEncoder {
    encoder: Encoder,
    blocks: BlockSender,
}

impl BlockEncoder {
    /// A block of one record.
    pub(crate) fn record(&mut self, kind: BlockKind, record: &impl Record) -> io::Result<()> {
        let block = self.encoder.record(kind, record)?;
        self.blocks.send(Message::Block(block))
    }

    /// A record among others of its kind.
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

    /// What is left of a kind.
    pub(crate) fn flush<R: Record>(&mut self, block: &mut RecordBlock<R>) -> io::Result<()> {
        match block.take(&mut self.encoder)? {
            Some(block) => self.blocks.send(Message::Block(block)),
            None => Ok(()),
        }
    }

    /// All records of a kind.
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

    /// Begins a source of kernel bytes.
    pub(crate) fn raw(&mut self, header: RawHeader) -> RawSource<'_> {
        RawSource {
            stream: RawStream::new(header),
            encoder: self,
        }
    }
}

/// A source of kernel bytes on its way into the file. Without [`RawSource::finish`] it reads as cut.
pub(crate) struct RawSource<'a> {
    stream: RawStream,
    encoder: &'a mut BlockEncoder,
}

impl RawSource<'_> {
    /// Bytes that must stay together.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        match self.stream.push(piece, &mut self.encoder.encoder)? {
            Some(block) => self.encoder.blocks.send(Message::Block(block)),
            None => Ok(()),
        }
    }

    /// The end, and how it was reached.
    pub(crate) fn finish(self, errno: u16, flags: u32) -> io::Result<()> {
        let block = self
            .stream
            .finish(errno, flags, &mut self.encoder.encoder)?;
        self.encoder.blocks.send(Message::Block(block))
    }
}
