//! Reads all processes on several threads, which take a few processes at a time from a queue.
//!
//! A process can block its reader forever: it is stuck in the kernel with its memory map locked, or
//! its arguments are in a file of a server that does not respond. A reader without progress is
//! therefore abandoned: a new reader takes over its state, and reads the process again without the
//! files that may block.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::reader::Reader;
use super::reader_state::{ReaderState, Retry, Stop};
use crate::args::WaitsChoice;
use crate::block_channel::BlockSender;
use crate::discovered::Discovered;
use crate::queue::{Receiver, Sender, queue};
use crate::timeout::CALL_TIMEOUT;

/// Processes taken at a time: few, so that the large ones are spread over the readers.
const CHUNK: usize = 8;
/// Interval between checks for readers without progress.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// After so many abandoned readers, files that may block are not read any more.
const ABANDONED_LIMIT: usize = 8;

/// What the readers need to know.
pub(crate) struct Plan {
    pub(crate) root: Arc<OwnedFd>,
    /// Whether to read command lines.
    pub(crate) cmdline: bool,
    /// What to read of threads.
    pub(crate) waits: WaitsChoice,
    /// Whether to retain all descriptors, for `--fdinfo all`.
    pub(crate) retain_all: bool,
    pub(crate) pids: Vec<u32>,
    /// 1, or 2 for the second look.
    pub(crate) pass: u8,
    /// Tables of the first look: unchanged ones are not recorded again.
    pub(crate) known: BTreeMap<u32, KnownTable>,
    /// Processes that did not respond before.
    pub(crate) stuck: BTreeSet<u32>,
    /// When to stop, even if processes remain.
    pub(crate) deadline: Option<Instant>,
    pub(crate) jobs: usize,
}

/// A table that was read in the first look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownTable {
    pub(crate) start_ticks: u64,
    pub(crate) fingerprint: u64,
}

/// The processes that remain to be read.
#[derive(Debug, Default)]
pub(crate) struct WorkQueue {
    next: AtomicUsize,
    skip_blocking: AtomicBool,
}

impl WorkQueue {
    /// Takes the next processes, as indices.
    pub(crate) fn take(&self, plan: &Plan) -> Option<Range<usize>> {
        let start = self.next.fetch_add(CHUNK, Ordering::Relaxed);
        let end = plan.pids.len().min(start.saturating_add(CHUNK));
        (start < end).then_some(start..end)
    }

    /// Whether files that may block are skipped for all processes.
    pub(crate) fn skip_blocking(&self) -> bool {
        self.skip_blocking.load(Ordering::Relaxed)
    }
}

/// The state of a reader, shared with the supervising thread. `None` once taken over.
pub(crate) type SharedState = Arc<Mutex<Option<ReaderState>>>;

/// Reads all processes of a plan.
pub(crate) fn run(plan: Plan, blocks: &BlockSender) -> io::Result<Discovered> {
    let readers = plan.jobs.min(plan.pids.len().div_ceil(CHUNK)).max(1);
    let (sender, ended) = queue(usize::MAX);
    let mut pool = ReaderPool {
        plan: Arc::new(plan),
        queue: Arc::default(),
        sender,
        readers: Vec::new(),
        abandoned: 0,
        discovered: Discovered::default(),
    };
    for _ in 0..readers {
        pool.spawn_reader(ReaderState::new(blocks.encoder()?), 0..0, None)?;
    }
    pool.wait(&ended)?;
    let mut discovered = pool.discovered;
    discovered.sort();
    Ok(discovered)
}

/// Reports how a reader ended, also after a panic.
struct ExitNotice {
    to: Sender<(usize, Result<(), Stop>)>,
    index: usize,
    done: Result<(), Stop>,
}

impl Drop for ExitNotice {
    fn drop(&mut self) {
        let done = std::mem::replace(&mut self.done, Ok(()));
        // The receiver is gone if another reader has failed.
        self.to.send((self.index, done));
    }
}

struct ReaderPool {
    plan: Arc<Plan>,
    queue: Arc<WorkQueue>,
    sender: Sender<(usize, Result<(), Stop>)>,
    /// The state of each reader. `None` if it is done or taken over.
    readers: Vec<Option<SharedState>>,
    /// Number of abandoned readers.
    abandoned: usize,
    discovered: Discovered,
}

impl ReaderPool {
    fn spawn_reader(
        &mut self,
        state: ReaderState,
        rest: Range<usize>,
        retry: Option<Retry>,
    ) -> io::Result<()> {
        let shared: SharedState = Arc::new(Mutex::new(Some(state)));
        let reader = Reader::new(self.plan.clone(), self.queue.clone(), shared.clone());
        let exit_notice = ExitNotice {
            to: self.sender.clone(),
            index: self.readers.len(),
            done: Err(Stop::Failed(io::Error::other("a reader panicked"))),
        };
        // Not joined: the thread may block forever.
        std::thread::Builder::new().spawn(move || {
            let mut exit_notice = exit_notice;
            exit_notice.done = reader.run(rest, retry);
        })?;
        self.readers.push(Some(shared));
        Ok(())
    }

    fn wait(&mut self, ended: &Receiver<(usize, Result<(), Stop>)>) -> io::Result<()> {
        let mut looked = Instant::now();
        while self.readers.iter().any(Option::is_some) {
            match ended.receive(Some(CHECK_INTERVAL)) {
                Some((_, Err(Stop::Failed(error)))) => return Err(error),
                Some((index, Ok(()))) => {
                    let shared = self.readers[index].take();
                    if let Some(state) = shared.and_then(|shared| lock(&shared).take()) {
                        self.discovered.merge(state.discovered);
                    }
                }
                // The reader resumed after its work was taken over.
                Some((_, Err(Stop::Superseded))) | None => {}
            }
            let since = looked.elapsed();
            if since < CHECK_INTERVAL {
                continue;
            }
            // If this thread slept much longer than asked, the readers did not run either.
            if since < CALL_TIMEOUT / 2 {
                self.replace_stalled()?;
            }
            looked = Instant::now();
        }
        Ok(())
    }

    /// Replaces readers that make no progress.
    fn replace_stalled(&mut self) -> io::Result<()> {
        for index in 0..self.readers.len() {
            let late = self.readers[index].as_ref().and_then(|shared| {
                // A locked state belongs to a reader that is sending blocks: it waits for the
                // output only.
                let mut state = shared.try_lock().ok()?;
                let late = state.as_ref()?.stalled_for() > CALL_TIMEOUT;
                late.then(|| state.take()).flatten()
            });
            let Some(mut state) = late else { continue };
            self.readers[index] = None;
            self.abandoned += 1;
            if self.abandoned >= ABANDONED_LIMIT {
                self.queue.skip_blocking.store(true, Ordering::Relaxed);
            }
            let (rest, retry) = state.abandon(self.plan.pass)?;
            self.spawn_reader(state, rest, retry)?;
        }
        Ok(())
    }
}

/// Locks a state. A panic of another thread does not invalidate it.
pub(crate) fn lock(shared: &SharedState) -> MutexGuard<'_, Option<ReaderState>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
