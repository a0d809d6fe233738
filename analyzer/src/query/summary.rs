//! Summary of a process, or of a group such as a unit or a container (`show`).

use std::collections::{BTreeMap, BTreeSet};

use super::links::Link;
use super::waits::WaitAnalysis;
use crate::model::{Map, ProcessId, SocketId, SocketState};

/// Sockets, conversations, descriptors and waits of some processes.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The processes, sorted.
    pub processes: Vec<ProcessId>,
    /// Listening sockets that one of them holds.
    pub listens: Vec<SocketId>,
    /// Indices of links to others in which they are clients.
    pub talks_to: Vec<usize>,
    /// Indices of links to others in which they are servers only.
    pub called_by: Vec<usize>,
    /// Number of conversations whose ends are all held by these processes.
    pub among_themselves: usize,
    /// Number of their descriptors by kind.
    pub fd_counts: BTreeMap<Box<str>, u64>,
    /// Their sockets with bytes or clients in a queue.
    pub queues: Vec<SocketId>,
    /// Indices of their blocked threads, in [`WaitAnalysis::waits`].
    pub waits: Vec<usize>,
    /// Indices of threads of others that are blocked on them.
    pub awaited_by: Vec<usize>,
}

/// Summarizes processes. `links` are by process for a single process, by role for a group.
pub fn summary(
    map: &Map,
    links: &[Link],
    waits: &WaitAnalysis,
    processes: &BTreeSet<ProcessId>,
) -> Summary {
    let is_member = |process: &ProcessId| processes.contains(process);
    let mut summary = Summary {
        processes: processes.iter().copied().collect(),
        ..Summary::default()
    };
    for (index, link) in links.iter().enumerate() {
        let (client, server) = (
            link.clients.iter().any(is_member),
            link.servers.iter().any(is_member),
        );
        match (client, server) {
            (true, true) if link.clients.iter().chain(&link.servers).all(is_member) => {
                summary.among_themselves += link.connections;
            }
            (true, _) => summary.talks_to.push(index),
            (false, true) => summary.called_by.push(index),
            (false, false) => {}
        }
    }
    for process in processes {
        for (kind, count) in &map.process(*process).fd_counts {
            *summary.fd_counts.entry(kind.clone()).or_default() += u64::from(*count);
        }
    }
    for (index, socket) in map.sockets.iter().enumerate() {
        let id = SocketId::new(index);
        if !map
            .holders(id)
            .iter()
            .any(|holder| is_member(&holder.process))
        {
            continue;
        }
        if socket.state == SocketState::Listening {
            summary.listens.push(id);
        }
        if is_queued(map, id) {
            summary.queues.push(id);
        }
    }
    for (index, thread) in waits.waits.iter().enumerate() {
        if is_member(&thread.process) {
            summary.waits.push(index);
        } else if thread.problem && thread.peers.iter().any(is_member) {
            summary.awaited_by.push(index);
        }
    }
    summary
}

/// Whether a socket has bytes or pending clients in its queues.
pub fn is_queued(map: &Map, id: SocketId) -> bool {
    let socket = map.socket(id);
    socket.recv_queue_bytes + socket.send_queue_bytes > 0 || socket.pending > Some(0)
}
