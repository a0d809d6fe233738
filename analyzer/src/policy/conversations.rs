//! Groups the conversations of a map by role.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::{PID, role, shape, without_pids};
use crate::graph::{Conversation, ConversationClass, ConversationEnds, class, conversations};
use crate::model::{ConnectionState, FIRST_EPHEMERAL_PORT, Map, ProcessId, SocketId};
use crate::query::{
    LinkKind, MAX_GROUPS_AT_END, UnknownEnd, Via, ViaKind, is_self_conversation, link_kind,
    unknown_end, via,
};

/// A client role, a server role, and what they communicate over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleConversation {
    /// The client's role.
    pub client: String,
    /// The server's role.
    pub server: String,
    /// The listener's name or address, masked; empty if nothing has a name.
    pub via: String,
    /// Kind of conversation.
    pub kind: LinkKind,
}

impl std::fmt::Display for RoleConversation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} → {}", self.client, self.server)?;
        match &*self.via {
            "" => Ok(()),
            via => write!(out, " via {via}"),
        }
    }
}

/// Where a conversation was found.
#[derive(Debug, Clone, Default)]
pub struct ConversationEvidence {
    /// The number of connections.
    pub connections: usize,
    /// One end of each connection.
    pub sockets: Vec<SocketId>,
    /// The processes at both ends.
    pub processes: BTreeSet<ProcessId>,
    /// Whether the holder of an end could not be read.
    pub unreadable: bool,
    /// Whether the server is a logger.
    pub is_log: bool,
    /// The names that `via` stands for, without process ids; of addresses none.
    pub(super) names: BTreeSet<String>,
}

/// All conversations of a map over sockets that are not being closed. Pipes are left out: they connect
/// processes of one pipeline.
pub fn role_conversations(map: &Map) -> BTreeMap<RoleConversation, ConversationEvidence> {
    let roles: Vec<String> = map.processes.iter().map(role).collect();
    let mut found: BTreeMap<RoleConversation, ConversationEvidence> = BTreeMap::new();
    for ends in conversations(map) {
        let Conversation::Connection(id) = ends.conversation else {
            continue;
        };
        let connection = &map.connections[id];
        if is_self_conversation(&ends) || connection.state == ConnectionState::Closing {
            continue;
        }
        // Nobody holds an end: it is being closed, or a descriptor is on its way.
        if is_closed(map, &ends) {
            continue;
        }
        let (via, name) = pattern(map, ends.conversation);
        let kind = link_kind(map, ends.conversation);
        let unreadable = is_unreadable(map, &ends, true) || is_unreadable(map, &ends, false);
        let is_directed = ends.is_directed(map);
        let is_log = class(map, &ends) == ConversationClass::Log;
        let servers = roles_at(map, &roles, &ends, false);
        for client in roles_at(map, &roles, &ends, true) {
            for server in &servers {
                let mut pair = [&client, server];
                if !is_directed {
                    pair.sort();
                }
                let conversation = RoleConversation {
                    client: pair[0].clone(),
                    server: pair[1].clone(),
                    via: via.clone(),
                    kind,
                };
                let evidence = found.entry(conversation).or_default();
                evidence.connections += 1;
                evidence.sockets.push(connection.a);
                evidence.processes.extend(ends.from.iter().chain(&ends.to));
                evidence.unreadable |= unreadable;
                evidence.is_log |= is_log;
                evidence.names.extend(name.clone());
            }
        }
    }
    found
}

fn is_closed(map: &Map, ends: &ConversationEnds) -> bool {
    let is_unheld = |client: bool| {
        let processes = if client { &ends.from } else { &ends.to };
        processes.is_empty() && unknown_end(map, ends, client) == UnknownEnd::Unheld
    };
    is_unheld(true) || is_unheld(false)
}

fn is_unreadable(map: &Map, ends: &ConversationEnds, client: bool) -> bool {
    let processes = if client { &ends.from } else { &ends.to };
    processes.is_empty() && unknown_end(map, ends, client) == UnknownEnd::Unreadable
}

/// The roles at one end.
fn roles_at(
    map: &Map,
    roles: &[String],
    ends: &ConversationEnds,
    client: bool,
) -> BTreeSet<String> {
    let processes = if client { &ends.from } else { &ends.to };
    let role = |id: &ProcessId| roles[id.index()].clone();
    let mut found: BTreeSet<String> = processes.iter().map(role).collect();
    if found.is_empty() {
        found.insert(unknown_end(map, ends, client).to_string());
    }
    if found.len() > MAX_GROUPS_AT_END {
        let first = found.pop_first().unwrap_or_default();
        found = BTreeSet::from([format!("{first} and many more")]);
    }
    found
}

/// What a conversation goes over: a name as a pattern that fits it after a restart too, and the name
/// without process ids.
fn pattern(map: &Map, conversation: Conversation) -> (String, Option<String>) {
    let Via { text, kind } = via(map, conversation);
    let Conversation::Connection(id) = conversation else {
        return (shape(&text), Some(text));
    };
    let connection = &map.connections[id];
    let address = match kind {
        ViaKind::Path | ViaKind::Abstract => {
            let socket = connection.listener.or(connection.b).unwrap_or(connection.a);
            let name = without_pids(map, socket, &text);
            return (shape(&name).replace(PID, "*"), Some(name));
        }
        // The port of a client: nobody listens on it.
        ViaKind::Address if connection.listener.is_none() && connection.b.is_some() => {
            match text.rsplit_once(':') {
                Some((address, port)) if is_ephemeral(port) => format!("{address}:*"),
                _ => text,
            }
        }
        ViaKind::Address | ViaKind::Unnamed => text,
    };
    (address, None)
}

fn is_ephemeral(port: &str) -> bool {
    port.parse()
        .is_ok_and(|port: u16| port >= FIRST_EPHEMERAL_PORT)
}
