//! The types of the answer: blocked threads, chains, cycles.

use crate::model::{FdTarget, ProcessId, SocketId};
use crate::query::via::Via;

/// Number of steps of a chain that are listed; longer chains are followed to their end all the same.
pub(super) const MAX_CHAIN_STEPS: usize = 64;

/// A descriptor that a thread waits on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitObject {
    /// The descriptor.
    pub fd: Option<u32>,
    /// What it refers to.
    pub target: FdTarget,
    /// Whether the thread waits for data, a client, or the end of the other side's data.
    pub read: bool,
    /// Whether it waits for space, an accepted connection, or a lock.
    pub write: bool,
}

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
    /// Release a lock.
    Unlock,
    /// Open the FIFO.
    Open,
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
            Self::Unlock => "unlock",
            Self::Open => "open",
            Self::Nothing => "none",
        }
    }
}

/// What a chain of waits ends at; what tells most about the cause first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainEnd {
    /// A process that is stopped by a signal or a debugger.
    Stopped,
    /// A cycle: index into [`WaitAnalysis::cycles`].
    Cycle(usize),
    /// A PostgreSQL session that is idle in a transaction, and what its client does.
    Transaction(Box<ChainEnd>),
    /// An end without holders.
    Nobody,
    /// A lock, of a file or inside a server, whose holder is not known.
    Lock(String),
    /// A file that is read or written; the kernel waits for its storage (state D).
    Disk(String),
    /// A timer.
    Timer,
    /// An address outside the capture.
    Outside(String),
    /// A running thread.
    Running,
    /// A terminal or device, by the text of its link.
    File(String),
    /// Another system call.
    Call(Option<&'static str>),
    /// The kernel.
    Kernel,
    /// A child process, of which none is known.
    Child,
    /// A thread that sleeps in the kernel outside of system calls.
    NoCall,
    /// An end whose holders could not be read.
    Unreadable,
    /// poll(2), select(2) or epoll_wait(2) on descriptors that are not known.
    Descriptors,
    /// Not known.
    Unknown,
    /// A futex: another thread, or a process that shares memory.
    Threads,
    /// The process itself: another thread, or an event that it causes.
    Itself,
    /// A signal.
    Signal,
    /// Any client, sender or event.
    Anyone,
}

impl ChainEnd {
    /// The word for it in JSON and CSV output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Cycle(_) => "cycle",
            Self::Transaction(_) | Self::Lock(_) => "lock",
            Self::Nobody => "nobody",
            Self::Disk(_) => "disk",
            Self::Timer => "asleep",
            Self::Outside(_) => "network",
            Self::Running => "running",
            Self::File(_) => "file",
            Self::Call(_) => "call",
            Self::Kernel => "kernel",
            Self::Child => "child",
            Self::NoCall | Self::Unreadable | Self::Descriptors | Self::Unknown => "unknown",
            Self::Threads => "threads",
            Self::Itself => "itself",
            Self::Signal => "signal",
            Self::Anyone => "idle",
        }
    }

    /// Whether it is a cause of trouble whoever waits for it: it does not pass by itself.
    pub(super) fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::Stopped
                | Self::Cycle(_)
                | Self::Transaction(_)
                | Self::Nobody
                | Self::Lock(_)
                | Self::Disk(_)
        )
    }
}

/// A process of a chain of waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainStep {
    /// The process.
    pub process: ProcessId,
    /// Index into `Map::waits` of the thread that the chain follows, or ends at; `None`: it is not known
    /// which, or the process is stopped.
    pub wait: Option<usize>,
}

/// What a wait is; the most serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitClass {
    /// Not a wait: the process is stopped, and has clients.
    Stopped,
    /// The wait is part of a cycle.
    InCycle,
    /// The chain leads to a cycle.
    OnCycle,
    /// Blocked in a write or a connect, or waits for a lock.
    Held,
    /// Blocked in a read from known processes.
    Reads,
    /// Blocked in a read from an end that is outside, unreadable, or without holders.
    Beyond,
    /// Waits for any of several events, some of them from known processes.
    Events,
    /// Waits for a child process.
    Children,
    /// Clients or data wait for the thread, which does something else.
    Neglects,
    /// Idle: waits for clients, events, time, or its own threads.
    Idle,
}

impl WaitClass {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::InCycle => "in-cycle",
            Self::OnCycle => "on-cycle",
            Self::Held => "held",
            Self::Reads => "reads",
            Self::Beyond => "beyond",
            Self::Events => "events",
            Self::Children => "children",
            Self::Neglects => "neglects",
            Self::Idle => "idle",
        }
    }
}

/// A thread that is blocked, or a process that keeps others waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedThread {
    /// Its process.
    pub process: ProcessId,
    /// Index into `Map::waits`; `None`: a stopped process, or one whose threads could not be read.
    pub wait: Option<usize>,
    /// Whether it is more than idle: it waits for somebody in particular, or lets somebody wait.
    pub problem: bool,
    /// What it waits on, by descriptor.
    pub on: Vec<WaitObject>,
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
    /// What kind of wait it is.
    pub class: WaitClass,
    /// Time for which a request over TCP has been without response, milliseconds.
    pub late_ms: Option<u32>,
    /// Sockets of the process in which clients or data wait, and no thread takes them.
    pub neglects: Vec<SocketId>,
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
    /// A wait of the cycle has a timeout.
    pub timed: bool,
}

/// The blocked threads of a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitAnalysis {
    /// Problems first, those with the same end together, the worst end first; then by process and thread.
    pub waits: Vec<BlockedThread>,
    /// The cycles, by their lowest process.
    pub cycles: Vec<WaitCycle>,
    /// Number of running threads.
    pub running: usize,
    /// Number of threads whose state could not be read.
    pub unread: usize,
}
