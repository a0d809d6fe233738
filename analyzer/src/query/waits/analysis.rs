//! The types of the answer: blocked threads, chains, cycles.

use crate::model::ProcessId;
use crate::query::via::Via;

/// Number of steps of a chain that are listed; longer chains are followed to their end all the same.
pub(super) const MAX_CHAIN_STEPS: usize = 64;

/// What a blocked thread needs the other end to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitNeed {
    /// Write data.
    Data,
    /// Read, so that there is room in the buffer.
    Room,
    /// Accept the connection.
    Accept,
    /// Connect.
    Client,
    /// Cause any event.
    Event,
    /// Exit.
    Exit,
    /// Nothing of the kind.
    Nothing,
}

impl WaitNeed {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Room => "room",
            Self::Accept => "accept",
            Self::Client => "client",
            Self::Event => "event",
            Self::Exit => "exit",
            Self::Nothing => "none",
        }
    }
}

/// What a chain of waits ends at. Of several threads of a process the least counts: the variants are
/// sorted by how much they tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainEnd {
    /// A cycle: index into [`WaitAnalysis::cycles`].
    Cycle(usize),
    /// A process that is stopped by a signal or a debugger.
    Stopped,
    /// A running thread.
    Running,
    /// A thread that sleeps in the kernel outside of system calls.
    NoCall,
    /// Any client, sender or event.
    Anyone,
    /// poll(2) or select(2), whose descriptors are known only from the memory of the process.
    Descriptors,
    /// An address outside the capture.
    Outside(String),
    /// The kernel.
    Kernel,
    /// A file, terminal or device, by the text of its link.
    File(String),
    /// Another system call.
    Call(Option<&'static str>),
    /// A timer.
    Timer,
    /// The process itself: another thread, or a signal handler.
    Itself,
    /// A futex: another thread, or a process that shares memory.
    Threads,
    /// A signal.
    Signal,
    /// A child process, of which none is known.
    Child,
    /// An end without holders.
    Nobody,
    /// An end whose holders could not be read.
    Unreadable,
    /// Not known.
    Unknown,
}

impl ChainEnd {
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

/// A process of a chain of waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainStep {
    /// The process.
    pub process: ProcessId,
    /// Index into `Map::waits` of the wait that the chain follows; `None` where it ends.
    pub wait: Option<usize>,
}

/// How serious a wait is; the most serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitClass {
    /// The wait is part of a cycle.
    InCycle,
    /// The chain leads to a cycle.
    OnCycle,
    /// Blocked in a write or a connect.
    Held,
    /// Blocked in a read from known processes.
    Reads,
    /// Blocked in a read from an end that is outside, unreadable, or without holders.
    Beyond,
    /// Waits for any of several events, some of them from known processes.
    Events,
    /// Waits for a child process.
    Children,
    /// Idle: waits for clients, events, time, or its own threads.
    Idle,
}

impl WaitClass {
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
pub struct BlockedThread {
    /// Index into `Map::waits`.
    pub wait: usize,
    /// What the other end must do.
    pub need: WaitNeed,
    /// What the conversation goes over.
    pub via: Via,
    /// Other processes that can end the wait, sorted.
    pub peers: Vec<ProcessId>,
    /// The chain from a peer to the end, at most the first 64 steps of it.
    pub chain: Vec<ChainStep>,
    /// Number of processes of the whole chain.
    pub length: usize,
    /// What the chain ends at.
    pub end: ChainEnd,
    /// How serious the wait is.
    pub class: WaitClass,
}

/// Processes that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitCycle {
    /// The shortest cycle through the lowest process, from there; the last waits for the first.
    pub steps: Vec<ChainStep>,
    /// All processes of the strongly connected component, sorted.
    pub processes: Vec<ProcessId>,
    /// A wait of the cycle is a write or a connect, so that it can never end. Otherwise all processes
    /// wait to receive first, which may be intended.
    pub deadlock: bool,
    /// No process that could not be read can end it.
    pub certain: bool,
}

/// The blocked threads of a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitAnalysis {
    /// Most serious first, then longest chain, then by process and thread.
    pub waits: Vec<BlockedThread>,
    /// The cycles, by their lowest process.
    pub cycles: Vec<WaitCycle>,
    /// Number of running threads.
    pub running: usize,
    /// Number of threads whose state could not be read.
    pub unread: usize,
}
