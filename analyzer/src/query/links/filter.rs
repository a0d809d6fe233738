//! Filter of links by the client's and the server's end (`--from`, `--to`).

use crate::graph::ConversationEnds;
use crate::model::{Map, SocketId};
use crate::query::conversations::connection;
use crate::query::filter::matching_processes;
use crate::query::selector::SelectorSet;

/// Selectors of each end; an empty set matches everything.
#[derive(Debug, Clone, Default)]
pub struct LinkFilter {
    /// The client's end.
    pub from: SelectorSet,
    /// The server's end.
    pub to: SelectorSet,
    /// Whether conversations of a process with itself are included.
    pub with_self: bool,
}

/// A filter with the processes that it matches in a map.
pub(super) struct EndMatcher<'a> {
    map: &'a Map,
    filter: &'a LinkFilter,
    from: Vec<bool>,
    to: Vec<bool>,
}

impl<'a> EndMatcher<'a> {
    pub(super) fn new(map: &'a Map, filter: &'a LinkFilter) -> Self {
        let processes = |selectors: &SelectorSet| match selectors.is_empty() {
            true => Vec::new(),
            false => matching_processes(map, selectors),
        };
        Self {
            map,
            filter,
            from: processes(&filter.from),
            to: processes(&filter.to),
        }
    }

    /// Whether both ends match.
    pub(super) fn matches(&self, ends: &ConversationEnds) -> bool {
        let LinkFilter { from, to, .. } = self.filter;
        let class_matches = from.class_matches(self.map, ends) && to.class_matches(self.map, ends);
        class_matches && self.end_matches(ends, true) && self.end_matches(ends, false)
    }

    fn end_matches(&self, ends: &ConversationEnds, client: bool) -> bool {
        let (processes, matching, selectors) = match client {
            true => (&ends.from, &self.from, &self.filter.from),
            false => (&ends.to, &self.to, &self.filter.to),
        };
        if selectors.is_empty() {
            return true;
        }
        // Socket kinds must match the socket at this end, not another one of its process.
        let socket = end_socket(self.map, ends, client);
        match processes.is_empty() {
            true => socket.is_some_and(|id| selectors.matches_unheld_socket(self.map, id)),
            false => {
                let socket_matches = !selectors.has_socket_kinds()
                    || selectors.matches_named(self.map, ends.conversation)
                    || socket.is_some_and(|id| selectors.matches_socket(self.map, id));
                socket_matches && processes.iter().any(|process| matching[process.index()])
            }
        }
    }
}

/// The socket at an end of a connection; of an end that was not captured the other one, which has
/// both addresses.
fn end_socket(map: &Map, ends: &ConversationEnds, client: bool) -> Option<SocketId> {
    let connection = connection(map, ends.conversation)?;
    if client || ends.client_is_outside {
        return Some(connection.a);
    }
    Some(connection.b.or(connection.listener).unwrap_or(connection.a))
}
