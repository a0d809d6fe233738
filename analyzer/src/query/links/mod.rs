//! Links: conversations counted by client, server and what they go over (`list`).

mod filter;
mod seen;

pub use filter::LinkFilter;
pub use seen::LinkSeen;

use std::collections::{BTreeMap, BTreeSet};

use self::filter::EndMatcher;
use super::conversations::{
    LinkKind, captures, is_connecting, is_half_closed, is_pending, is_self_conversation,
    is_socketpair, link_kind,
};
use super::unknown_end::unknown_end;
use super::via::{Via, via};
use crate::graph::{Conversation, ConversationEnds, Groups, conversations_and_channels};
use crate::id;
use crate::model::{Map, ProcessId};

/// Conversations with the same ends, kind and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The client's label, printable.
    pub client: String,
    /// The server's label, printable.
    pub server: String,
    /// The listener's name or address.
    pub via: Via,
    /// Protocol family.
    pub kind: LinkKind,
    /// Whether it is known which end is the server's; otherwise the client is the first by name.
    pub is_directed: bool,
    /// Both ends are known and neither has a name: `socketpair(2)`.
    pub is_pair: bool,
    /// Number of conversations, pending ones included.
    pub connections: usize,
    /// Number of conversations whose client waits to be accepted.
    pub pending: usize,
    /// Number of conversations whose client is in connect(2).
    pub connecting: usize,
    /// In a union of captures: those in which one of the conversations was seen.
    pub seen: Option<LinkSeen>,
    /// Processes at the client's end.
    pub clients: BTreeSet<ProcessId>,
    /// Processes at the server's end.
    pub servers: BTreeSet<ProcessId>,
}

/// All links that match a filter: most conversations first, then by name.
///
/// Conversations within one process are left out, and so are pipes whose other end is certainly
/// closed. An end that several groups hold (an inherited socket) makes a link for each.
pub fn links(map: &Map, groups: &Groups, filter: &LinkFilter) -> Vec<Link> {
    let matcher = EndMatcher::new(map, filter);
    let mut links: BTreeMap<(String, String, Via, LinkKind, bool), Link> = BTreeMap::new();
    for ends in conversations_and_channels(map) {
        let is_left_out = !filter.with_self && is_self_conversation(&ends);
        if is_left_out || is_half_closed(map, &ends) || !matcher.matches(&ends) {
            continue;
        }
        let kind = link_kind(map, ends.conversation);
        let via = via(map, ends.conversation);
        let is_directed = ends.is_directed(map);
        let is_pair = is_socketpair(map, &ends);
        let pending = is_pending(map, ends.conversation);
        let connecting = is_connecting(map, ends.conversation);
        let servers_by_label = end_labels(map, groups, &ends, false);
        for (client, clients) in end_labels(map, groups, &ends, true) {
            for (server, servers) in &servers_by_label {
                let mut pair = [(&client, &clients), (server, servers)];
                if !is_directed {
                    // Ends without a known process come last.
                    pair.sort_by_key(|(label, processes)| (processes.is_empty(), *label));
                }
                let [(client, clients), (server, servers)] = pair;
                let key = (
                    client.clone(),
                    server.clone(),
                    via.clone(),
                    kind,
                    is_directed,
                );
                let link = links.entry(key).or_insert_with(|| Link {
                    client: client.clone(),
                    server: server.clone(),
                    via: via.clone(),
                    kind,
                    is_directed,
                    is_pair,
                    connections: 0,
                    pending: 0,
                    connecting: 0,
                    seen: None,
                    clients: BTreeSet::new(),
                    servers: BTreeSet::new(),
                });
                link.connections += 1;
                link.pending += usize::from(pending);
                link.connecting += usize::from(connecting);
                if let Some((captures, started_at_ns)) = captures(map, ends.conversation) {
                    let seen = link.seen.get_or_insert_default();
                    seen.add(captures, started_at_ns);
                }
                link.clients.extend(clients);
                link.servers.extend(servers);
            }
        }
    }
    let mut links: Vec<Link> = links.into_values().collect();
    links.sort_by_key(|link| std::cmp::Reverse(link.connections));
    links
}

/// An end that more groups share gets one label for all of them: a pipe that 2,000 processes hold
/// would otherwise make four million links.
pub const MAX_GROUPS_AT_END: usize = 16;

/// The labels of one end, each with its processes: of the groups that hold it, or why none is known.
fn end_labels(
    map: &Map,
    groups: &Groups,
    ends: &ConversationEnds,
    client: bool,
) -> BTreeMap<String, Vec<ProcessId>> {
    let processes = if client { &ends.from } else { &ends.to };
    if processes.is_empty() {
        return BTreeMap::from([(unknown_end(map, ends, client).to_string(), Vec::new())]);
    }
    let mut labels: BTreeMap<String, Vec<ProcessId>> = BTreeMap::new();
    for process in processes {
        let label = groups.label(groups.group_of(*process)).to_owned();
        labels.entry(label).or_default().push(*process);
    }
    let shared = || {
        let first = labels.keys().next().cloned().unwrap_or_default();
        match labels.len() - 1 {
            0 => first,
            more => format!("{first} and {more} more"),
        }
    };
    if groups.by_socket() {
        let label = format!("{} {}", end_id(map, ends, client), shared());
        return BTreeMap::from([(label, processes.clone())]);
    }
    if labels.len() > MAX_GROUPS_AT_END {
        return BTreeMap::from([(shared(), processes.clone())]);
    }
    labels
}

/// Id of the socket at an end, or of the pipe. The server's end of a pending connection is the
/// listener.
fn end_id(map: &Map, ends: &ConversationEnds, client: bool) -> String {
    match ends.conversation {
        Conversation::Pipe(pipe) => id::pipe(map, pipe),
        Conversation::Channel(channel) => id::channel(&map.channels[channel.index()]),
        Conversation::Connection(index) => {
            let connection = &map.connections[index];
            let listener = connection.listener.filter(|_| !ends.client_is_outside);
            let socket = match client {
                true => connection.a,
                false => connection.b.or(listener).unwrap_or(connection.a),
            };
            id::socket(map, socket)
        }
    }
}
