//! Inheritance between processes whose parents have ended, and processes that are still being started.

use super::base::Facts;
use crate::load::proc_pid;
use crate::model::{Process, ProcessId};

/// A process with its parent's executable that is no older may not have executed its own yet.
const STARTING_NS: u64 = 100_000_000;

/// A process that was started so short a time before its parent was read may have been given what its
/// parent had no time to close: a tick, since starts are rounded down to one, and the time of a fork.
const GIVING_NS: u64 = 11_000_000;

impl Facts<'_> {
    /// Whether a process descends from another one through parents that have ended, as daemons do that
    /// fork twice.
    ///
    /// Orphans become children of init or of a subreaper, which is an ancestor of the other process too.
    /// Kin are in one control group or session, and the other one is the older.
    pub(crate) fn is_orphan_of(&self, orphan: ProcessId, of: ProcessId) -> bool {
        let [heir, elder] = [orphan, of].map(|id| self.map.process(id));
        if orphan == of || heir.host != elder.host || heir.start_ticks < elder.start_ticks {
            return false;
        }
        let tree = &self.process_tree;
        let Some(reaper) = tree.parent(orphan).filter(|parent| *parent != of) else {
            return false;
        };
        let is_common = match tree.ancestors(of).position(|ancestor| ancestor == reaper) {
            None => false,
            // Two children of one process are siblings, unless it is one that takes orphans.
            Some(0) => tree.takes_orphans(reaper),
            Some(_) => true,
        };
        is_common && (heir.cgroup == elder.cgroup || self.is_same_session(orphan, of))
    }

    /// Whether one process descends from another one, also through parents that have ended.
    pub(crate) fn is_heir_of(&self, heir: ProcessId, of: ProcessId) -> bool {
        let mut ancestors = self.process_tree.ancestors(heir);
        ancestors.any(|ancestor| ancestor == of) || self.is_orphan_of(heir, of)
    }

    fn is_same_session(&self, a: ProcessId, b: ProcessId) -> bool {
        let session = |id| Some(proc_pid::stat(&self.record(id)?.stat)?.session);
        session(a).is_some_and(|of_a| of_a != 0 && Some(of_a) == session(b))
    }

    /// Whether one of the processes has just been forked, or was when another one of them was read: what
    /// they hold may be on its way from one to the other.
    pub(crate) fn is_starting(&self, processes: impl Iterator<Item = ProcessId> + Clone) -> bool {
        let read_at = |id| {
            let record = self.record(id)?;
            (record.at_boottime_ns != 0).then_some(record.at_boottime_ns)
        };
        let started = |id: ProcessId| self.map.process(id).started_boottime_ns;
        let is_fork = |id: ProcessId| {
            let parent = self.process_tree.parent(id);
            let same = parent
                .is_some_and(|parent| self.map.process(parent).exe == self.map.process(id).exe);
            same && read_at(id).is_some_and(|read| started(id) + STARTING_NS > read)
        };
        let first_read = processes.clone().filter_map(read_at).min();
        let last_start = processes.clone().map(started).max();
        let is_given = first_read
            .zip(last_start)
            .is_some_and(|(read, start)| start + GIVING_NS > read);
        is_given || processes.clone().any(is_fork)
    }
}

/// Whether a process has ended and waits to be reaped: it has no executable, descriptors or namespaces.
pub(crate) fn is_zombie(process: &Process) -> bool {
    matches!(process.state, b'Z' | b'X') && process.exe.is_empty()
}
