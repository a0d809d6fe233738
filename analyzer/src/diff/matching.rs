//! Which process and socket of one map is which of the other, and why.
//!
//! Within one boot a process is its pid and start time, and a socket its cookie: that is certain.
//! What is left is matched by role, in a fixed order: who serves the same names first, then equal
//! command lines, each time the older first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::coverage::{HostPair, HostRelation, processes_of};
use super::listeners::served_shape;
use super::role::{role, shape};
use super::{OldNew, Side};
use crate::model::{Map, ProcessId, SocketId};

/// Names that tell what a process serves.
const MOST_NAMES: usize = 16;

/// Why two processes are taken for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchReason {
    /// Same boot, pid and start time.
    Identity,
    /// Same role, and the same command line but for what differs from run to run.
    Shape,
    /// Same role, and it listens on the same names; the command lines differ.
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

/// Two processes that are taken for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// In the first map.
    pub old: ProcessId,
    /// In the second.
    pub new: ProcessId,
    /// Why.
    pub why: MatchReason,
}

/// Partners, by index.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// All pairs of processes, by the first's id.
    pub pairs: Vec<Pair>,
    processes: OldNew<Vec<Option<(ProcessId, MatchReason)>>>,
    sockets: OldNew<Vec<Option<SocketId>>>,
    hosts: OldNew<Vec<Option<HostRelation>>>,
}

impl Matching {
    /// What is certain: the processes and sockets of one boot.
    pub(super) fn certain(maps: OldNew<&Map>, hosts: &[HostPair]) -> Self {
        let mut matching = Self::default();
        for side in Side::BOTH {
            let map = maps.of(side);
            *matching.processes.of_mut(side) = vec![None; map.processes.len()];
            *matching.sockets.of_mut(side) = vec![None; map.sockets.len()];
            *matching.hosts.of_mut(side) = vec![None; map.hosts.len()];
        }
        for pair in hosts {
            matching.hosts.old[pair.old.index()] = Some(pair.relation);
            matching.hosts.new[pair.new.index()] = Some(pair.relation);
            if pair.relation == HostRelation::SameBoot {
                matching.same_processes(maps, pair);
                matching.same_sockets(maps, pair);
            }
        }
        matching
    }

    fn same_processes(&mut self, maps: OldNew<&Map>, pair: &HostPair) {
        let by_pid: BTreeMap<u32, (ProcessId, u64)> = processes_of(maps.new, pair.new)
            .map(|(id, process)| (process.pid, (id, process.start_ticks)))
            .collect();
        for (old, process) in processes_of(maps.old, pair.old) {
            if let Some((new, started)) = by_pid.get(&process.pid)
                && *started == process.start_ticks
            {
                self.join(old, *new, MatchReason::Identity);
            }
        }
    }

    fn same_sockets(&mut self, maps: OldNew<&Map>, pair: &HostPair) {
        let keys = |map: &Map, host| {
            let sockets = map.sockets.iter().enumerate();
            let of_host = sockets.filter(|(_, socket)| socket.host == host);
            // Without a dump there is no cookie; an inode lives as long as its socket.
            let mut keys: Vec<_> = of_host
                .map(|(at, socket)| (socket.cookie.map_or((0, socket.inode), |c| (1, c)), at))
                .collect();
            keys.sort_unstable();
            keys
        };
        let (old, new) = (keys(maps.old, pair.old), keys(maps.new, pair.new));
        let mut place = 0;
        for (key, at) in old {
            while new.get(place).is_some_and(|(other, _)| *other < key) {
                place += 1;
            }
            if let Some((other, found)) = new.get(place)
                && *other == key
            {
                self.sockets.old[at] = Some(SocketId::new(*found));
                self.sockets.new[*found] = Some(SocketId::new(at));
                place += 1;
            }
        }
    }

    fn join(&mut self, old: ProcessId, new: ProcessId, why: MatchReason) {
        self.processes.old[old.index()] = Some((new, why));
        self.processes.new[new.index()] = Some((old, why));
    }

    /// Matches by role what is left and wanted; who is known is not asked again.
    pub(super) fn add_roles(
        &mut self,
        maps: OldNew<&Map>,
        hosts: &[HostPair],
        wanted: &OldNew<Vec<bool>>,
        known: &[Pair],
    ) {
        for pair in known {
            self.join(pair.old, pair.new, pair.why);
        }
        for pair in hosts {
            let lists = OldNew {
                old: self.left(maps, Side::Old, pair, wanted),
                new: self.left(maps, Side::New, pair, wanted),
            };
            for (role, mut old) in lists.old {
                let Some(mut new) = lists.new.get(&role).cloned() else {
                    continue;
                };
                // Of two alike, what they listen on tells which is which: a port is a number, too.
                self.join_equal(&mut old, &mut new, MatchReason::Shape, |one| {
                    Some((one.serves.clone(), one.shape.clone()))
                });
                self.join_equal(&mut old, &mut new, MatchReason::Listener, |one| {
                    let any = !one.serves.is_empty();
                    any.then(|| (one.serves.clone(), String::new()))
                });
                self.join_equal(&mut old, &mut new, MatchReason::Shape, |one| {
                    Some(one.shape.clone())
                });
                for (one, two) in old.iter().zip(&new) {
                    self.join(one.id, two.id, MatchReason::Role);
                }
            }
        }
        let partners = self.processes.old.iter().enumerate();
        let pair = |(at, partner): (usize, &Option<(ProcessId, MatchReason)>)| {
            let (new, why) = (*partner)?;
            let old = ProcessId::new(at);
            Some(Pair { old, new, why })
        };
        self.pairs = partners.filter_map(pair).collect();
    }

    /// Joins those with equal keys, the older ones first; what is left stays in order.
    fn join_equal<K: Ord>(
        &mut self,
        old: &mut Vec<Candidate>,
        new: &mut Vec<Candidate>,
        why: MatchReason,
        key: impl Fn(&Candidate) -> Option<K>,
    ) {
        let mut waiting: BTreeMap<K, VecDeque<ProcessId>> = BTreeMap::new();
        for one in &*new {
            if let Some(key) = key(one) {
                waiting.entry(key).or_default().push_back(one.id);
            }
        }
        let mut joined = BTreeSet::new();
        old.retain(|one| {
            let known = key(one).and_then(|key| waiting.get_mut(&key)?.pop_front());
            if let Some(other) = known {
                self.join(one.id, other, why);
                joined.insert(other);
            }
            known.is_none()
        });
        new.retain(|one| !joined.contains(&one.id));
    }

    /// The processes of a host without a partner, by role; each role's by shape, then age.
    fn left(
        &self,
        maps: OldNew<&Map>,
        side: Side,
        pair: &HostPair,
        wanted: &OldNew<Vec<bool>>,
    ) -> BTreeMap<String, Vec<Candidate>> {
        let host = match side {
            Side::Old => pair.old,
            Side::New => pair.new,
        };
        let mut left: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        let mut serves = self.serves(maps, side, wanted);
        for (id, process) in processes_of(maps.of(side), host) {
            let at = id.index();
            if self.processes.of(side)[at].is_none() && wanted.of(side)[at] {
                left.entry(role(process)).or_default().push(Candidate {
                    shape: shape(process),
                    started: process.start_ticks,
                    id,
                    serves: serves.remove(&id).unwrap_or_default(),
                });
            }
        }
        for list in left.values_mut() {
            list.sort();
        }
        left
    }

    /// The names that processes without a partner serve, without what differs from run to run.
    fn serves(
        &self,
        maps: OldNew<&Map>,
        side: Side,
        wanted: &OldNew<Vec<bool>>,
    ) -> BTreeMap<ProcessId, BTreeSet<String>> {
        let map = maps.of(side);
        let mut serves: BTreeMap<ProcessId, BTreeSet<String>> = BTreeMap::new();
        let partners = self.processes.of(side).iter();
        let mut alone = partners.zip(wanted.of(side));
        if !alone.any(|(partner, wanted)| partner.is_none() && *wanted) {
            return serves;
        }
        for (at, socket) in map.sockets.iter().enumerate() {
            let Some(name) = served_shape(socket) else {
                continue;
            };
            for id in map.holding_processes(SocketId::new(at)) {
                let place = id.index();
                if self.processes.of(side)[place].is_none() && wanted.of(side)[place] {
                    let names = serves.entry(id).or_default();
                    names.insert(name.clone());
                    if names.len() > MOST_NAMES {
                        names.pop_last();
                    }
                }
            }
        }
        serves
    }

    /// The partner of a process, and why.
    pub fn process(&self, side: Side, id: ProcessId) -> Option<(ProcessId, MatchReason)> {
        self.processes.of(side)[id.index()]
    }

    /// Whether it is the very same process in both.
    pub fn is_same(&self, side: Side, id: ProcessId) -> bool {
        matches!(self.process(side, id), Some((_, MatchReason::Identity)))
    }

    /// The same socket in the other map; only within one boot.
    pub fn socket(&self, side: Side, id: SocketId) -> Option<SocketId> {
        self.sockets.of(side)[id.index()]
    }

    /// What a process's host is to its partner; `None`: it has none.
    pub(super) fn relation(&self, side: Side, host: crate::model::HostId) -> Option<HostRelation> {
        self.hosts.of(side)[host.index()]
    }
}

/// A process that looks for its partner; ordered by shape, then age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    shape: String,
    started: u64,
    id: ProcessId,
    serves: BTreeSet<String>,
}
