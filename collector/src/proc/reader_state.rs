//! The state of a reader thread: its unsent records and its position. Another reader can take it
//! over.

use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::records::{Process, Wait};
use whotalks_snapshot::{BlockKind, RecordBlock};

use super::errno_number;
use super::process::read_error;
use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::discovered::Discovered;

/// Why a reader stopped before the end of its work.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(io::Error),
    /// It took too long, and another reader has taken over its work.
    Superseded,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// What a reader is reading.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// Nothing that may block.
    Idle,
    /// The files of a process.
    Process { pid: u32, skip_blocking: bool },
    /// A descriptor table. `part` is the number of parts emitted.
    Table { pid: u32, tid: u32, part: u32 },
    /// What the threads from `from_tid` on are blocked in, and what their calls point to if `memory`
    /// is set.
    Threads {
        pid: u32,
        from_tid: u32,
        memory: bool,
    },
    /// A table that was read in the first look.
    Reread { pid: u32 },
}

/// What another reader tries again, without that which may block.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Retry {
    /// A process, without its arguments and its calls.
    Process(u32),
    /// The threads of a process from `from_tid` on, without their memory.
    Threads { pid: u32, from_tid: u32 },
}

/// The state of a reader.
pub(crate) struct ReaderState {
    encoder: BlockEncoder,
    processes: RecordBlock<Process>,
    tables: RecordBlock<DescriptorTable>,
    waits: RecordBlock<Wait>,
    pub(crate) discovered: Discovered,
    pub(crate) stage: Stage,
    /// Time of the last progress.
    pub(crate) last_progress: Instant,
    /// Processes that it has taken from the queue and not started.
    pub(crate) rest: Range<usize>,
}

impl ReaderState {
    /// Creates an empty state.
    pub(crate) fn new(encoder: BlockEncoder) -> Self {
        Self {
            encoder,
            processes: RecordBlock::new(BlockKind::Processes),
            tables: RecordBlock::new(BlockKind::Descriptors),
            waits: RecordBlock::new(BlockKind::Waits),
            discovered: Discovered::default(),
            stage: Stage::Idle,
            last_progress: Instant::now(),
            rest: 0..0,
        }
    }

    /// Records a process.
    pub(crate) fn process(&mut self, record: &Process) -> io::Result<()> {
        self.encoder.push(&mut self.processes, record)
    }

    /// Records a part of a table.
    pub(crate) fn table(&mut self, part: &DescriptorTable) -> io::Result<()> {
        self.encoder.push(&mut self.tables, part)
    }

    /// Records what a thread is blocked in.
    pub(crate) fn wait(&mut self, record: &Wait) -> io::Result<()> {
        self.encoder.push(&mut self.waits, record)
    }

    /// Sends incomplete blocks.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush(&mut self.processes)?;
        self.encoder.flush(&mut self.tables)?;
        self.encoder.flush(&mut self.waits)
    }

    /// Returns the time without progress, if the reader is reading something.
    pub(crate) fn stalled_for(&self) -> Duration {
        match self.stage {
            Stage::Idle => Duration::ZERO,
            _ => self.last_progress.elapsed(),
        }
    }

    /// Records that the present process does not respond. Returns the remaining processes, and what
    /// to retry.
    pub(crate) fn abandon(&mut self, pass: u8) -> io::Result<(Range<usize>, Option<Retry>)> {
        let errno = errno_number(Errno::TIMEDOUT);
        let table = |pid, tid, part| DescriptorTable {
            pid,
            tid,
            pass,
            part,
            errno,
            last: true,
            at_boottime_ns: clock::boottime_ns(),
            ..DescriptorTable::default()
        };
        let mut retry = None;
        match self.stage {
            Stage::Idle => {}
            Stage::Process { pid, skip_blocking } => {
                self.discovered.stuck.insert(pid);
                if skip_blocking {
                    let record = Process {
                        pid,
                        at_boottime_ns: clock::boottime_ns(),
                        errors: read_error("process", Errno::TIMEDOUT),
                        ..Process::default()
                    };
                    self.process(&record)?;
                    self.table(&table(pid, 0, 0))?;
                    self.discovered.tally.denied += 1;
                } else {
                    retry = Some(Retry::Process(pid));
                }
            }
            Stage::Table { pid, tid, part } => {
                self.discovered.stuck.insert(pid);
                self.table(&table(pid, tid, part))?;
                self.discovered.tally.denied += 1;
            }
            Stage::Threads {
                pid,
                from_tid,
                memory: true,
            } => {
                self.discovered.stuck.insert(pid);
                retry = Some(Retry::Threads { pid, from_tid });
            }
            Stage::Threads { pid, .. } => {
                self.discovered.stuck.insert(pid);
                let wait = Wait {
                    pid,
                    tid: pid,
                    syscall_errno: errno,
                    wchan_errno: errno,
                    ..Wait::default()
                };
                self.wait(&wait)?;
            }
            Stage::Reread { pid } => {
                self.discovered.stuck.insert(pid);
                self.discovered.cut = true;
            }
        }
        self.stage = Stage::Idle;
        Ok((std::mem::take(&mut self.rest), retry))
    }
}
