//! What a reader has gathered, and what it is at: all of it can go on without the reader.

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

/// Why a reader ended before its work did.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(io::Error),
    /// It took too long, and somebody else goes on with its work.
    Superseded,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// What a reader is at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// Nothing that could keep it waiting.
    Idle,
    /// The process's own files.
    Process { pid: u32, skip_blocking: bool },
    /// A table; `part`: of those that are handed on.
    Table { pid: u32, tid: u32, part: u32 },
    /// What its threads wait for.
    Threads { pid: u32 },
    /// A table that was read before.
    Reread { pid: u32 },
}

/// What a reader has gathered.
pub(crate) struct ReaderState {
    encoder: BlockEncoder,
    processes: RecordBlock<Process>,
    tables: RecordBlock<DescriptorTable>,
    waits: RecordBlock<Wait>,
    pub(crate) discovered: Discovered,
    pub(crate) stage: Stage,
    /// When something last came of it.
    pub(crate) last_progress: Instant,
    /// Processes that it has taken and not begun.
    pub(crate) rest: Range<usize>,
}

impl ReaderState {
    /// Nothing yet.
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

    /// A process.
    pub(crate) fn process(&mut self, record: &Process) -> io::Result<()> {
        self.encoder.push(&mut self.processes, record)
    }

    /// A part of a table.
    pub(crate) fn table(&mut self, part: &DescriptorTable) -> io::Result<()> {
        self.encoder.push(&mut self.tables, part)
    }

    /// What a thread waits for.
    pub(crate) fn wait(&mut self, record: &Wait) -> io::Result<()> {
        self.encoder.push(&mut self.waits, record)
    }

    /// Hands on what is not a whole block yet.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush(&mut self.processes)?;
        self.encoder.flush(&mut self.tables)?;
        self.encoder.flush(&mut self.waits)
    }

    /// For how long nothing has come of what it is at.
    pub(crate) fn stalled_for(&self) -> Duration {
        match self.stage {
            Stage::Idle => Duration::ZERO,
            _ => self.last_progress.elapsed(),
        }
    }

    /// Records that the process at hand does not answer; gives what is left to do, and a process
    /// that is worth another try.
    pub(crate) fn abandon(&mut self, pass: u8) -> io::Result<(Range<usize>, Option<u32>)> {
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
                    retry = Some(pid);
                }
            }
            Stage::Table { pid, tid, part } => {
                self.discovered.stuck.insert(pid);
                self.table(&table(pid, tid, part))?;
                self.discovered.tally.denied += 1;
            }
            Stage::Threads { pid } => {
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
