//! Who talks to whom: connections and pipes as pairs of the processes at their ends.

use crate::model::{Connection, ConnectionKind, Holder, Map, PipeId, ProcessId, SocketId};

/// One conversation: a connection or a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// Index into `Map::connections`.
    Connection(usize),
    /// A pipe or FIFO.
    Pipe(PipeId),
}

/// The processes at the two ends of a conversation, each sorted.
#[derive(Debug, Clone)]
pub struct ConversationEnds {
    /// What it is.
    pub talk: Conversation,
    /// Client, sender, or writers.
    pub from: Vec<ProcessId>,
    /// Server, receiver, or readers.
    pub to: Vec<ProcessId>,
    /// The client is the end that was not captured, `to` the server that holds the other.
    pub from_outside: bool,
}

/// Every conversation of the map, with its ends.
///
/// Of a pending client's conversation, `to` are those who hold the listener.
pub fn conversations(map: &Map) -> impl Iterator<Item = ConversationEnds> + '_ {
    let connections = (0..map.connections.len()).map(Conversation::Connection);
    let pipes = (0..map.pipes.len()).map(|at| Conversation::Pipe(PipeId::new(at)));
    connections.chain(pipes).map(|talk| ends(map, talk))
}

/// One conversation with its ends.
pub fn ends(map: &Map, talk: Conversation) -> ConversationEnds {
    let (from, to, from_outside) = match talk {
        Conversation::Connection(at) => connected(map, &map.connections[at]),
        Conversation::Pipe(id) => {
            let pipe = &map.pipes[id.index()];
            let processes = |holders: &[Holder]| {
                let mut all: Vec<_> = holders.iter().map(|holder| holder.process).collect();
                all.dedup();
                all
            };
            (processes(&pipe.writers), processes(&pipe.readers), false)
        }
    };
    ConversationEnds {
        talk,
        from,
        to,
        from_outside,
    }
}

fn connected(map: &Map, connection: &Connection) -> (Vec<ProcessId>, Vec<ProcessId>, bool) {
    let held = |socket: SocketId| map.holding_processes(socket);
    let a = held(connection.a);
    match (connection.b, connection.listener) {
        (Some(b), _) => (a, held(b), false),
        // Only the server's end is here: an accepted socket knows its listener.
        (None, Some(listener)) if is_accepted(map, connection, listener) => (vec![], a, true),
        (None, Some(listener)) => (a, held(listener), false),
        (None, None) => (a, vec![], false),
    }
}

/// Whether the one end that is known is the listener's side.
fn is_accepted(map: &Map, connection: &Connection, listener: SocketId) -> bool {
    let (end, listener) = (map.socket(connection.a), map.socket(listener));
    match connection.kind {
        ConnectionKind::Unix => end.name.is_some() && end.name == listener.name,
        // The same port on its own side.
        _ => match (end.local, listener.local) {
            (Some(crate::model::Address::Ip(_, one)), Some(crate::model::Address::Ip(_, two))) => {
                one == two
            }
            _ => false,
        },
    }
}
