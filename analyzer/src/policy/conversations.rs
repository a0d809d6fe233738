//! The conversations of a map by role.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::{mask, role};
use crate::graph::{Conversation, ConversationEnds, conversations};
use crate::model::{ConnectionState, Map, ProcessId, SocketId};
use crate::query::{
    LinkKind, UnknownEnd, Via, ViaKind, is_self_conversation, link_kind, unknown_end, via,
};

/// Ports from here on are most likely the kernel's choice (`ip_local_port_range`).
const EPHEMERAL_PORTS: u16 = 32_768;

/// An end that more roles share than this stands for none of them.
const ROLES_AT_ONE_END: usize = 16;

/// Who talks to whom over what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleConversation {
    /// The client's role.
    pub client: String,
    /// The server's role.
    pub server: String,
    /// The listener's name or address, masked; empty: none has a name.
    pub via: String,
    /// Kind.
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

/// What shows a conversation.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// How many connections.
    pub connections: usize,
    /// Their first ends.
    pub sockets: Vec<SocketId>,
    /// The processes at both ends.
    pub processes: BTreeSet<ProcessId>,
    /// Somebody at an end could not be read.
    pub unreadable: bool,
}

/// Every conversation of a map over sockets. Pipes are between relatives, and not meant; neither are
/// connections that are being taken down.
pub fn role_conversations(map: &Map) -> BTreeMap<RoleConversation, Evidence> {
    let roles: Vec<String> = map.processes.iter().map(role).collect();
    let mut found: BTreeMap<RoleConversation, Evidence> = BTreeMap::new();
    for ends in conversations(map) {
        let Conversation::Connection(at) = ends.conversation else {
            continue;
        };
        let connection = &map.connections[at];
        if is_self_conversation(&ends) || connection.state == ConnectionState::Closing {
            continue;
        }
        let via = shape(via(map, ends.conversation));
        let kind = link_kind(map, ends.conversation);
        let unreadable = is_unreadable(map, &ends, true) || is_unreadable(map, &ends, false);
        let servers = side(map, &roles, &ends, false);
        for client in side(map, &roles, &ends, true) {
            for server in &servers {
                let conversation = RoleConversation {
                    client: client.clone(),
                    server: server.clone(),
                    via: via.clone(),
                    kind,
                };
                let evidence = found.entry(conversation).or_default();
                evidence.connections += 1;
                evidence.sockets.push(connection.a);
                evidence.processes.extend(ends.from.iter().chain(&ends.to));
                evidence.unreadable |= unreadable;
            }
        }
    }
    found
}

fn is_unreadable(map: &Map, ends: &ConversationEnds, client: bool) -> bool {
    let processes = if client { &ends.from } else { &ends.to };
    processes.is_empty() && unknown_end(map, ends, client) == UnknownEnd::Unreadable
}

/// The roles at one end.
fn side(map: &Map, roles: &[String], ends: &ConversationEnds, client: bool) -> BTreeSet<String> {
    let processes = if client { &ends.from } else { &ends.to };
    let of = |id: &ProcessId| roles[id.index()].clone();
    let mut side: BTreeSet<String> = processes.iter().map(of).collect();
    if side.is_empty() {
        side.insert(unknown_end(map, ends, client).to_string());
    }
    if side.len() > ROLES_AT_ONE_END {
        let first = side.pop_first().unwrap_or_default();
        side = BTreeSet::from([format!("{first} and many more")]);
    }
    side
}

/// A name without its random part, an address without a port that the kernel chose.
fn shape(via: Via) -> String {
    if via.kind != ViaKind::Address {
        return mask(&via.text);
    }
    match via.text.rsplit_once(':') {
        Some((address, port)) if port.parse().is_ok_and(|port: u16| port >= EPHEMERAL_PORTS) => {
            format!("{address}:*")
        }
        _ => via.text,
    }
}
