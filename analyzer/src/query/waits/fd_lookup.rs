//! Finds the processes at the other end of a socket or pipe that a thread is blocked on.

use super::analysis::{ChainEnd, WaitNeed};
use crate::graph::{Conversation, connection_ends};
use crate::model::{
    Address, Connection, ConnectionKind, ConnectionState, Destination, Family, FdTarget, Map,
    PipeId, PipeKey, ProcessId, Socket, SocketId, SocketState, SocketType, using_processes,
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
    /// The other ends themselves: a thread that waits on one of them is the one that serves it.
    pub(super) ends: Vec<FdTarget>,
    /// Indices into `Map::waits` of the threads that can end the wait, where these are known; they may be
    /// of the waiting process.
    pub(super) threads: Vec<usize>,
}

/// Which end of a conversation a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It connected, or sends datagrams.
    Client,
    /// It was accepted, or receives datagrams.
    Server,
    /// It accepts connections.
    Listener,
    /// One of two equal ends, not connected, or not known.
    Equal,
}

/// The target, and the end of the chain if something else can end the wait or there is no peer.
type Lookup = (Option<WaitTarget>, Option<ChainEnd>);

/// The connections of each socket.
pub(super) struct FdLookup<'a> {
    map: &'a Map,
    connections: Vec<Vec<u32>>,
    /// Listeners with an address whose queues are full.
    listeners: Vec<SocketId>,
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
        let is_listener = |socket: &Socket| {
            socket.state == SocketState::Listening && socket.local.is_some() && is_full(socket)
        };
        let all = map.sockets.iter().enumerate();
        let listeners = all.filter(|(_, socket)| is_listener(socket));
        Self {
            map,
            connections,
            listeners: listeners.map(|(index, _)| SocketId::new(index)).collect(),
        }
    }

    /// The captured listener at the remote address of a TCP client without a captured other end. The kernel
    /// drops the end of its handshake while the listener's queue is full: it is connected, and not queued.
    pub(super) fn listener_of(&self, client: SocketId) -> Option<SocketId> {
        let socket = self.map.socket(client);
        let remote = socket
            .remote
            .filter(|_| socket.state == SocketState::Established)?;
        let mut listeners = self.listeners.iter().copied();
        listeners.find(|id| {
            let listener = self.map.socket(*id);
            (listener.host, listener.netns) == (socket.host, socket.netns)
                && listener
                    .local
                    .is_some_and(|local| listens_at(local, remote))
        })
    }

    /// The connections of a socket, by index.
    pub(super) fn connections(&self, id: SocketId) -> impl Iterator<Item = usize> + '_ {
        let connections = self.connections[id.index()].iter();
        connections.map(|index| *index as usize)
    }

    /// Which end of its conversations a socket is.
    pub(super) fn role(&self, id: SocketId) -> Role {
        if self.map.socket(id).state == SocketState::Listening {
            return Role::Listener;
        }
        let role = |index: usize| {
            let connection = &self.map.connections[index];
            let ends = connection_ends(self.map, index);
            if !ends.is_directed(self.map) {
                return Role::Equal;
            }
            let client_is_a = match connection.b {
                None => !ends.client_is_outside,
                // The ends may be in any order where no listener is known; that with a name was accepted.
                Some(b) => {
                    let is_named = |id| socket_via(self.map, id).is_some();
                    let is_known = connection.listener.is_some()
                        || !connection.listener_group.is_empty()
                        || connection.kind != ConnectionKind::Unix
                        || connection.state == ConnectionState::OneWay;
                    is_known || !is_named(connection.a) || is_named(b)
                }
            };
            match client_is_a == (connection.a == id) {
                true => Role::Client,
                false => Role::Server,
            }
        };
        // A datagram socket that sends to one and receives from others serves these.
        let roles = self.connections(id).map(role);
        roles
            .min_by_key(|role| *role == Role::Client)
            .unwrap_or(Role::Equal)
    }

    /// The holders of the other end of a pipe.
    pub(super) fn pipe(&self, id: PipeId, need: WaitNeed) -> Lookup {
        let pipe = &self.map.pipes[id.index()];
        let holders = if need == WaitNeed::Room {
            &pipe.readers
        } else {
            &pipe.writers
        };
        let peers = using_processes(holders);
        let all_read = self.map.hosts[pipe.host.index()]
            .coverage
            .all_holders_known();
        let target = WaitTarget {
            via: via(self.map, Conversation::Pipe(id)),
            incomplete: !all_read,
            ends: vec![FdTarget::Pipe(id)],
            threads: Vec::new(),
            peers,
        };
        let (target, end) = held_target(target);
        // Any process may open a FIFO by its path, and write to it.
        let is_fifo = matches!(pipe.key, PipeKey::Fifo(..)) && need != WaitNeed::Room;
        (target, is_fifo.then_some(ChainEnd::Anyone).or(end))
    }

    /// The holders of the other ends of a socket's connections, or of the socket at the destination of the
    /// call.
    pub(super) fn socket(
        &self,
        id: SocketId,
        need: WaitNeed,
        destination: Option<&Destination>,
    ) -> Lookup {
        let map = self.map;
        let socket = map.socket(id);
        let mut target = WaitTarget::default();
        let mut end = None;
        let mut is_connected = false;
        // sendto(2) goes to its address, whatever the socket is connected to.
        if socket.kind == SocketType::Dgram && destination.is_some() {
            return self.destination(socket, need, destination);
        }
        for index in self.connections(id) {
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
                    if let Some(listener) = self.listener_of(id) {
                        add_holders(map, &mut target, listener);
                        continue;
                    }
                    end = Some(match socket.remote {
                        Some(remote) => ChainEnd::Outside(remote.to_string()),
                        None if connection.state == ConnectionState::Closing => ChainEnd::Nobody,
                        None => ChainEnd::Unreadable,
                    });
                }
            }
        }
        if !is_connected && matches!(need, WaitNeed::Accept | WaitNeed::Room) {
            return self.destination(socket, need, destination);
        }
        if !is_connected {
            return (None, Some(unconnected(socket)));
        }
        if end.is_some() {
            let has_peers = !target.peers.is_empty();
            return (has_peers.then_some(target), end);
        }
        held_target(target)
    }

    /// The holders of the socket that another connects or sends to: by the address of the call, else by the
    /// remote address; of Unix sockets else the only one whose queue is full.
    fn destination(
        &self,
        socket: &Socket,
        need: WaitNeed,
        destination: Option<&Destination>,
    ) -> Lookup {
        let map = self.map;
        let remote = match destination {
            Some(Destination::Address(address)) => Some(*address),
            _ => socket.remote,
        };
        let is_found = |other: &Socket| {
            let is_kind = other.host == socket.host
                && other.kind == socket.kind
                && (need == WaitNeed::Room) != (other.state == SocketState::Listening);
            is_kind
                && match (destination, remote, other.local) {
                    (Some(Destination::Unix(name)), ..) => {
                        let names = other.name.iter().chain(&other.moved_to);
                        names.into_iter().any(|other| other == name)
                            && (!name.is_abstract() || other.netns == socket.netns)
                    }
                    (_, Some(remote), Some(local)) => {
                        other.netns == socket.netns && listens_at(local, remote)
                    }
                    (_, None, None) => other.family == Family::Unix && is_full(other),
                    _ => false,
                }
        };
        let all = map.sockets.iter().enumerate();
        let mut found = all
            .filter(|(_, other)| is_found(other))
            .map(|(index, _)| SocketId::new(index));
        match (found.next(), found.next(), remote) {
            (None, _, Some(remote)) => (None, Some(ChainEnd::Outside(remote.to_string()))),
            // Nobody, or one of several with a full queue.
            (None, _, None) | (Some(_), Some(_), None) => (None, Some(ChainEnd::Unknown)),
            (Some(found), ..) => {
                let mut target = WaitTarget {
                    via: socket_via(map, found).unwrap_or_default(),
                    ..WaitTarget::default()
                };
                add_holders(map, &mut target, found);
                held_target(target)
            }
        }
    }
}

/// Whether the queue of a Unix socket may be full: of a listener that of connections; of a datagram
/// socket, whose length is not known, one with data.
fn is_full(socket: &Socket) -> bool {
    match socket.state {
        SocketState::Listening => socket.pending > socket.backlog,
        _ => {
            socket.kind == SocketType::Dgram && socket.name.is_some() && socket.recv_queue_bytes > 0
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
    target.peers.extend(map.using_processes(end));
    target.ends.push(FdTarget::Socket(end));
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

/// What ends a wait for data on a socket without connections.
fn unconnected(socket: &Socket) -> ChainEnd {
    match socket.family {
        Family::Netlink | Family::Packet => ChainEnd::Kernel,
        Family::Other => ChainEnd::Unknown,
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
