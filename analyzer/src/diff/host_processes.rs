//! The processes of one host, with what the noise rules look up: parents, listeners, shells.

use std::collections::BTreeMap;

use super::host_pair::{HostPair, processes_of};
use super::matching::Matching;
use super::side::{OldNew, Side};
use crate::model::{Host, HostId, Map, Process, ProcessId};

/// Programs that start other programs and wait for them.
#[rustfmt::skip]
pub(super) const LAUNCHERS: [&str; 22] = [
    "ash", "bash", "busybox", "dash", "doas", "env", "fish", "ksh", "login", "nice", "nsenter",
    "pkexec", "runuser", "setpriv", "sh", "ssh", "sshd", "sshd-session", "su", "sudo", "timeout",
    "zsh",
];

/// The processes of one host of one map.
pub(super) struct HostProcesses<'a> {
    pub(super) map: &'a Map,
    side: Side,
    host: HostId,
    matching: &'a Matching,
    /// Whether each process of the map listens, by index.
    pub(super) listening: &'a [bool],
    by_pid: BTreeMap<u32, ProcessId>,
}

impl<'a> HostProcesses<'a> {
    /// Indexes the processes of a pair's host on one side.
    pub(super) fn new(
        maps: OldNew<&'a Map>,
        side: Side,
        pair: &HostPair,
        matching: &'a Matching,
        listening: &'a OldNew<Vec<bool>>,
    ) -> Self {
        let (map, host) = (*maps.of(side), pair.host(side));
        let by_pid = processes_of(map, host).map(|(id, process)| (process.pid, id));
        Self {
            map,
            side,
            host,
            matching,
            listening: listening.of(side),
            by_pid: by_pid.collect(),
        }
    }

    /// The host.
    pub(super) fn host(&self) -> &'a Host {
        &self.map.hosts[self.host.index()]
    }

    /// The processes, by index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ProcessId, &'a Process)> + use<'a> {
        processes_of(self.map, self.host)
    }

    /// The process with a pid.
    pub(super) fn by_pid(&self, pid: u32) -> Option<ProcessId> {
        self.by_pid.get(&pid).copied()
    }

    /// Whether a process is of this host and not certainly in the other map.
    pub(super) fn is_new(&self, id: ProcessId) -> bool {
        self.map.process(id).host == self.host && !self.matching.is_same(self.side, id)
    }
}
