//! What there is to say of one process, or of several that are one: a unit, a container.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, Link, Waits};
use crate::model::{Map, ProcessId, SocketId, SocketState};

/// What processes have and do.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Who they are, in order.
    pub processes: Vec<ProcessId>,
    /// Listening sockets that they hold.
    pub listens: Vec<SocketId>,
    /// Conversations with others in which they are clients: places among the links.
    pub talks_to: Vec<usize>,
    /// Conversations with others in which they are servers.
    pub called_by: Vec<usize>,
    /// Conversations among themselves.
    pub among_themselves: usize,
    /// Their descriptors by kind.
    pub fd_counts: BTreeMap<Box<str>, u64>,
    /// Their sockets in whose queues something waits.
    pub queues: Vec<SocketId>,
    /// Their threads that are blocked: places among the waits.
    pub waits: Vec<usize>,
    /// Other threads that wait for them.
    pub awaited_by: Vec<usize>,
}

/// A portrait of these processes, from links by process (of one) or by role (of several).
pub fn summary(
    map: &Map,
    links: &[Link],
    waits: &Waits,
    processes: &BTreeSet<ProcessId>,
) -> Summary {
    let is_one = |process: &ProcessId| processes.contains(process);
    let mut summary = Summary {
        processes: processes.iter().copied().collect(),
        ..Summary::default()
    };
    for (at, link) in links.iter().enumerate() {
        let (client, server) = (
            link.clients.iter().any(is_one),
            link.servers.iter().any(is_one),
        );
        match (client, server) {
            (true, true) if link.clients.iter().chain(&link.servers).all(is_one) => {
                summary.among_themselves += link.connections;
            }
            (true, _) => summary.talks_to.push(at),
            (false, true) => summary.called_by.push(at),
            (false, false) => {}
        }
    }
    for process in processes {
        for (kind, count) in &map.process(*process).fd_counts {
            *summary.fd_counts.entry(kind.clone()).or_default() += u64::from(*count);
        }
    }
    for (at, socket) in map.sockets.iter().enumerate() {
        let id = SocketId::new(at);
        if !map.holders(id).iter().any(|holder| is_one(&holder.process)) {
            continue;
        }
        if socket.state == SocketState::Listening {
            summary.listens.push(id);
        }
        if is_queued(map, id) {
            summary.queues.push(id);
        }
    }
    for (at, waiting) in waits.waits.iter().enumerate() {
        if is_one(&map.waits[waiting.wait].process) {
            summary.waits.push(at);
        } else if waiting.class != Class::Events && waiting.peers.iter().any(is_one) {
            summary.awaited_by.push(at);
        }
    }
    summary
}

/// Whether something waits in a socket's queues: bytes, or clients.
pub fn is_queued(map: &Map, id: SocketId) -> bool {
    let socket = map.socket(id);
    socket.recv_queue_bytes + socket.send_queue_bytes > 0 || socket.pending > Some(0)
}
