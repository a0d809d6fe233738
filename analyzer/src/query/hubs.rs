//! Which processes talk to the most others.

use std::collections::BTreeSet;

use crate::graph::{Talk, talks};
use crate::model::{ConnectionState, Map, ProcessId, SocketId, SocketState};

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
    let mut peers: Vec<BTreeSet<ProcessId>> = vec![BTreeSet::new(); map.processes.len()];
    let mut connections = vec![0; map.processes.len()];
    for ends in talks(map) {
        let counted = match ends.talk {
            Talk::Connection(at) => {
                let connection = &map.connections[at];
                if connection.state == ConnectionState::Pending {
                    continue;
                }
                true
            }
            Talk::Pipe(_) => false,
        };
        for (own, others) in [(&ends.from, &ends.to), (&ends.to, &ends.from)] {
            for process in own {
                let others = others.iter().filter(|other| *other != process);
                peers[process.index()].extend(others);
            }
        }
        if counted {
            let both: BTreeSet<_> = ends.from.iter().chain(&ends.to).collect();
            for process in both {
                connections[process.index()] += 1;
            }
        }
    }
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
        .filter(|(_, ((peers, _), _))| !peers.is_empty())
        .map(|(at, ((peers, connections), listens))| Hub {
            process: ProcessId::new(at),
            peers: peers.len(),
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
