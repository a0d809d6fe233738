//! Conversations: connections and pipes with the processes at their two ends.

use crate::model::{Address, Connection, ConnectionKind, Holder, Map, PipeId, ProcessId, SocketId};

/// A connection or a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// Index into `Map::connections`.
    Connection(usize),
    /// A pipe or FIFO.
    Pipe(PipeId),
}

/// The processes at the two ends of a conversation, each sorted; empty where none is known.
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

/// Every conversation of a map: connections, then pipes.
pub fn conversations(map: &Map) -> impl Iterator<Item = ConversationEnds> + '_ {
    let connections = (0..map.connections.len()).map(|index| connection_ends(map, index));
    let pipes = (0..map.pipes.len()).map(|index| pipe_ends(map, PipeId::new(index)));
    connections.chain(pipes)
}

fn pipe_ends(map: &Map, id: PipeId) -> ConversationEnds {
    let pipe = &map.pipes[id.index()];
    let processes = |holders: &[Holder]| {
        let mut processes: Vec<_> = holders.iter().map(|holder| holder.process).collect();
        processes.dedup();
        processes
    };
    ConversationEnds {
        conversation: Conversation::Pipe(id),
        from: processes(&pipe.writers),
        to: processes(&pipe.readers),
        client_is_outside: false,
    }
}

fn connection_ends(map: &Map, index: usize) -> ConversationEnds {
    let connection = &map.connections[index];
    let holders = |socket: SocketId| map.holding_processes(socket);
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
