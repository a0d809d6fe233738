//! Conversations: connections, pipes and channels with the processes at their two ends.

use crate::model::{
    Address, ChannelId, Connection, ConnectionKind, ConnectionState, Map, PipeId, ProcessId,
    SocketId, SocketType, using_processes,
};

/// A connection, a pipe or a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// Index into `Map::connections`.
    Connection(usize),
    /// A pipe or FIFO.
    Pipe(PipeId),
    /// A pseudo-terminal, or another channel.
    Channel(ChannelId),
}

/// The processes at the two ends of a conversation that may use them, each sorted; empty where none is
/// known.
#[derive(Debug, Clone)]
pub struct ConversationEnds {
    /// The conversation.
    pub conversation: Conversation,
    /// Holders of the client's or sender's end, or writers.
    pub from: Vec<ProcessId>,
    /// Holders of the server's or receiver's end, or readers; of a pending connection the holders of
    /// the listener.
    pub to: Vec<ProcessId>,
    /// The client's end was not captured: `Connection::a` is the server's.
    pub client_is_outside: bool,
}

impl ConversationEnds {
    /// The process that holds both ends alone.
    pub fn within_one_process(&self) -> Option<ProcessId> {
        match (&self.from[..], &self.to[..]) {
            ([from], [to]) if from == to => Some(*from),
            _ => None,
        }
    }

    /// Whether it is known which end is the server's, or the receiver's. The two ends of a socketpair
    /// are equal.
    pub fn is_directed(&self, map: &Map) -> bool {
        use ConnectionState::{Connecting, OneWay, Pending};
        let index = match self.conversation {
            Conversation::Connection(index) => index,
            Conversation::Pipe(_) => return true,
            Conversation::Channel(id) => return map.channels[id.index()].is_directed(),
        };
        let connection = &map.connections[index];
        let has_listener = connection.listener.is_some() || !connection.listener_group.is_empty();
        let is_evident = match (connection.kind, connection.b) {
            // Of two ends one of which has a name, that one was accepted.
            (ConnectionKind::Unix, Some(b)) => has_name(map, b) != has_name(map, connection.a),
            (ConnectionKind::Unix, None) => {
                has_name(map, connection.a) || map.socket(connection.a).kind == SocketType::Dgram
            }
            (_, Some(b)) => has_service_port(map, b) != has_service_port(map, connection.a),
            (_, None) => true,
        };
        has_listener
            || is_evident
            || connection.translation.is_some()
            || matches!(connection.state, Connecting | OneWay | Pending)
    }
}

fn has_name(map: &Map, socket: SocketId) -> bool {
    map.socket(socket).name.is_some()
}

/// Whether the local port is not one that the kernel assigns to clients.
fn has_service_port(map: &Map, socket: SocketId) -> bool {
    map.socket(socket).local.is_some_and(Address::is_service)
}

/// The conversations of a map, without hidden ones: connections, then pipes.
pub fn conversations(map: &Map) -> impl Iterator<Item = ConversationEnds> + '_ {
    let connections = map.connections.iter().enumerate();
    let connections = connections
        .filter(|(_, connection)| !connection.hidden)
        .map(|(index, _)| connection_ends(map, index));
    let pipes = map.pipes.iter().enumerate();
    let pipes = pipes
        .filter(|(_, pipe)| !pipe.hidden)
        .map(|(index, _)| pipe_ends(map, PipeId::new(index)));
    connections.chain(pipes)
}

/// The same, and the channels that are not hidden: pseudo-terminals, if no others are asked for.
pub fn conversations_and_channels(map: &Map) -> impl Iterator<Item = ConversationEnds> + '_ {
    let channels = map.channels.iter().enumerate();
    let channels = channels.filter(|(_, channel)| !channel.hidden);
    let channels = channels.map(|(index, _)| channel_ends(map, ChannelId::new(index)));
    conversations(map).chain(channels)
}

/// The ends of a channel.
pub fn channel_ends(map: &Map, id: ChannelId) -> ConversationEnds {
    let (from, to) = map.channels[id.index()].sides();
    ConversationEnds {
        conversation: Conversation::Channel(id),
        from,
        to,
        client_is_outside: false,
    }
}

/// The ends of a pipe.
pub fn pipe_ends(map: &Map, id: PipeId) -> ConversationEnds {
    let pipe = &map.pipes[id.index()];
    ConversationEnds {
        conversation: Conversation::Pipe(id),
        from: using_processes(&pipe.writers),
        to: using_processes(&pipe.readers),
        client_is_outside: false,
    }
}

/// The ends of a connection, by its index in the map.
pub fn connection_ends(map: &Map, index: usize) -> ConversationEnds {
    let connection = &map.connections[index];
    let holders = |socket: SocketId| map.using_processes(socket);
    let a = holders(connection.a);
    let listeners = connection.listener.iter().chain(&connection.listener_group);
    let is_server = |listener: &SocketId| is_server_end(map, connection, *listener);
    let (from, to, client_is_outside) = match connection.b {
        Some(b) => (a, holders(b), false),
        None => {
            let client_is_outside = match listeners.clone().next() {
                Some(_) => listeners.clone().any(is_server),
                None => is_server_without_listener(map, connection),
            };
            // What waits to be accepted has no holder yet.
            let mut servers: Vec<ProcessId> = match client_is_outside && !a.is_empty() {
                true => a.clone(),
                false => listeners.flat_map(|listener| holders(*listener)).collect(),
            };
            servers.sort_unstable();
            servers.dedup();
            let clients = if client_is_outside { vec![] } else { a };
            (clients, servers, client_is_outside)
        }
    };
    ConversationEnds {
        conversation: Conversation::Connection(index),
        from,
        to,
        client_is_outside,
    }
}

/// Whether the only known end was accepted from a listener that is gone: it has a name, or the port of
/// a service while the other end's is one that the kernel assigns.
fn is_server_without_listener(map: &Map, connection: &Connection) -> bool {
    let end = map.socket(connection.a);
    match connection.kind {
        ConnectionKind::Unix => end.name.is_some() && end.kind != SocketType::Dgram,
        ConnectionKind::Inet => {
            connection.state != ConnectionState::Connecting
                && end.local.is_some_and(Address::is_service)
                && !end.remote.is_none_or(Address::is_service)
        }
        _ => false,
    }
}

/// Whether the only known end was accepted from the listener: it has the listener's name or port.
fn is_server_end(map: &Map, connection: &Connection, listener: SocketId) -> bool {
    let (end, listener) = (map.socket(connection.a), map.socket(listener));
    match connection.kind {
        ConnectionKind::Unix => end.name.is_some() && end.name == listener.name,
        _ => match (end.local, listener.local) {
            (Some(Address::Ip(_, port)), Some(Address::Ip(_, listener_port))) => {
                port == listener_port
            }
            _ => false,
        },
    }
}
