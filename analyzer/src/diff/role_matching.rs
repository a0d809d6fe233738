//! Matches restarted processes, and those of different boots or machines, by role.
//!
//! Within a role, processes that serve the same names are matched first, then those with equal
//! command lines, then the rest; each time the older first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::host_pair::{HostPair, processes_of};
use super::matching::{MatchReason, Matching, Pair};
use super::role::{command_shape, role};
use super::served_name::served_shape;
use super::side::OldNew;
use crate::model::{HostId, Map, ProcessId, SocketId};

/// Maximum number of served names of a process that are compared.
const MAX_NAMES: usize = 16;

/// A process without a partner; ordered by shape of the command line, then age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    shape: String,
    start_ticks: u64,
    id: ProcessId,
    /// Shapes of the names that it serves.
    names: BTreeSet<String>,
}

/// Matches the wanted processes that have no partner yet. Pairs in `known` were matched before and
/// are taken over.
pub(super) fn match_by_role(
    matching: &mut Matching,
    maps: OldNew<&Map>,
    hosts: &[HostPair],
    wanted: &OldNew<Vec<bool>>,
    known: &[Pair],
) {
    for pair in known {
        matching.join(pair.old, pair.new, pair.why);
    }
    for pair in hosts {
        let OldNew { old, mut new } = OldNew::from_fn(|side| {
            candidates(maps.of(side), pair.host(side), |id| {
                wanted.of(side)[id.index()] && matching.process(side, id).is_none()
            })
        });
        for (role, mut old) in old {
            let Some(mut new) = new.remove(&role) else {
                continue;
            };
            // Served names come before command lines: where instances differ by their port only, their
            // command lines have the same shape.
            join_equal(matching, &mut old, &mut new, MatchReason::Shape, |one| {
                Some((one.names.clone(), one.shape.clone()))
            });
            join_equal(matching, &mut old, &mut new, MatchReason::Listener, |one| {
                (!one.names.is_empty()).then(|| one.names.clone())
            });
            join_equal(matching, &mut old, &mut new, MatchReason::Shape, |one| {
                Some(one.shape.clone())
            });
            for (old, new) in old.iter().zip(&new) {
                matching.join(old.id, new.id, MatchReason::Role);
            }
        }
    }
    matching.list_pairs();
}

/// Joins candidates with equal keys, the older first. The rest stays in order.
fn join_equal<K: Ord>(
    matching: &mut Matching,
    old: &mut Vec<Candidate>,
    new: &mut Vec<Candidate>,
    why: MatchReason,
    key: impl Fn(&Candidate) -> Option<K>,
) {
    let mut by_key: BTreeMap<K, VecDeque<ProcessId>> = BTreeMap::new();
    for candidate in &*new {
        if let Some(key) = key(candidate) {
            by_key.entry(key).or_default().push_back(candidate.id);
        }
    }
    let mut joined = BTreeSet::new();
    old.retain(|candidate| {
        let partner = key(candidate).and_then(|key| by_key.get_mut(&key)?.pop_front());
        if let Some(partner) = partner {
            matching.join(candidate.id, partner, why);
            joined.insert(partner);
        }
        partner.is_none()
    });
    new.retain(|candidate| !joined.contains(&candidate.id));
}

/// The candidates of a host by role, each role's by shape, then age.
fn candidates(
    map: &Map,
    host: HostId,
    is_candidate: impl Fn(ProcessId) -> bool,
) -> BTreeMap<String, Vec<Candidate>> {
    let mut by_role: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    let mut names = served_names(map, &is_candidate);
    for (id, process) in processes_of(map, host).filter(|(id, _)| is_candidate(*id)) {
        by_role.entry(role(process)).or_default().push(Candidate {
            shape: command_shape(process),
            start_ticks: process.start_ticks,
            id,
            names: names.remove(&id).unwrap_or_default(),
        });
    }
    for candidates in by_role.values_mut() {
        candidates.sort();
    }
    by_role
}

/// Shapes of the names that each candidate serves.
fn served_names(
    map: &Map,
    is_candidate: impl Fn(ProcessId) -> bool,
) -> BTreeMap<ProcessId, BTreeSet<String>> {
    let mut names: BTreeMap<ProcessId, BTreeSet<String>> = BTreeMap::new();
    if !(0..map.processes.len()).any(|index| is_candidate(ProcessId::new(index))) {
        return names;
    }
    for (index, socket) in map.sockets.iter().enumerate() {
        let Some(name) = served_shape(socket) else {
            continue;
        };
        let holders = map.holding_processes(SocketId::new(index)).into_iter();
        for id in holders.filter(|id| is_candidate(*id)) {
            let names = names.entry(id).or_default();
            names.insert(name.clone());
            if names.len() > MAX_NAMES {
                names.pop_last();
            }
        }
    }
    names
}
