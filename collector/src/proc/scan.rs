//! All processes at once: as many readers as cores, each taking the next few processes.
//!
//! A process can keep its reader waiting for ever: one that is stuck in the kernel with its memory
//! locked, or whose arguments lie in a file that nobody serves any more. Readers are therefore never
//! waited for without a limit: one that makes no progress is left behind, what it had gathered goes
//! to a new one, and its process is read again without what may have held it up.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::gathered::{Gathered, Stop};
use super::reader::Reader;
use crate::found::Found;
use crate::patience::PATIENCE;
use crate::queue::{Receiver, Sender, queue};
use crate::sink::Sink;

/// Processes taken at a time: few, so that one reader is not left with all the large ones.
const CHUNK: usize = 8;
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// When so many were given up, nothing more is asked of anybody that could hold a reader up.
const LEFT_LIMIT: usize = 8;

/// What the readers need to know.
pub(crate) struct Plan {
    pub(crate) root: Arc<OwnedFd>,
    /// Whether command lines are wanted.
    pub(crate) cmdline: bool,
    /// Whether the calls that threads are blocked in are wanted.
    pub(crate) waits: bool,
    /// Whether descriptors are kept that nothing can be told from.
    pub(crate) everything: bool,
    pub(crate) pids: Vec<u32>,
    /// 1, or 2 for the second look.
    pub(crate) pass: u8,
    /// The tables as the first look saw them: those that are still so are not written again.
    pub(crate) known: BTreeMap<u32, Known>,
    /// Processes that did not answer before.
    pub(crate) stuck: BTreeSet<u32>,
    /// When to stop looking, done or not.
    pub(crate) deadline: Option<Instant>,
    pub(crate) jobs: usize,
}

/// A process whose table was read before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) start_ticks: u64,
    pub(crate) fingerprint: u64,
}

/// What is still to be read, and how.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    next: AtomicUsize,
    careful: AtomicBool,
}

impl Queue {
    /// The next few processes, as indices.
    pub(crate) fn take(&self, plan: &Plan) -> Option<Range<usize>> {
        let start = self.next.fetch_add(CHUNK, Ordering::Relaxed);
        let end = plan.pids.len().min(start.saturating_add(CHUNK));
        (start < end).then_some(start..end)
    }

    /// Whether everybody is read as if they had not answered before.
    pub(crate) fn careful(&self) -> bool {
        self.careful.load(Ordering::Relaxed)
    }
}

/// A reader's work as its thread and this one share it; `None`: taken over.
pub(crate) type Shared = Arc<Mutex<Option<Gathered>>>;

/// Reads them all into the sink.
pub(crate) fn run(plan: Plan, sink: &Sink) -> io::Result<Found> {
    let readers = plan.jobs.min(plan.pids.len().div_ceil(CHUNK)).max(1);
    let (sender, ended) = queue(usize::MAX);
    let mut team = Team {
        plan: Arc::new(plan),
        queue: Arc::default(),
        sender,
        members: Vec::new(),
        left: 0,
        found: Found::default(),
    };
    for _ in 0..readers {
        team.begin(Gathered::new(sink.lane()?), 0..0, None)?;
    }
    team.wait(&ended)?;
    let mut found = team.found;
    found.sort();
    Ok(found)
}

/// Tells how a reader ended, even if it was by a panic.
struct Farewell {
    to: Sender<(usize, Result<(), Stop>)>,
    index: usize,
    done: Result<(), Stop>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let done = std::mem::replace(&mut self.done, Ok(()));
        // Nobody listens any more where another reader has failed.
        self.to.send((self.index, done));
    }
}

struct Team {
    plan: Arc<Plan>,
    queue: Arc<Queue>,
    sender: Sender<(usize, Result<(), Stop>)>,
    /// The readers' work; `None`: done, or taken over.
    members: Vec<Option<Shared>>,
    /// How many were left behind.
    left: usize,
    found: Found,
}

impl Team {
    fn begin(
        &mut self,
        output: Gathered,
        rest: Range<usize>,
        retry: Option<u32>,
    ) -> io::Result<()> {
        let shared: Shared = Arc::new(Mutex::new(Some(output)));
        let reader = Reader::new(self.plan.clone(), self.queue.clone(), shared.clone());
        let farewell = Farewell {
            to: self.sender.clone(),
            index: self.members.len(),
            done: Err(Stop::Failed(io::Error::other("a reader panicked"))),
        };
        // Not joined: it may never come back.
        std::thread::Builder::new().spawn(move || {
            let mut farewell = farewell;
            farewell.done = reader.run(rest, retry);
        })?;
        self.members.push(Some(shared));
        Ok(())
    }

    fn wait(&mut self, ended: &Receiver<(usize, Result<(), Stop>)>) -> io::Result<()> {
        let mut looked = Instant::now();
        while self.members.iter().any(Option::is_some) {
            match ended.receive(Some(LOOK)) {
                Some((_, Err(Stop::Failed(error)))) => return Err(error),
                Some((index, Ok(()))) => {
                    let shared = self.members[index].take();
                    if let Some(output) = shared.and_then(|shared| lock(&shared).take()) {
                        self.found.merge(output.found);
                    }
                }
                // It came back after all, and saw that its work was taken over.
                Some((_, Err(Stop::LeftBehind))) | None => {}
            }
            let since = looked.elapsed();
            if since < LOOK {
                continue;
            }
            // A machine that lets this thread sleep so long has not let the others work, either.
            if since < PATIENCE / 2 {
                self.take_over()?;
            }
            looked = Instant::now();
        }
        Ok(())
    }

    /// Gives the work of those that make no progress to others.
    fn take_over(&mut self) -> io::Result<()> {
        for index in 0..self.members.len() {
            let late = self.members[index].as_ref().and_then(|shared| {
                // One that holds the lock hands something on: it waits for nobody but the output.
                let mut output = shared.try_lock().ok()?;
                let late = output.as_ref()?.idle() > PATIENCE;
                late.then(|| output.take()).flatten()
            });
            let Some(mut output) = late else { continue };
            self.members[index] = None;
            self.left += 1;
            if self.left >= LEFT_LIMIT {
                self.queue.careful.store(true, Ordering::Relaxed);
            }
            let (rest, retry) = output.give_up(self.plan.pass)?;
            self.begin(output, rest, retry)?;
        }
        Ok(())
    }
}

/// A panic elsewhere changes nothing about what was gathered.
pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, Option<Gathered>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
