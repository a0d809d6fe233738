//! Which conversations are compared, and the key by which they are counted.

use crate::graph::{Conversation, ConversationEnds};
use crate::model::{ConnectionState, Map};
use crate::query::{LinkKind, is_half_closed_pipe, is_self_conversation};

/// The key of a link, by numbers that both maps share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LinkKey {
    /// Number of the client's label.
    pub(super) client: u32,
    /// Number of the server's label.
    pub(super) server: u32,
    /// Number of the listener's name.
    pub(super) name: u32,
    /// Kind of conversation.
    pub(super) kind: LinkKind,
}

/// Whether a conversation is compared: it has two ends and is not being closed.
pub(super) fn is_compared(map: &Map, ends: &ConversationEnds) -> bool {
    !(is_self_conversation(ends)
        || is_half_closed_pipe(map, ends)
        || is_closing(map, ends.conversation))
}

/// Whether a connection is being closed.
pub(crate) fn is_closing(map: &Map, conversation: Conversation) -> bool {
    match conversation {
        Conversation::Connection(id) => map.connections[id].state == ConnectionState::Closing,
        Conversation::Pipe(_) => false,
    }
}
