//! States of threads: the system call a thread is blocked in, and its target.

use super::call_memory::{CallMemory, PollSet};
use super::fd_relation::FdTarget;
use super::ids::ProcessId;
use crate::load::syscall::CallKind;

/// A thread and its state at the time of the capture.
#[derive(Debug, Clone)]
pub struct Wait {
    /// Its process.
    pub process: ProcessId,
    /// Its thread id.
    pub tid: u32,
    /// Its own `comm`.
    pub comm: Box<[u8]>,
    /// The kernel function it sleeps in; empty: not known.
    pub wchan: Box<[u8]>,
    /// Its state.
    pub state: ThreadState,
}

/// State of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadState {
    /// On a processor, or runnable.
    Running,
    /// Asleep outside a system call: a page fault, a stop.
    NoCall,
    /// In a system call.
    Call(Call),
    /// Not known: reading failed with this `errno`; 0: the text was not understood.
    Unread(u16),
}

/// A system call in progress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// Its number on the architecture.
    pub number: i64,
    /// Its name; `None`: the numbers of the architecture are not known.
    pub name: Option<&'static str>,
    /// What it waits for. A splice counts as a read or a write, depending on where it sleeps.
    pub kind: CallKind,
    /// The descriptor it waits on.
    pub fd: Option<u32>,
    /// What the descriptor refers to.
    pub target: FdTarget,
    /// Whether the call has a timeout.
    pub timed: bool,
    /// The child that it waits for by pid, in the caller's own pid namespace.
    pub child: Option<u32>,
    /// What its arguments point to.
    pub memory: CallMemory,
}

impl Call {
    /// The descriptors that a poll or select waits for; `None`: not known, or another call.
    pub fn polled(&self) -> Option<&PollSet> {
        match &self.memory {
            CallMemory::Polled(polled) => polled.as_ref().ok(),
            _ => None,
        }
    }

    /// The thread of the same process that holds the lock which the call waits for, where it is known.
    pub fn owner_tid(&self) -> Option<u32> {
        match &self.memory {
            CallMemory::Futex(Ok(futex)) => Some(futex.lock?.owner_tid),
            _ => None,
        }
    }
}
