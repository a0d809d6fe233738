//! What a reader has gathered, and what it is at: all of it can go on without the reader.

use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::records::{Process, Wait};
use whotalks_snapshot::{BlockKind, RecordBlock};

use super::number;
use super::process::unread;
use crate::clock;
use crate::found::Found;
use crate::sink::Lane;

/// Why a reader ended before its work did.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(io::Error),
    /// It took too long, and somebody else goes on with its work.
    LeftBehind,
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
    Process { pid: u32, careful: bool },
    /// A table; `part`: of those that are handed on.
    Table { pid: u32, tid: u32, part: u32 },
    /// What its threads wait for.
    Threads { pid: u32 },
    /// A table that was read before.
    Again { pid: u32 },
}

/// What a reader has gathered.
pub(crate) struct Gathered {
    lane: Lane,
    processes: RecordBlock<Process>,
    tables: RecordBlock<DescriptorTable>,
    waits: RecordBlock<Wait>,
    pub(crate) found: Found,
    pub(crate) stage: Stage,
    /// When something last came of it.
    pub(crate) since: Instant,
    /// Processes that it has taken and not begun.
    pub(crate) rest: Range<usize>,
}

impl Gathered {
    /// Nothing yet.
    pub(crate) fn new(lane: Lane) -> Self {
        Self {
            lane,
            processes: RecordBlock::new(BlockKind::Processes),
            tables: RecordBlock::new(BlockKind::Descriptors),
            waits: RecordBlock::new(BlockKind::Waits),
            found: Found::default(),
            stage: Stage::Idle,
            since: Instant::now(),
            rest: 0..0,
        }
    }

    /// A process.
    pub(crate) fn process(&mut self, record: &Process) -> io::Result<()> {
        self.lane.push(&mut self.processes, record)
    }

    /// A part of a table.
    pub(crate) fn table(&mut self, part: &DescriptorTable) -> io::Result<()> {
        self.lane.push(&mut self.tables, part)
    }

    /// What a thread waits for.
    pub(crate) fn wait(&mut self, record: &Wait) -> io::Result<()> {
        self.lane.push(&mut self.waits, record)
    }

    /// Hands on what is not a whole block yet.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.lane.flush(&mut self.processes)?;
        self.lane.flush(&mut self.tables)?;
        self.lane.flush(&mut self.waits)
    }

    /// For how long nothing has come of what it is at.
    pub(crate) fn idle(&self) -> Duration {
        match self.stage {
            Stage::Idle => Duration::ZERO,
            _ => self.since.elapsed(),
        }
    }

    /// Records that the process at hand does not answer; gives what is left to do, and a process
    /// that is worth another try.
    pub(crate) fn give_up(&mut self, pass: u8) -> io::Result<(Range<usize>, Option<u32>)> {
        let errno = number(Errno::TIMEDOUT);
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
            Stage::Process { pid, careful } => {
                self.found.stuck.insert(pid);
                if careful {
                    let record = Process {
                        pid,
                        at_boottime_ns: clock::boottime_ns(),
                        errors: unread("process", Errno::TIMEDOUT),
                        ..Process::default()
                    };
                    self.process(&record)?;
                    self.table(&table(pid, 0, 0))?;
                    self.found.tally.denied += 1;
                } else {
                    retry = Some(pid);
                }
            }
            Stage::Table { pid, tid, part } => {
                self.found.stuck.insert(pid);
                self.table(&table(pid, tid, part))?;
                self.found.tally.denied += 1;
            }
            Stage::Threads { pid } => {
                self.found.stuck.insert(pid);
                let wait = Wait {
                    pid,
                    tid: pid,
                    syscall_errno: errno,
                    wchan_errno: errno,
                    ..Wait::default()
                };
                self.wait(&wait)?;
            }
            Stage::Again { pid } => {
                self.found.stuck.insert(pid);
                self.found.cut = true;
            }
        }
        self.stage = Stage::Idle;
        Ok((std::mem::take(&mut self.rest), retry))
    }
}
