//! What the threads of one process are blocked in, until it is recorded.
//!
//! A lock of the C library names its owner by the thread id of the process's own pid namespace. In
//! another namespace than the collector's these ids are read of all threads, if one of them may
//! wait for a lock; until then its threads are held.

use whotalks_snapshot::records::{Process, Wait};

use super::process::OpenProcess;
use super::threads;

/// Threads that are held at most, and bytes of their memory.
const THREADS_LIMIT: usize = 1_024;
const BYTES_LIMIT: usize = 1 << 20;

/// Threads that are not recorded yet.
#[derive(Debug)]
pub(super) struct HeldWaits {
    waits: Vec<Wait>,
    bytes: usize,
    /// Whether the threads have other ids in the pid namespace of the process.
    is_nested: bool,
    may_have_lock: bool,
}

impl HeldWaits {
    pub(super) fn new(process: &Process) -> Self {
        Self {
            waits: Vec::new(),
            bytes: 0,
            is_nested: threads::is_nested(process),
            may_have_lock: false,
        }
    }

    pub(super) fn push(&mut self, wait: Wait) {
        self.bytes += wait.memory.len();
        self.may_have_lock |= threads::may_wait_for_lock(&wait);
        self.waits.push(wait);
    }

    /// Whether there is no reason to hold them any longer.
    pub(super) fn are_due(&self) -> bool {
        !self.is_nested || self.waits.len() >= THREADS_LIMIT || self.bytes >= BYTES_LIMIT
    }

    /// Takes all, completed.
    pub(super) fn take(&mut self, process: &OpenProcess) -> Vec<Wait> {
        let mut waits = std::mem::take(&mut self.waits);
        self.bytes = 0;
        if self.is_nested && self.may_have_lock {
            for wait in &mut waits {
                wait.ns_tid = threads::innermost_tid(process, wait.tid);
            }
        }
        waits
    }
}
