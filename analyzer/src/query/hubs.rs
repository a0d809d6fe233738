//! Which processes talk to the most others.

use std::collections::{BTreeMap, BTreeSet};

use super::links::{UnknownEnd, is_pending, unknown_end};
use crate::graph::{Conversation, ConversationEnds, conversations};
use crate::model::{Map, ProcessId, SocketId, SocketState};

/// A process and how much it talks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The process.
    pub process: ProcessId,
    /// How many other processes hold the other end of a connection or pipe of its own.
    pub peers: usize,
    /// How many connections it holds an end of; clients still waiting do not count.
    pub connections: usize,
    /// The listening sockets it holds.
    pub listens: Vec<SocketId>,
}

/// All processes that talk to another: most peers first, then most connections, then by id.
pub fn hubs(map: &Map) -> Vec<Hub> {
    let ends: Vec<ConversationEnds> = conversations(map)
        .filter(|ends| !is_pending(map, ends.talk))
        .collect();
    let mut connections = vec![0; map.processes.len()];
    // For each process the other ends of its conversations: an index into `ends`, and which end.
    let mut others: Vec<Vec<(u32, bool)>> = vec![Vec::new(); map.processes.len()];
    for (at, ends) in ends.iter().enumerate() {
        for (own, is_to) in [(&ends.from, true), (&ends.to, false)] {
            for process in own {
                others[process.index()].push((at as u32, is_to));
            }
        }
        if let Conversation::Connection(_) = ends.talk {
            let both: BTreeSet<_> = ends.from.iter().chain(&ends.to).collect();
            for process in both {
                connections[process.index()] += 1;
            }
        }
    }
    let peers = count_peers(&ends, &others);
    let mut listens: Vec<Vec<SocketId>> = vec![Vec::new(); map.processes.len()];
    for (at, socket) in map.sockets.iter().enumerate() {
        if socket.state == SocketState::Listening {
            let id = SocketId::new(at);
            for process in map.holding_processes(id) {
                listens[process.index()].push(id);
            }
        }
    }
    let mut hubs: Vec<Hub> = peers
        .iter()
        .zip(connections)
        .zip(listens)
        .enumerate()
        .filter(|(_, ((peers, _), _))| **peers > 0)
        .map(|(at, ((peers, connections), listens))| Hub {
            process: ProcessId::new(at),
            peers: *peers,
            connections,
            listens,
        })
        .collect();
    hubs.sort_by_key(|hub| {
        (
            std::cmp::Reverse(hub.peers),
            std::cmp::Reverse(hub.connections),
            hub.process,
        )
    });
    hubs
}

/// How many distinct processes are at the other ends, for each process.
///
/// A pipe that thousands inherited has thousands at both ends: millions of pairs, which are walked
/// but never stored.
fn count_peers(ends: &[ConversationEnds], others: &[Vec<(u32, bool)>]) -> Vec<usize> {
    // For whom a process was last counted; no process has the number 0 here.
    let mut counted_for = vec![0; others.len()];
    let count = |(at, others): (usize, &Vec<(u32, bool)>)| {
        counted_for[at] = at + 1; // oneself is no peer
        let mut peers = 0;
        for (end, is_to) in others {
            let end = &ends[*end as usize];
            for other in if *is_to { &end.to } else { &end.from } {
                let last = &mut counted_for[other.index()];
                peers += usize::from(*last != at + 1);
                *last = at + 1;
            }
        }
        peers
    };
    others.iter().enumerate().map(count).collect()
}

/// An address outside of what was captured, and who talks to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Printable; without the port where that says nothing.
    pub address: String,
    /// How many processes hold the end that is here.
    pub peers: usize,
    /// How many connections.
    pub connections: usize,
}

/// All such addresses: most processes first, then most connections, then by address.
pub fn outside(map: &Map) -> Vec<Outside> {
    let mut found: BTreeMap<String, (BTreeSet<ProcessId>, usize)> = BTreeMap::new();
    for ends in conversations(map).filter(|ends| !is_pending(map, ends.talk)) {
        let (near, client) = match (ends.from.is_empty(), ends.to.is_empty()) {
            (true, false) => (&ends.to, true),
            (false, true) => (&ends.from, false),
            _ => continue,
        };
        if let UnknownEnd::Outside(address) = unknown_end(map, &ends, client) {
            let (peers, connections) = found.entry(address).or_default();
            peers.extend(near);
            *connections += 1;
        }
    }
    let outside =
        |(address, (peers, connections)): (String, (BTreeSet<ProcessId>, usize))| Outside {
            address,
            peers: peers.len(),
            connections,
        };
    let mut all: Vec<Outside> = found.into_iter().map(outside).collect();
    all.sort_by_key(|one| std::cmp::Reverse((one.peers, one.connections)));
    all
}
