//! Why an end of a conversation has no known process.

use std::fmt;

use super::conversations::connection;
use crate::graph::ConversationEnds;
use crate::model::{
    Address, Connection, ConnectionState, InFlight, Map, SocketId, SocketState, Translator,
};

/// Why no process is known at one end of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownEnd {
    /// The end is not on a captured machine: its address, without the port of a client.
    Outside(String),
    /// The end is on this machine, and has another address than this one: the address.
    Translated(String),
    /// A process that could not be read may hold the end.
    Unreadable,
    /// The end is gone.
    Unheld,
    /// A descriptor of the end was sent and not received yet: to a socket of these programs, if that is
    /// known.
    InFlight(Option<String>),
    /// The end listens, and no process holds it: it may be the kernel's own.
    NoProcess,
}

impl fmt::Display for UnknownEnd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(address) => write!(out, "(outside) {address}"),
            Self::Translated(address) => write!(out, "(translated) {address}"),
            Self::Unreadable => out.write_str("(unknown)"),
            Self::Unheld => out.write_str("(closed)"),
            Self::InFlight(Some(receiver)) => write!(out, "(in the queue of {receiver})"),
            Self::InFlight(None) => out.write_str("(in flight)"),
            Self::NoProcess => out.write_str("(no process)"),
        }
    }
}

/// Why the client's end (or the server's) of a conversation has no known process.
pub fn unknown_end(map: &Map, ends: &ConversationEnds, client: bool) -> UnknownEnd {
    let Some(connection) = connection(map, ends.conversation) else {
        // The other end of a pipe is held by a process that was not read.
        return UnknownEnd::Unreadable;
    };
    let is_missing = connection.b.is_none() && client == ends.client_is_outside;
    match is_missing {
        true => missing_end(map, connection, client),
        false => {
            let server = connection.b.or(connection.listener);
            let socket = match client {
                true => connection.a,
                false => server.unwrap_or(connection.a),
            };
            unheld(map, socket)
        }
    }
}

/// Why no process holds a captured socket.
pub fn unheld(map: &Map, id: SocketId) -> UnknownEnd {
    let socket = map.socket(id);
    match (&socket.in_flight, socket.holders_complete) {
        (Some(InFlight::QueueOf { programs, .. }), _) => {
            UnknownEnd::InFlight(Some(programs.to_string()))
        }
        (Some(InFlight::Unknown), _) => UnknownEnd::InFlight(None),
        (None, false) => UnknownEnd::Unreadable,
        (None, true) if socket.state == SocketState::Listening => UnknownEnd::NoProcess,
        (None, true) => UnknownEnd::Unheld,
    }
}

/// Why one end of a connection was not captured.
fn missing_end(map: &Map, connection: &Connection, client: bool) -> UnknownEnd {
    use ConnectionState::{Connecting, Pending};
    use Translator::Proxy;
    let captured = map.socket(connection.a);
    let translated = connection
        .translation
        .as_ref()
        .map(|translation| translation.other_end);
    let is_closing = connection.state == ConnectionState::Closing;
    // A server's port shows the service; a client's is ephemeral.
    let text = |address: Address| match address {
        Address::Ip(ip, _) if client => ip.to_string(),
        address => address.to_string(),
    };
    let own = &map.hosts[captured.host.index()].addresses;
    // A program has the address for this end only, or its target was not captured.
    let is_by_proxy = connection.translation.as_ref();
    if let Some(address) = translated.filter(|_| is_by_proxy.is_some_and(|t| t.by == Proxy)) {
        return UnknownEnd::Translated(text(address));
    }
    match translated.or(captured.remote) {
        Some(address @ Address::Ip(ip, _)) => {
            let ip = ip.to_canonical();
            let is_own = own.binary_search(&ip).is_ok();
            match ip.is_loopback() || is_own {
                false => UnknownEnd::Outside(text(address)),
                true if is_closing => UnknownEnd::Unheld,
                // Only a listener without known holders, or nothing.
                true if matches!(connection.state, Connecting | Pending) => {
                    match connection
                        .listener
                        .or(connection.listener_group.first().copied())
                    {
                        Some(listener) => unheld(map, listener),
                        None if connection.state == Pending => UnknownEnd::Unreadable,
                        None => UnknownEnd::Unheld,
                    }
                }
                // The other end has this address for this one only.
                true if is_own && !ip.is_loopback() => UnknownEnd::Translated(text(address)),
                true => UnknownEnd::Unreadable,
            }
        }
        Some(address) => UnknownEnd::Outside(text(address)),
        None if is_closing => UnknownEnd::Unheld,
        None => match (connection.state, connection.listener) {
            (Pending, Some(listener)) => unheld(map, listener),
            _ => UnknownEnd::Unreadable,
        },
    }
}
