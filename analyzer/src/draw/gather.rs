//! Before any edge is made: who is drawn as one, where descriptors are inherited by the million.
//!
//! An edge from each shared socket to each of its holders is sockets times holders. Sockets that the
//! same processes hold become one, so that the cost is by distinct sets of holders; where that is
//! still too much, processes become one by the budget's own steps, as they would afterwards.

use std::collections::{BTreeMap, HashMap};

use super::budget::{STEPS, Step};
use super::reduce::processes;
use crate::model::{Map, Pipe, Process, ProcessId, SocketId};

/// Edges from shared sockets and pipes to their holders; far more than any picture shows.
const MOST_HOLDS: usize = 60_000;

/// Who is drawn as one.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The first of those that each process is one with, by place; empty: each is its own.
    firsts: Vec<ProcessId>,
    /// The first socket of those that have the same holders, for the others.
    sockets: HashMap<SocketId, SocketId>,
    /// By what processes are one.
    pub(super) step: Option<&'static Step>,
}

impl Gathered {
    /// The process that stands for this one.
    pub(super) fn process(&self, process: ProcessId) -> ProcessId {
        let first = self.firsts.get(process.index());
        first.copied().unwrap_or(process)
    }

    /// The socket that stands for this one.
    pub(super) fn socket(&self, socket: SocketId) -> SocketId {
        self.sockets.get(&socket).copied().unwrap_or(socket)
    }

    /// The distinct ones that stand for these processes.
    pub(super) fn all(&self, mut processes: Vec<ProcessId>) -> Vec<ProcessId> {
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

/// Gathers until there are few enough edges. `stars` are the sockets that will have nodes of their
/// own, with whether they may be one with others; `pipes` are those that will.
pub(super) fn gather(map: &Map, stars: &[(SocketId, bool)], pipes: &[&Pipe]) -> Gathered {
    let mut gathered = Gathered::default();
    let of_pipes: Vec<Vec<ProcessId>> = pipes
        .iter()
        .flat_map(|pipe| [processes(&pipe.readers), processes(&pipe.writers)])
        .collect();
    let holds = |gathered: &Gathered| {
        let sockets = stars
            .iter()
            .filter(|(socket, _)| gathered.socket(*socket) == *socket)
            .map(|(socket, _)| gathered.all(map.holding_processes(*socket)).len());
        let pipes = of_pipes.iter().map(|all| gathered.all(all.clone()).len());
        sockets.chain(pipes).sum::<usize>()
    };
    // Descriptors are at least as many as holders, and cost nothing to count.
    let descriptors: usize = stars.iter().map(|(id, _)| map.holders(*id).len()).sum();
    let ends = of_pipes.iter().map(Vec::len).sum::<usize>();
    if descriptors + ends <= MOST_HOLDS || holds(&gathered) <= MOST_HOLDS {
        return gathered;
    }
    same_holders(map, stars, &mut gathered);
    for step in &STEPS {
        if holds(&gathered) <= MOST_HOLDS {
            break;
        }
        gathered.step = Some(step);
        gathered.firsts = firsts(map, step);
        same_holders(map, stars, &mut gathered);
    }
    gathered
}

fn same_holders(map: &Map, stars: &[(SocketId, bool)], gathered: &mut Gathered) {
    let mut sets: HashMap<Vec<ProcessId>, SocketId> = HashMap::new();
    let mut sockets = HashMap::new();
    for (socket, _) in stars.iter().filter(|(_, may)| *may) {
        let holders = gathered.all(map.holding_processes(*socket));
        let first = *sets.entry(holders).or_insert(*socket);
        if first != *socket {
            sockets.insert(*socket, first);
        }
    }
    gathered.sockets = sockets;
}

/// The first process of each class. Who holds nothing stays apart: it goes on a shelf.
fn firsts(map: &Map, step: &Step) -> Vec<ProcessId> {
    let mut holds = vec![false; map.processes.len()];
    let ends = map
        .pipes
        .iter()
        .flat_map(|p| p.readers.iter().chain(&p.writers));
    for holder in map.holders.iter().chain(ends) {
        holds[holder.process.index()] = true;
    }
    let mut classes: BTreeMap<(u32, Vec<u8>), ProcessId> = BTreeMap::new();
    let first = |(at, process): (usize, &Process)| {
        let id = ProcessId::new(at);
        match holds[at] {
            true => *classes
                .entry((process.host.0, (step.key)(process)))
                .or_insert(id),
            false => id,
        }
    };
    map.processes.iter().enumerate().map(first).collect()
}
