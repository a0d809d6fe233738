//! Who is blocked on whom: each thread's wait, followed from process to process to its end.
//!
//! A process goes on as soon as one of its threads does, and a wait is over as soon as one of those
//! at the other end acts. So a cycle is only called one where nobody whom its members wait for, near
//! or far, can do anything else.

mod cycles;
mod targets;

pub use targets::Need;

use std::collections::BTreeMap;

use self::cycles::Cycles;
use self::targets::{Needs, Outcome};
use super::Via;
use crate::load::syscall::CallKind;
use crate::model::{Call, FdRelation, Map, ProcessId, ThreadState};

/// Steps of a chain that are told; longer ones go on to the same end.
const STEPS: usize = 64;

/// How a chain of waits ends. What comes first says most where a process has several threads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// In a cycle: index into [`Waits::cycles`].
    Cycle(usize),
    /// Stopped by a signal or a debugger.
    Stopped,
    /// A thread runs.
    Running,
    /// A thread sleeps in the kernel, in no call.
    NoCall,
    /// Whoever comes first: a new client, any sender, an event.
    Anyone,
    /// In poll or select, whose descriptors only its memory names.
    Descriptors,
    /// At an address outside the capture.
    Outside(String),
    /// The kernel answers.
    Kernel,
    /// A file, terminal or device, by the text of its link.
    File(String),
    /// Another call.
    Call(Option<&'static str>),
    /// Time to pass.
    Timer,
    /// Only its own process: another thread, or a handler of signals.
    Itself,
    /// Another thread, or a process that shares memory.
    Threads,
    /// A signal.
    Signal,
    /// A child, none of which is known.
    Child,
    /// Nobody holds the other end.
    Nobody,
    /// Whoever holds the other end could not be read.
    Unreadable,
    /// What its threads do is not known.
    Unknown,
}

impl End {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Cycle(_) => "cycle",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::NoCall => "no-call",
            Self::Anyone => "anyone",
            Self::Descriptors => "descriptors-unknown",
            Self::Outside(_) => "outside",
            Self::Kernel => "kernel",
            Self::File(_) => "file",
            Self::Call(_) => "call",
            Self::Timer => "timer",
            Self::Itself => "itself",
            Self::Threads => "threads",
            Self::Signal => "signal",
            Self::Child => "child",
            Self::Nobody => "nobody",
            Self::Unreadable => "unreadable",
            Self::Unknown => "unknown",
        }
    }
}

/// One process on the way of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The process.
    pub process: ProcessId,
    /// The wait (index into `Map::waits`) by which the chain goes on; `None`: here it ends.
    pub wait: Option<usize>,
}

/// What matters first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Part of a cycle.
    InCycle,
    /// Waits for a cycle.
    OnCycle,
    /// Wants to write, or to be let in.
    Held,
    /// Wants to read from particular processes.
    Reads,
    /// The same, and these are outside, unreadable, or nobody.
    Beyond,
    /// Any event will do, from particular processes among others.
    Events,
    /// A child.
    Children,
    /// As usual: for clients, events, time, or its own threads.
    Idle,
}

impl Class {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InCycle => "in-cycle",
            Self::OnCycle => "on-cycle",
            Self::Held => "held",
            Self::Reads => "reads",
            Self::Beyond => "beyond",
            Self::Events => "events",
            Self::Children => "children",
            Self::Idle => "idle",
        }
    }
}

/// A thread that is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Index into `Map::waits`.
    pub wait: usize,
    /// What is wanted of the other end.
    pub need: Need,
    /// What the conversation goes over.
    pub via: Via,
    /// The processes that could end it, its own not among them; sorted.
    pub peers: Vec<ProcessId>,
    /// From process to process, the first of them a peer; of a long chain the beginning.
    pub chain: Vec<Step>,
    /// Processes of the whole chain.
    pub length: usize,
    /// How it ends.
    pub end: End,
    /// How much it matters.
    pub class: Class,
}

/// Processes that wait for one another in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The shortest way around, from its lowest process; the last waits for the first.
    pub steps: Vec<Step>,
    /// All processes that are caught in it, in order.
    pub processes: Vec<ProcessId>,
    /// One of them wants to write or to be let in, and so will never go on. Otherwise all wait for
    /// another to speak first, which may be meant.
    pub deadlock: bool,
    /// Nobody who could not be read may end it.
    pub certain: bool,
}

/// All threads that are blocked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// What matters most first, then long chains, then by process and thread.
    pub waits: Vec<Waiting>,
    /// The cycles, by their lowest process.
    pub cycles: Vec<Cycle>,
    /// Threads that ran.
    pub running: usize,
    /// Threads of which the kernel did not say what they do.
    pub unread: usize,
}

/// Follows every wait of a map of [`crate::model::build_whole`].
pub fn waits(map: &Map) -> Waits {
    let mut needs = Needs::of(map);
    let outcomes: Vec<Outcome> = map.waits.iter().map(|wait| needs.of_wait(wait)).collect();
    let knots = Cycles::of(map, &needs, &outcomes);
    let mut waits = Waits::default();
    for (at, outcome) in outcomes.iter().enumerate() {
        match &map.waits[at].state {
            ThreadState::Running => waits.running += 1,
            ThreadState::Unread(_) => waits.unread += 1,
            ThreadState::NoCall => {}
            ThreadState::Call(call) => waits
                .waits
                .push(waiting(map, &needs, &knots, at, call, outcome)),
        }
    }
    waits.cycles = knots.cycles;
    waits.waits.sort_by_key(|waiting| {
        (
            waiting.class,
            std::cmp::Reverse(waiting.length),
            waiting.wait,
        )
    });
    waits
}

fn waiting(
    map: &Map,
    needs: &Needs<'_>,
    knots: &Cycles,
    at: usize,
    call: &Call,
    outcome: &Outcome,
) -> Waiting {
    let own = map.waits[at].process;
    let mut peers: Vec<ProcessId> = outcome
        .targets
        .iter()
        .flat_map(|target| &needs.targets[*target].peers)
        .copied()
        .filter(|peer| *peer != own)
        .collect();
    peers.sort_unstable();
    peers.dedup();
    let (chain, length, end) = match &outcome.live {
        Some(end) => (Vec::new(), 0, end.clone()),
        None => knots.chain(at, own, outcome),
    };
    let class = class(knots, at, call.kind, outcome, &end, !peers.is_empty());
    Waiting {
        wait: at,
        need: outcome.need,
        via: match outcome.targets[..] {
            [only] => needs.targets[only].via.clone(),
            _ => Via::default(),
        },
        peers,
        chain,
        length,
        end,
        class,
    }
}

fn class(
    knots: &Cycles,
    at: usize,
    kind: CallKind,
    outcome: &Outcome,
    end: &End,
    has_peers: bool,
) -> Class {
    let beyond = matches!(end, End::Outside(_) | End::Nobody | End::Unreadable);
    match (kind, end) {
        (_, End::Cycle(_)) if knots.in_cycle[at] => Class::InCycle,
        (_, End::Cycle(_)) => Class::OnCycle,
        (CallKind::Write, _) if has_peers || beyond => Class::Held,
        (CallKind::Connect, _) => Class::Held,
        (CallKind::Read, _) if has_peers && outcome.live.is_none() => Class::Reads,
        (CallKind::Read, _) if beyond => Class::Beyond,
        (CallKind::Epoll, _) if has_peers => Class::Events,
        (CallKind::Child, _) if has_peers => Class::Children,
        _ => Class::Idle,
    }
}

/// What each epoll descriptor that a thread waits in watches: its place in `Map::relations`.
fn epolls(map: &Map) -> BTreeMap<(ProcessId, Option<u32>, u32), usize> {
    let all = map.relations.iter().enumerate();
    all.filter_map(|(at, relation)| match relation {
        FdRelation::Epoll { holder, .. } => Some(((holder.process, holder.tid, holder.fd), at)),
        _ => None,
    })
    .collect()
}

#[cfg(test)]
mod tests;
