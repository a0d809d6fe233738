//! Conversations: connections and pipes with the processes at their two ends.

use crate::model::{
    Address, Connection, ConnectionKind, ConnectionState, Map, PipeId, ProcessId, SocketId,
    using_processes,
};

/// A connection or a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// Index into `Map::connections`.
    Connection(usize),
    /// A pipe or FIFO.
    Pipe(PipeId),
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
        let Conversation::Connection(index) = self.conversation else {
            return true;
        };
        let connection = &map.connections[index];
        let is_accepted = || {
            let name = |id: SocketId| map.socket(id).name.is_some();
            connection.b.is_some_and(|b| name(b) && !name(connection.a))
        };
        match connection.state {
            ConnectionState::OneWay | ConnectionState::Pending => true,
            _ => connection.listener.is_some() || is_accepted(),
        }
    }
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

fn pipe_ends(map: &Map, id: PipeId) -> ConversationEnds {
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
    let (from, to, client_is_outside) = match (connection.b, connection.listener) {
        (Some(b), _) => (a, holders(b), false),
        (None, Some(listener)) if is_server_end(map, connection, listener) => (vec![], a, true),
        (None, Some(listener)) => (a, holders(listener), false),
        (None, None) => (a, vec![], false),
    };
    ConversationEnds {
        conversation: Conversation::Connection(index),
        from,
        to,
        client_is_outside,
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
