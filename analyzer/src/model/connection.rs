//! Connections between two sockets, with the evidence for each.

use super::evidence::{Evidence, ListenerEvidence};
use super::ids::SocketId;

/// Address family of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionKind {
    /// Unix.
    Unix,
    /// IPv4 or IPv6.
    Inet,
    /// Netlink between two processes.
    Netlink,
    /// vsock.
    Vsock,
}

impl ConnectionKind {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Inet => "inet",
            Self::Netlink => "netlink",
            Self::Vsock => "vsock",
        }
    }
}

/// State of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionState {
    /// Connected; the other end may be missing from the capture.
    Established,
    /// The client is in a listener's queue and not yet accepted.
    Pending,
    /// Datagrams are sent from `a` to `b` only.
    OneWay,
    /// The other end has closed.
    Closing,
}

impl ConnectionState {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Pending => "pending",
            Self::OneWay => "one-way",
            Self::Closing => "closing",
        }
    }
}

/// A connection between two sockets.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its address family.
    pub kind: ConnectionKind,
    /// One end: the client where a listener is known, the sender of one-way datagrams.
    pub a: SocketId,
    /// The other end; `None`: closed, not accepted yet, or not captured.
    pub b: Option<SocketId>,
    /// The listener that accepted the connection, or has it in its queue.
    pub listener: Option<SocketId>,
    /// State.
    pub state: ConnectionState,
    /// Evidence for the connection.
    pub evidence: Evidence,
    /// Evidence for the listener.
    pub listener_evidence: Option<ListenerEvidence>,
    /// Whether two independent sources of the capture agree on it.
    pub confirmed: bool,
    /// Whether a filter left it out of the conversations, since its server is a logger.
    pub hidden: bool,
}
