//! Why an end of a conversation has no known process.

use std::fmt;

use super::conversations::connection;
use crate::graph::ConversationEnds;
use crate::model::{Address, ConnectionState, Map};

/// Why no process is known at one end of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownEnd {
    /// The end is not on a captured machine: its address, without the port of a client.
    Outside(String),
    /// A process that could not be read may hold the end.
    Unreadable,
    /// No process holds the end.
    Unheld,
}

impl fmt::Display for UnknownEnd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(address) => write!(out, "(outside) {address}"),
            Self::Unreadable => out.write_str("(unknown)"),
            Self::Unheld => out.write_str("(closed)"),
        }
    }
}

/// Why the client's end (or the server's) of a conversation has no known process.
pub fn unknown_end(map: &Map, ends: &ConversationEnds, client: bool) -> UnknownEnd {
    let Some(connection) = connection(map, ends.conversation) else {
        // The other end of a pipe is held by a process that was not read.
        return UnknownEnd::Unreadable;
    };
    let captured = map.socket(connection.a);
    let is_missing = connection.b.is_none() && client == ends.client_is_outside;
    match captured.remote {
        // A client's port is ephemeral; a server's tells the service.
        Some(Address::Ip(ip, _)) if is_missing && client => UnknownEnd::Outside(ip.to_string()),
        Some(remote) if is_missing => UnknownEnd::Outside(remote.to_string()),
        None if is_missing && connection.state == ConnectionState::Closing => UnknownEnd::Unheld,
        None if is_missing && connection.state != ConnectionState::Pending => {
            UnknownEnd::Unreadable
        }
        _ => {
            let server = connection.b.or(connection.listener);
            let socket = match client {
                true => connection.a,
                false => server.unwrap_or(connection.a),
            };
            match map.socket(socket).holders_complete {
                true => UnknownEnd::Unheld,
                false => UnknownEnd::Unreadable,
            }
        }
    }
}
