//! Hubs: processes, and addresses outside the capture, by their number of peers.

use std::collections::{BTreeMap, BTreeSet};

use super::conversations::is_waiting;
use super::unknown_end::{UnknownEnd, unknown_end};
use crate::graph::{Conversation, ConversationEnds, conversations};
use crate::model::{Map, ProcessId, SocketId, SocketState};

/// A process and the number of its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The process.
    pub process: ProcessId,
    /// Number of other processes at the other ends of its connections and pipes.
    pub peers: usize,
    /// Number of connections that it holds an end of, without those not accepted yet.
    pub connections: usize,
    /// Listening sockets that it holds.
    pub listens: Vec<SocketId>,
}

/// All processes with a peer: most peers first, then most connections, then by id.
pub fn hubs(map: &Map) -> Vec<Hub> {
    let ends: Vec<ConversationEnds> = conversations(map)
        .filter(|ends| !is_waiting(map, ends.conversation))
        .collect();
    let mut connections = vec![0; map.processes.len()];
    let mut far_ends: Vec<Vec<FarEnd>> = vec![Vec::new(); map.processes.len()];
    for (index, ends) in ends.iter().enumerate() {
        for (near, is_server) in [(&ends.from, true), (&ends.to, false)] {
            for process in near {
                far_ends[process.index()].push(FarEnd {
                    conversation: index as u32,
                    is_server,
                });
            }
        }
        if let Conversation::Connection(_) = ends.conversation {
            let both: BTreeSet<_> = ends.from.iter().chain(&ends.to).collect();
            for process in both {
                connections[process.index()] += 1;
            }
        }
    }
    let peers = count_peers(&ends, &far_ends);
    let mut listens: Vec<Vec<SocketId>> = vec![Vec::new(); map.processes.len()];
    for (index, socket) in map.sockets.iter().enumerate() {
        if socket.state == SocketState::Listening {
            let id = SocketId::new(index);
            for process in map.using_processes(id) {
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
        .map(|(index, ((peers, connections), listens))| Hub {
            process: ProcessId::new(index),
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

/// The other end of a process's conversation.
#[derive(Debug, Clone, Copy)]
struct FarEnd {
    /// Index into the ends of all conversations.
    conversation: u32,
    is_server: bool,
}

/// The number of distinct processes at the far ends of each process.
///
/// A pipe that thousands of processes inherited has thousands of holders at both ends: millions of
/// pairs, which are visited but never stored.
fn count_peers(ends: &[ConversationEnds], far_ends: &[Vec<FarEnd>]) -> Vec<usize> {
    // The last process that each process was counted for, as its index plus 1.
    let mut counted_for = vec![0; far_ends.len()];
    let count = |(index, far_ends): (usize, &Vec<FarEnd>)| {
        counted_for[index] = index + 1; // A process is not its own peer.
        let mut peers = 0;
        for far_end in far_ends {
            let ends = &ends[far_end.conversation as usize];
            for other in if far_end.is_server {
                &ends.to
            } else {
                &ends.from
            } {
                let last = &mut counted_for[other.index()];
                peers += usize::from(*last != index + 1);
                *last = index + 1;
            }
        }
        peers
    };
    far_ends.iter().enumerate().map(count).collect()
}

/// An address outside the capture, and the number of its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideHub {
    /// Printable; without the port of a client.
    pub address: String,
    /// Number of processes at the captured ends.
    pub peers: usize,
    /// Number of connections.
    pub connections: usize,
}

/// All addresses outside the capture: most processes first, then most connections, then by address.
pub fn outside_hubs(map: &Map) -> Vec<OutsideHub> {
    let mut by_address: BTreeMap<String, (BTreeSet<ProcessId>, usize)> = BTreeMap::new();
    for ends in conversations(map).filter(|ends| !is_waiting(map, ends.conversation)) {
        let (captured, client) = match (ends.from.is_empty(), ends.to.is_empty()) {
            (true, false) => (&ends.to, true),
            (false, true) => (&ends.from, false),
            _ => continue,
        };
        if let UnknownEnd::Outside(address) = unknown_end(map, &ends, client) {
            let (peers, connections) = by_address.entry(address).or_default();
            peers.extend(captured);
            *connections += 1;
        }
    }
    let mut hubs: Vec<OutsideHub> = by_address
        .into_iter()
        .map(|(address, (peers, connections))| OutsideHub {
            address,
            peers: peers.len(),
            connections,
        })
        .collect();
    hubs.sort_by_key(|hub| std::cmp::Reverse((hub.peers, hub.connections)));
    hubs
}
