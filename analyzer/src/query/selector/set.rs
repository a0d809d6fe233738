//! Selectors combined: *or* between those of one kind, *and* between kinds.
//!
//! Kinds about processes are tested on the process, kinds about sockets on the socket. An end of a
//! conversation matches when both do.

use super::matches::process_has_number;
use super::parse::Selector;
use crate::graph::{Conversation, ConversationClass, ConversationEnds, class};
use crate::model::{Map, ProcessId, Socket, SocketId};

/// Selectors that are combined: one of each kind must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectorSet(Vec<Selector>);

impl SelectorSet {
    /// Combines selectors.
    pub fn new(selectors: Vec<Selector>) -> Self {
        Self(selectors)
    }

    /// Whether there are no selectors; such a set matches everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a process matches: its process kinds match the process, and its socket kinds, if any,
    /// one of the sockets in `held`, which the process holds.
    pub fn matches_process(&self, map: &Map, id: ProcessId, held: &[SocketId]) -> bool {
        self.process_kinds_match(map, id, held)
            && (!self.has_socket_kinds() || held.iter().any(|id| self.matches_socket(map, *id)))
    }

    /// Whether one end of a conversation matches: this socket, held by this process.
    pub fn matches_end(
        &self,
        map: &Map,
        id: ProcessId,
        held: &[SocketId],
        socket: SocketId,
    ) -> bool {
        let process = map.process(id);
        let process_kinds_match = self.every_kind_matches(
            |selector| !selector.is_socket_kind(),
            |selector| match selector {
                Selector::Number(number) => {
                    process_has_number(process, *number) || map.socket(socket).inode == *number
                }
                _ => selector.matches_process(map, process, held),
            },
        );
        process_kinds_match && self.matches_socket(map, socket)
    }

    /// Whether a socket without known holders matches: no process kind can match it.
    pub fn matches_unheld_socket(&self, map: &Map, socket: SocketId) -> bool {
        let matches_kind = |selector: &Selector| match selector {
            Selector::Number(number) => map.socket(socket).inode == *number,
            Selector::Class(_) => true,
            other => other.is_socket_kind(),
        };
        self.0.iter().all(matches_kind) && self.matches_socket(map, socket)
    }

    /// Whether the class of a conversation matches; true without `class:`.
    pub fn class_matches(&self, map: &Map, ends: &ConversationEnds) -> bool {
        !self.has_class_kind() || self.has_class(class(map, ends))
    }

    /// Whether conversations of this class are selected by `class:`.
    pub fn has_class(&self, class: ConversationClass) -> bool {
        self.0.contains(&Selector::Class(class))
    }

    /// Whether any selector is about the class of conversations.
    pub fn has_class_kind(&self) -> bool {
        self.0
            .iter()
            .any(|selector| matches!(selector, Selector::Class(_)))
    }

    /// Whether a selector is the number of a socket.
    pub fn has_number(&self, socket: &Socket) -> bool {
        self.0.contains(&Selector::Number(socket.inode))
    }

    /// Whether the socket kinds match a socket, regardless of its holders.
    pub fn matches_socket(&self, map: &Map, id: SocketId) -> bool {
        self.every_kind_matches(Selector::is_socket_kind, |selector| {
            selector.matches_socket(map.socket(id))
        })
    }

    /// Whether a socket that is not in the map, and has no holder, matches.
    pub fn matches_unlisted_socket(&self, socket: &Socket) -> bool {
        self.0.iter().all(Selector::is_socket_kind)
            && self.every_kind_matches(Selector::is_socket_kind, |selector| {
                selector.matches_socket(socket)
            })
    }

    /// Whether a pipe or channel has the path or number that the selectors of sockets name.
    pub fn matches_named(&self, map: &Map, conversation: Conversation) -> bool {
        self.every_kind_matches(Selector::is_socket_kind, |selector| {
            selector.matches_named(map, conversation)
        })
    }

    /// Whether any selector is about sockets.
    pub fn has_socket_kinds(&self) -> bool {
        self.0.iter().any(Selector::is_socket_kind)
    }

    /// Whether the process kinds match a process.
    pub(crate) fn process_kinds_match(&self, map: &Map, id: ProcessId, held: &[SocketId]) -> bool {
        let process = map.process(id);
        self.every_kind_matches(
            |selector| !selector.is_socket_kind(),
            |selector| selector.matches_process(map, process, held),
        )
    }

    /// Whether at least one selector matches of each kind that `is_considered`.
    fn every_kind_matches(
        &self,
        is_considered: impl Fn(&Selector) -> bool,
        matches: impl Fn(&Selector) -> bool,
    ) -> bool {
        let kind = std::mem::discriminant::<Selector>;
        self.0
            .iter()
            .filter(|selector| is_considered(selector))
            .all(|selector| {
                let is_same_kind = |other: &&Selector| kind(other) == kind(selector);
                self.0.iter().filter(is_same_kind).any(&matches)
            })
    }
}
