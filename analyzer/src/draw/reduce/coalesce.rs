//! Coalesces sockets and processes before edges are made, where descriptors are inherited by the
//! million.
//!
//! An edge from each shared socket to each of its holders is sockets times holders. Sockets with the
//! same holders become one node, so that the cost is by distinct sets of holders; where that is still
//! too much, processes are merged by the steps of the budget, as they would be afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::draft::ProcessRef;
use super::merge_step::{MergeStep, STEPS};
use crate::model::{Holder, Map, Pipe, ProcessId, SocketId};

/// Edges from shared sockets and pipes to their holders; far more than any picture shows.
const MAX_HOLDS: usize = 60_000;

/// Processes and sockets that are one node.
#[derive(Debug, Default)]
pub(crate) struct Coalesced {
    /// The first process of the node of each process; empty: each has its own.
    firsts: Vec<ProcessId>,
    /// For each socket, the first with the same holders; without those first ones.
    sockets: HashMap<SocketId, SocketId>,
    /// By what processes were merged.
    pub(crate) step: Option<&'static MergeStep>,
}

impl Coalesced {
    /// The first process of a process's node.
    pub(crate) fn process(&self, process: ProcessId) -> ProcessId {
        let first = self.firsts.get(process.index());
        first.copied().unwrap_or(process)
    }

    /// The first socket of a socket's node.
    pub(crate) fn socket(&self, socket: SocketId) -> SocketId {
        self.sockets.get(&socket).copied().unwrap_or(socket)
    }

    /// The distinct first processes of the nodes of these.
    pub(crate) fn processes(&self, mut processes: Vec<ProcessId>) -> Vec<ProcessId> {
        if !self.firsts.is_empty() {
            for process in &mut processes {
                *process = self.process(*process);
            }
            processes.sort_unstable();
            processes.dedup();
        }
        processes
    }
}

/// Coalesces until edges are few enough. `stars` are the sockets with nodes, and whether each may be
/// merged; `pipes` are the pipes with nodes.
pub(crate) fn coalesce(map: &Map, stars: &[(SocketId, bool)], pipes: &[&Pipe]) -> Coalesced {
    let mut coalesced = Coalesced::default();
    let pipe_ends: Vec<Vec<ProcessId>> = pipes
        .iter()
        .flat_map(|pipe| [processes(&pipe.readers), processes(&pipe.writers)])
        .collect();
    let holds = |coalesced: &Coalesced| {
        let sockets = stars.iter().map(|(socket, _)| *socket);
        let firsts = sockets.filter(|socket| coalesced.socket(*socket) == *socket);
        let ends = firsts.map(|socket| map.using_processes(socket));
        let ends = ends.chain(pipe_ends.iter().cloned());
        ends.map(|end| coalesced.processes(end).len())
            .sum::<usize>()
    };
    // Descriptors are at least as many as holders, and cost nothing to count.
    let descriptors: usize = stars.iter().map(|(id, _)| map.holders(*id).len()).sum();
    let ends = pipe_ends.iter().map(Vec::len).sum::<usize>();
    if descriptors + ends <= MAX_HOLDS || holds(&coalesced) <= MAX_HOLDS {
        return coalesced;
    }
    same_holders(map, stars, &mut coalesced);
    for step in &STEPS {
        if holds(&coalesced) <= MAX_HOLDS {
            break;
        }
        coalesced.step = Some(step);
        coalesced.firsts = firsts(map, step);
        same_holders(map, stars, &mut coalesced);
    }
    coalesced
}

fn same_holders(map: &Map, stars: &[(SocketId, bool)], coalesced: &mut Coalesced) {
    let mut sets: HashMap<Vec<ProcessId>, SocketId> = HashMap::new();
    let mut sockets = HashMap::new();
    for (socket, _) in stars.iter().filter(|(_, mergeable)| *mergeable) {
        let holders = coalesced.processes(map.using_processes(*socket));
        let first = *sets.entry(holders).or_insert(*socket);
        if first != *socket {
            sockets.insert(*socket, first);
        }
    }
    coalesced.sockets = sockets;
}

/// The first process of each class. One that holds nothing stays apart: it is placed on a shelf.
fn firsts(map: &Map, step: &MergeStep) -> Vec<ProcessId> {
    let mut holds = vec![false; map.processes.len()];
    let pipes = map.pipes.iter();
    let ends = pipes.flat_map(|pipe| pipe.readers.iter().chain(&pipe.writers));
    for holder in map.holders.iter().chain(ends) {
        holds[holder.process.index()] = true;
    }
    let mut classes: BTreeMap<(usize, Vec<u8>), ProcessId> = BTreeMap::new();
    let first = |id: ProcessId| {
        if !holds[id.index()] {
            return id;
        }
        let class = step.class(&ProcessRef::new(map, id));
        *classes.entry(class).or_insert(id)
    };
    let processes = (0..map.processes.len()).map(ProcessId::new);
    processes.map(first).collect()
}

/// The distinct processes among holders.
pub(crate) fn processes(holders: &[Holder]) -> Vec<ProcessId> {
    let distinct: BTreeSet<_> = holders.iter().map(|holder| holder.process).collect();
    distinct.into_iter().collect()
}
