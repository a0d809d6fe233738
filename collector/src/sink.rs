//! From the readers to the file: every reader encodes its own blocks, one thread writes them.
//!
//! The queue is short, so that a slow output slows the readers down instead of filling memory.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};

use crate::queue::{Receiver, Sender, queue};
use crate::series::Gathering;
use whotalks_snapshot::records::RawHeader;
use whotalks_snapshot::{BlockKind, EncodedBlock, Encoder, RawStream, Record, RecordBlock, Writer};

/// Blocks that may wait: one or two for each reader of a usual machine.
const QUEUE_BLOCKS: usize = 4;
/// The level at which compression is free beside the system calls.
const ZSTD_LEVEL: i32 = 3;

/// What the writing thread is told.
enum Order {
    Block(EncodedBlock),
    NextCapture,
}

/// The way to the writing thread.
#[derive(Clone)]
pub(crate) struct Sink {
    orders: Sender<Order>,
    series: bool,
}

/// The writing thread's end.
pub(crate) struct Drain {
    orders: Receiver<Order>,
    series: bool,
}

/// A queue's two ends. In a series the writing thread encodes, which has what changed in view.
pub(crate) fn channel(series: bool) -> (Sink, Drain) {
    let (sender, orders) = queue(QUEUE_BLOCKS);
    let sink = Sink {
        orders: sender,
        series,
    };
    (sink, Drain { orders, series })
}

/// A number that nothing captured can know: the standard library's hashers have random keys.
fn mark() -> u32 {
    RandomState::new().hash_one(()) as u32
}

impl Drain {
    /// Writes whatever comes, until nobody can send any more; gives the output and its size back.
    pub(crate) fn write_to<W: Write>(self, out: W) -> io::Result<(W, u64)> {
        let mut writer = Writer::with_mark(out, mark())?;
        let gathering = || Encoder::new(ZSTD_LEVEL).map(Gathering::new);
        let mut gathering = self.series.then(gathering).transpose()?;
        while let Some(order) = self.orders.receive(None) {
            match order {
                Order::Block(block) => match &mut gathering {
                    Some(gathering) => gathering.add(block, &mut writer)?,
                    None => writer.write(&block)?,
                },
                Order::NextCapture => writer.next_capture(),
            }
        }
        let bytes = writer.written_bytes();
        Ok((writer.finish()?, bytes))
    }
}

impl Sink {
    /// A reader's own encoder on this sink.
    pub(crate) fn lane(&self) -> io::Result<Lane> {
        let encoder = if self.series {
            Encoder::deferred()
        } else {
            Encoder::new(ZSTD_LEVEL)?
        };
        Ok(Lane {
            encoder,
            sink: self.clone(),
        })
    }

    /// What follows belongs to the next capture of the series.
    pub(crate) fn next_capture(&self) -> io::Result<()> {
        self.send(Order::NextCapture)
    }

    fn send(&self, order: Order) -> io::Result<()> {
        // The writing thread ends early only when its output fails, which it reports itself.
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.orders.send(order).then_some(()).ok_or_else(gone)
    }
}

/// One reader's way into the file.
pub(crate) struct Lane {
    encoder: Encoder,
    sink: Sink,
}

impl Lane {
    /// A block of one record.
    pub(crate) fn record(&mut self, kind: BlockKind, record: &impl Record) -> io::Result<()> {
        let block = self.encoder.record(kind, record)?;
        self.sink.send(Order::Block(block))
    }

    /// A record among others of its kind.
    pub(crate) fn push<R: Record>(
        &mut self,
        block: &mut RecordBlock<R>,
        record: &R,
    ) -> io::Result<()> {
        match block.push(record, &mut self.encoder)? {
            Some(block) => self.sink.send(Order::Block(block)),
            None => Ok(()),
        }
    }

    /// What is left of a kind.
    pub(crate) fn flush<R: Record>(&mut self, block: &mut RecordBlock<R>) -> io::Result<()> {
        match block.take(&mut self.encoder)? {
            Some(block) => self.sink.send(Order::Block(block)),
            None => Ok(()),
        }
    }

    /// All records of a kind.
    pub(crate) fn all<'a, R: Record + 'a>(
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
    pub(crate) fn raw(&mut self, header: RawHeader) -> Raw<'_> {
        Raw {
            stream: RawStream::new(header),
            lane: self,
        }
    }
}

/// A source of kernel bytes on its way into the file. Without [`Raw::finish`] it reads as cut.
pub(crate) struct Raw<'a> {
    stream: RawStream,
    lane: &'a mut Lane,
}

impl Raw<'_> {
    /// Bytes that must stay together.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        match self.stream.push(piece, &mut self.lane.encoder)? {
            Some(block) => self.lane.sink.send(Order::Block(block)),
            None => Ok(()),
        }
    }

    /// The end, and how it was reached.
    pub(crate) fn finish(self, errno: u16, flags: u32) -> io::Result<()> {
        let block = self.stream.finish(errno, flags, &mut self.lane.encoder)?;
        self.lane.sink.send(Order::Block(block))
    }
}
