//! Properties of single conversations: kind, pending, within one process, half closed.

use crate::graph::{Conversation, ConversationEnds};
use crate::model::{
    Captures, ChannelKind, Connection, ConnectionKind, ConnectionState, Holder, Map,
};

/// Protocol family of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// Unix sockets.
    Unix,
    /// Internet sockets: TCP, UDP and the like.
    Inet,
    /// Netlink between processes.
    Netlink,
    /// vsock.
    Vsock,
    /// Pipes and FIFOs.
    Pipe,
    /// Pseudo-terminals, queues, shared memory, locks.
    Channel(ChannelKind),
}

impl LinkKind {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Inet => "inet",
            Self::Netlink => "netlink",
            Self::Vsock => "vsock",
            Self::Pipe => "pipe",
            Self::Channel(kind) => kind.as_str(),
        }
    }
}

/// The connection, if it is one.
pub(super) fn connection(map: &Map, conversation: Conversation) -> Option<&Connection> {
    match conversation {
        Conversation::Connection(index) => Some(&map.connections[index]),
        Conversation::Pipe(_) | Conversation::Channel(_) => None,
    }
}

/// The protocol family.
pub fn link_kind(map: &Map, conversation: Conversation) -> LinkKind {
    if let Conversation::Channel(id) = conversation {
        return LinkKind::Channel(map.channels[id.index()].kind);
    }
    match connection(map, conversation).map(|connection| connection.kind) {
        Some(ConnectionKind::Unix) => LinkKind::Unix,
        Some(ConnectionKind::Inet) => LinkKind::Inet,
        Some(ConnectionKind::Netlink) => LinkKind::Netlink,
        Some(ConnectionKind::Vsock) => LinkKind::Vsock,
        None => LinkKind::Pipe,
    }
}

/// Whether the client waits to be accepted.
pub fn is_pending(map: &Map, conversation: Conversation) -> bool {
    connection(map, conversation).is_some_and(|c| c.state == ConnectionState::Pending)
}

/// Whether the client is in connect(2), and the server has not answered.
pub(super) fn is_connecting(map: &Map, conversation: Conversation) -> bool {
    connection(map, conversation).is_some_and(|c| c.state == ConnectionState::Connecting)
}

/// Whether the server has not accepted the client yet.
pub(super) fn is_waiting(map: &Map, conversation: Conversation) -> bool {
    is_pending(map, conversation) || is_connecting(map, conversation)
}

/// The captures in which a conversation was seen, and when the captures of its host started; `None` of a
/// map of one capture.
pub(super) fn captures(map: &Map, conversation: Conversation) -> Option<(&Captures, &[u64])> {
    let seen = map.seen.as_ref()?;
    let (captures, host) = match conversation {
        Conversation::Connection(index) => {
            let client = map.socket(map.connections[index].a);
            (&seen.connections[index], client.host)
        }
        // Of the latest capture only.
        Conversation::Channel(_) => return None,
        Conversation::Pipe(id) => (&seen.pipes[id.index()], map.pipes[id.index()].host),
    };
    Some((captures, seen.started_at_ns.get(host.index())?))
}

/// Whether both ends are held by one process and no other: a self-pipe, a thread's wake-up socket.
pub fn is_self_conversation(ends: &ConversationEnds) -> bool {
    ends.within_one_process().is_some()
}

/// Whether it is a connection between two unnamed Unix sockets, as `socketpair(2)` makes them.
pub(super) fn is_socketpair(map: &Map, ends: &ConversationEnds) -> bool {
    let is_unnamed = |id| map.socket(id).name.is_none();
    connection(map, ends.conversation).is_some_and(|connection| {
        connection.kind == ConnectionKind::Unix
            && connection.listener.is_none()
            && is_unnamed(connection.a)
            && connection.b.is_some_and(is_unnamed)
    })
}

/// Counts the conversations whose ends are both held by one process and no other.
pub fn count_self_conversations(map: &Map) -> usize {
    // As `is_self_conversation`, without a list of processes for each: a map has very many of these.
    let only_holder = |holders: &[Holder]| {
        let first = holders.first()?.process;
        holders.iter().all(|h| h.process == first).then_some(first)
    };
    let same_holder = |a: &[Holder], b: &[Holder]| {
        let holder = only_holder(a);
        holder.is_some() && holder == only_holder(b)
    };
    let connections = map.connections.iter().filter(|connection| {
        let server = connection.b.or(connection.listener);
        server.is_some_and(|server| same_holder(map.holders(connection.a), map.holders(server)))
    });
    let pipes = map
        .pipes
        .iter()
        .filter(|pipe| same_holder(&pipe.readers, &pipe.writers));
    connections.count() + pipes.count()
}

/// Whether a pipe certainly has no holder at one end: every process of its host was read. Of channels
/// only a pseudo-terminal with a slave has another end that may be unknown.
pub fn is_half_closed(map: &Map, ends: &ConversationEnds) -> bool {
    let (host, may_be_unread) = match ends.conversation {
        Conversation::Connection(_) => return false,
        Conversation::Pipe(id) => (map.pipes[id.index()].host, true),
        Conversation::Channel(id) => {
            let channel = &map.channels[id.index()];
            (
                channel.host,
                channel.kind == ChannelKind::Pty && !ends.to.is_empty(),
            )
        }
    };
    let all_known = map.hosts[host.index()].coverage.all_holders_known();
    (ends.from.is_empty() || ends.to.is_empty()) && (all_known || !may_be_unread)
}
