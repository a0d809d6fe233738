//! All processes at once: as many readers as cores, each taking the next few processes.
//!
//! A process can keep its reader waiting for ever: one that is stuck in the kernel with its memory
//! locked, or whose arguments lie in a file that nobody serves any more. Readers are therefore never
//! waited for without a limit: one that makes no progress is abandoned behind, what it had gathered goes
//! to a new one, and its process is read again without what may have held it up.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::reader::Reader;
use super::reader_state::{ReaderState, Stop};
use crate::block_channel::BlockSender;
use crate::discovered::Discovered;
use crate::queue::{Receiver, Sender, queue};
use crate::timeout::CALL_TIMEOUT;

/// Processes taken at a time: few, so that one reader is not abandoned with all the large ones.
const CHUNK: usize = 8;
/// How often that is looked at.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// When so many were given up, nothing more is asked of anybody that could hold a reader up.
const ABANDONED_LIMIT: usize = 8;

/// What the readers need to know.
pub(crate) struct Plan {
    pub(crate) root: Arc<OwnedFd>,
    /// Whether command lines are wanted.
    pub(crate) cmdline: bool,
    /// Whether the calls that threads are blocked in are wanted.
    pub(crate) waits: bool,
    /// Whether descriptors are retained that nothing can be told from.
    pub(crate) retain_all: bool,
    pub(crate) pids: Vec<u32>,
    /// 1, or 2 for the second look.
    pub(crate) pass: u8,
    /// The tables as the first look saw them: those that are still so are not written again.
    pub(crate) known: BTreeMap<u32, KnownTable>,
    /// Processes that did not answer before.
    pub(crate) stuck: BTreeSet<u32>,
    /// When to stop looking, done or not.
    pub(crate) deadline: Option<Instant>,
    pub(crate) jobs: usize,
}

/// A process whose table was read before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownTable {
    pub(crate) start_ticks: u64,
    pub(crate) fingerprint: u64,
}

/// What is still to be read, and how.
#[derive(Debug, Default)]
pub(crate) struct WorkQueue {
    next: AtomicUsize,
    skip_blocking: AtomicBool,
}

impl WorkQueue {
    /// The next few processes, as indices.
    pub(crate) fn take(&self, plan: &Plan) -> Option<Range<usize>> {
        let start = self.next.fetch_add(CHUNK, Ordering::Relaxed);
        let end = plan.pids.len().min(start.saturating_add(CHUNK));
        (start < end).then_some(start..end)
    }

    /// Whether everybody is read as if they had not answered before.
    pub(crate) fn skip_blocking(&self) -> bool {
        self.skip_blocking.load(Ordering::Relaxed)
    }
}

/// A reader's work as its thread and this one share it; `None`: taken over.
pub(crate) type SharedState = Arc<Mutex<Option<ReaderState>>>;

/// Reads them all into the blocks.
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

/// Tells how a reader ended, even if it was by a panic.
struct ExitNotice {
    to: Sender<(usize, Result<(), Stop>)>,
    index: usize,
    done: Result<(), Stop>,
}

impl Drop for ExitNotice {
    fn drop(&mut self) {
        let done = std::mem::replace(&mut self.done, Ok(()));
        // Nobody listens any more where another reader has failed.
        self.to.send((self.index, done));
    }
}

struct ReaderPool {
    plan: Arc<Plan>,
    queue: Arc<WorkQueue>,
    sender: Sender<(usize, Result<(), Stop>)>,
    /// The readers' work; `None`: done, or taken over.
    readers: Vec<Option<SharedState>>,
    /// How many were abandoned behind.
    abandoned: usize,
    discovered: Discovered,
}

impl ReaderPool {
    fn spawn_reader(
        &mut self,
        state: ReaderState,
        rest: Range<usize>,
        retry: Option<u32>,
    ) -> io::Result<()> {
        let shared: SharedState = Arc::new(Mutex::new(Some(state)));
        let reader = Reader::new(self.plan.clone(), self.queue.clone(), shared.clone());
        let exit_notice = ExitNotice {
            to: self.sender.clone(),
            index: self.readers.len(),
            done: Err(Stop::Failed(io::Error::other("a reader panicked"))),
        };
        // Not joined: it may never come back.
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
                // It came back after all, and saw that its work was taken over.
                Some((_, Err(Stop::Superseded))) | None => {}
            }
            let since = looked.elapsed();
            if since < CHECK_INTERVAL {
                continue;
            }
            // A machine that lets this thread sleep so long has not let the others work, either.
            if since < CALL_TIMEOUT / 2 {
                self.replace_stalled()?;
            }
            looked = Instant::now();
        }
        Ok(())
    }

    /// Gives the work of those that make no progress to others.
    fn replace_stalled(&mut self) -> io::Result<()> {
        for index in 0..self.readers.len() {
            let late = self.readers[index].as_ref().and_then(|shared| {
                // One that holds the lock hands something on: it waits for nobody but the state.
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

/// A panic elsewhere changes nothing about what was gathered.
pub(crate) fn lock(shared: &SharedState) -> MutexGuard<'_, Option<ReaderState>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
