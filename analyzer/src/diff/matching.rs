//! Matches processes and sockets of the two maps by identity.
//!
//! Within one boot a process is identified by pid and start time, and a socket by its cookie. What
//! is left over is matched in `role_matching`.

use std::collections::BTreeMap;

use super::host_pair::{HostPair, processes_of};
use super::side::{OldNew, Side};
use crate::model::{Map, ProcessId, SocketId};

/// Why two processes are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchReason {
    /// Same boot, pid and start time.
    Identity,
    /// Same role, and the same command line but for parts that differ from run to run.
    Shape,
    /// Same role and the same served names; the command lines differ.
    Listener,
    /// Same role; the command lines differ.
    Role,
}

impl MatchReason {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "pid and start time",
            Self::Shape => "role and command line",
            Self::Listener => "role and listener",
            Self::Role => "role",
        }
    }
}

/// Two processes that are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The process in the first map.
    pub old: ProcessId,
    /// The process in the second map.
    pub new: ProcessId,
    /// Why they are matched.
    pub why: MatchReason,
}

/// The partners of processes and sockets.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// All pairs of processes, by id in the first map.
    pub pairs: Vec<Pair>,
    processes: OldNew<Vec<Option<(ProcessId, MatchReason)>>>,
    sockets: OldNew<Vec<Option<SocketId>>>,
}

impl Matching {
    /// Matches the processes and sockets of hosts that were not rebooted in between.
    pub(super) fn by_identity(maps: OldNew<&Map>, hosts: &[HostPair]) -> Self {
        let mut matching = Self {
            pairs: Vec::new(),
            processes: OldNew::from_fn(|side| vec![None; maps.of(side).processes.len()]),
            sockets: OldNew::from_fn(|side| vec![None; maps.of(side).sockets.len()]),
        };
        for pair in hosts.iter().filter(|pair| pair.is_same_boot()) {
            matching.match_processes(maps, pair);
            matching.match_sockets(maps, pair);
        }
        matching
    }

    fn match_processes(&mut self, maps: OldNew<&Map>, pair: &HostPair) {
        let by_pid: BTreeMap<u32, (ProcessId, u64)> = processes_of(maps.new, pair.new)
            .map(|(id, process)| (process.pid, (id, process.start_ticks)))
            .collect();
        for (old, process) in processes_of(maps.old, pair.old) {
            if let Some((new, start_ticks)) = by_pid.get(&process.pid)
                && *start_ticks == process.start_ticks
            {
                self.join(old, *new, MatchReason::Identity);
            }
        }
    }

    fn match_sockets(&mut self, maps: OldNew<&Map>, pair: &HostPair) {
        let mut keys = OldNew::from_fn(|side| {
            let sockets = maps.of(side).sockets.iter().enumerate();
            let of_host = sockets.filter(|(_, socket)| socket.host == pair.host(side));
            // Sockets have no cookie where there was no dump; an inode is not reused while its socket
            // exists.
            let keys = of_host.map(|(index, socket)| {
                let key = socket.cookie.map_or((0, socket.inode), |c| (1, c));
                (key, SocketId::new(index))
            });
            let mut keys: Vec<_> = keys.collect();
            keys.sort_unstable();
            keys.into_iter().peekable()
        });
        for (key, old) in keys.old {
            while keys.new.next_if(|(other, _)| *other < key).is_some() {}
            if let Some((_, new)) = keys.new.next_if(|(other, _)| *other == key) {
                self.sockets.old[old.index()] = Some(new);
                self.sockets.new[new.index()] = Some(old);
            }
        }
    }

    /// Records that two processes are the same. [`Matching::pairs`] is not updated.
    pub(super) fn join(&mut self, old: ProcessId, new: ProcessId, why: MatchReason) {
        self.processes.old[old.index()] = Some((new, why));
        self.processes.new[new.index()] = Some((old, why));
    }

    /// Lists all matched processes in [`Matching::pairs`].
    pub(super) fn list_pairs(&mut self) {
        let partners = self.processes.old.iter().enumerate();
        let pairs = partners.filter_map(|(index, partner)| {
            let (new, why) = (*partner)?;
            let old = ProcessId::new(index);
            Some(Pair { old, new, why })
        });
        self.pairs = pairs.collect();
    }

    /// The partner of a process, and why they are matched.
    pub fn process(&self, side: Side, id: ProcessId) -> Option<(ProcessId, MatchReason)> {
        self.processes.of(side)[id.index()]
    }

    /// The same process in the other map, if it is certain.
    pub(super) fn same_process(&self, side: Side, id: ProcessId) -> Option<ProcessId> {
        match self.process(side, id) {
            Some((partner, MatchReason::Identity)) => Some(partner),
            _ => None,
        }
    }

    /// Whether a process is certainly in both maps.
    pub fn is_same(&self, side: Side, id: ProcessId) -> bool {
        self.same_process(side, id).is_some()
    }

    /// The same socket in the other map; always `None` across boots.
    pub fn socket(&self, side: Side, id: SocketId) -> Option<SocketId> {
        self.sockets.of(side)[id.index()]
    }
}
