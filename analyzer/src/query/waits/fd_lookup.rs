//! Finds the processes at the other end of a socket or pipe that a thread is blocked on.

use super::analysis::{ChainEnd, WaitNeed};
use crate::graph::Conversation;
use crate::model::{
    Address, Connection, ConnectionState, Family, Map, PipeId, PipeKey, ProcessId, Socket,
    SocketId, SocketState,
};
use crate::query::via::{Via, socket_via, via};

/// An object that can end a wait, and the processes that hold its other end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WaitTarget {
    /// Processes that can end the wait, sorted.
    pub(super) peers: Vec<ProcessId>,
    /// What the conversation goes over.
    pub(super) via: Via,
    /// Whether a process that could not be read may be a peer too.
    pub(super) incomplete: bool,
}

/// The target, and the end of the chain if something else can end the wait or there is no peer.
type Lookup = (Option<WaitTarget>, Option<ChainEnd>);

/// The connections of each socket.
pub(super) struct FdLookup<'a> {
    map: &'a Map,
    connections: Vec<Vec<u32>>,
}

impl<'a> FdLookup<'a> {
    pub(super) fn new(map: &'a Map) -> Self {
        let mut connections = vec![Vec::new(); map.sockets.len()];
        for (index, connection) in map.connections.iter().enumerate() {
            connections[connection.a.index()].push(index as u32);
            if let Some(b) = connection.b.filter(|b| *b != connection.a) {
                connections[b.index()].push(index as u32);
            }
        }
        Self { map, connections }
    }

    /// The holders of the other end of a pipe.
    pub(super) fn pipe(&self, id: PipeId, need: WaitNeed) -> Lookup {
        let pipe = &self.map.pipes[id.index()];
        let holders = if need == WaitNeed::Room {
            &pipe.readers
        } else {
            &pipe.writers
        };
        let mut peers: Vec<ProcessId> = holders.iter().map(|holder| holder.process).collect();
        peers.dedup();
        let all_read = self.map.hosts[pipe.host.index()]
            .coverage
            .all_holders_known();
        let target = WaitTarget {
            via: via(self.map, Conversation::Pipe(id)),
            incomplete: !all_read,
            peers,
        };
        let (target, end) = held_target(target);
        // Any process may open a FIFO by its path.
        let is_fifo = matches!(pipe.key, PipeKey::Fifo(..));
        (target, is_fifo.then_some(ChainEnd::Anyone).or(end))
    }

    /// The holders of the other ends of a socket's connections.
    pub(super) fn socket(&self, id: SocketId, need: WaitNeed) -> Lookup {
        let map = self.map;
        let socket = map.socket(id);
        let mut target = WaitTarget::default();
        let mut end = None;
        let mut is_connected = false;
        for index in &self.connections[id.index()] {
            let index = *index as usize;
            let connection = &map.connections[index];
            let one_way = connection.state == ConnectionState::OneWay;
            // Datagrams: a socket that sends to this one does not read from it.
            if one_way && need == WaitNeed::Room && connection.a != id {
                continue;
            }
            // A datagram socket that is not connected receives from any sender.
            if one_way && need == WaitNeed::Data && connection.a != id {
                end = Some(ChainEnd::Anyone);
            }
            if !is_connected {
                target.via = via(map, Conversation::Connection(index));
            }
            is_connected = true;
            match other_end(connection, id) {
                Some(other) => add_holders(map, &mut target, other),
                None => {
                    end = Some(match socket.remote {
                        Some(remote) => ChainEnd::Outside(remote.to_string()),
                        None if connection.state == ConnectionState::Closing => ChainEnd::Nobody,
                        None => ChainEnd::Unreadable,
                    });
                }
            }
        }
        if !is_connected && need == WaitNeed::Accept {
            return self.connecting(socket);
        }
        if !is_connected {
            return (None, Some(unconnected(socket, need)));
        }
        if end.is_some() {
            let has_peers = !target.peers.is_empty();
            return (has_peers.then_some(target), end);
        }
        held_target(target)
    }

    /// The holders of the listener that a socket connects to: found by the remote address; of Unix
    /// sockets, whose destination is only in the memory of the process, the only listener
    /// with a full backlog.
    fn connecting(&self, socket: &Socket) -> Lookup {
        let map = self.map;
        let all = map.sockets.iter().enumerate();
        let is_destination = |other: &Socket| {
            other.host == socket.host
                && other.state == SocketState::Listening
                && match (socket.remote, other.local) {
                    (Some(remote), Some(local)) => {
                        other.netns == socket.netns && listens_at(local, remote)
                    }
                    (None, None) => {
                        other.family == Family::Unix
                            && other.kind == socket.kind
                            && other.pending > other.backlog
                    }
                    _ => false,
                }
        };
        let mut found = all
            .filter(|(_, other)| is_destination(other))
            .map(|(index, _)| SocketId::new(index));
        match (found.next(), found.next(), socket.remote) {
            (None, _, Some(remote)) => (None, Some(ChainEnd::Outside(remote.to_string()))),
            // No listener, or one of several with a full backlog.
            (None, _, None) | (Some(_), Some(_), None) => (None, Some(ChainEnd::Unknown)),
            (Some(listener), ..) => {
                let mut target = WaitTarget {
                    via: socket_via(map, listener).unwrap_or_default(),
                    ..WaitTarget::default()
                };
                add_holders(map, &mut target, listener);
                held_target(target)
            }
        }
    }
}

/// The other end of a connection; the listener where it has not accepted yet.
fn other_end(connection: &Connection, own: SocketId) -> Option<SocketId> {
    let other = if connection.a == own {
        connection.b
    } else {
        Some(connection.a)
    };
    use ConnectionState::{Connecting, Pending};
    let is_waiting = matches!(connection.state, Connecting | Pending);
    other.or(connection.listener.filter(|_| is_waiting))
}

fn add_holders(map: &Map, target: &mut WaitTarget, end: SocketId) {
    target.peers.extend(map.holding_processes(end));
    target.peers.sort_unstable();
    target.peers.dedup();
    target.incomplete |= !map.socket(end).holders_complete;
}

/// The target, or the end of the chain if it has no peers.
fn held_target(target: WaitTarget) -> Lookup {
    match (target.peers.is_empty(), target.incomplete) {
        (true, true) => (None, Some(ChainEnd::Unreadable)),
        (true, false) => (None, Some(ChainEnd::Nobody)),
        (false, _) => (Some(target), None),
    }
}

/// What ends a wait on a socket without connections.
fn unconnected(socket: &Socket, need: WaitNeed) -> ChainEnd {
    match (socket.family, socket.state) {
        (Family::Netlink | Family::Packet, _) => ChainEnd::Kernel,
        (Family::Other, _) => ChainEnd::Unknown,
        _ if need == WaitNeed::Room => match socket.remote {
            Some(remote) => ChainEnd::Outside(remote.to_string()),
            // The destination is known only from the memory of the process.
            None => ChainEnd::Unknown,
        },
        _ => ChainEnd::Anyone,
    }
}

/// Whether a listener with this local address accepts connections to that remote one.
fn listens_at(local: Address, remote: Address) -> bool {
    match (local, remote) {
        (Address::Ip(ip, port), Address::Ip(to, to_port)) => {
            port == to_port && (ip.is_unspecified() || ip.to_canonical() == to.to_canonical())
        }
        (local, remote) => local == remote,
    }
}
