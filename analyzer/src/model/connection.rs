//! Connections between two sockets, with the evidence for each.

use super::evidence::{Evidence, ListenerEvidence};
use super::ids::SocketId;
use super::name::Name;
use super::socket::{Address, SocketState};

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
    /// The client is in connect(2): the server has not answered.
    Connecting,
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
            Self::Connecting => "connecting",
            Self::Closing => "closing",
        }
    }
}

/// Translation of a connection's addresses (NAT).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Translation {
    /// The server's address as the client has it.
    pub from: Address,
    /// The other end's address before or after translation.
    pub other_end: Address,
    /// What translates.
    pub by: Translator,
}

/// What translates addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Translator {
    /// The kernel, as its connection tracking has recorded.
    Conntrack,
    /// Something in between, as an address shows that is the same at both ends of the connection.
    Address,
    /// A program that publishes a container's port, by its command line.
    Proxy,
}

impl Translator {
    /// The word for it in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conntrack => "conntrack",
            Self::Address => "address",
            Self::Proxy => "proxy",
        }
    }
}

/// What a socket is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoundTo {
    /// A Unix name.
    Name(Name),
    /// An internet or vsock address.
    Address(Address),
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
    /// What the listener is bound to, where a filter removed the listener.
    pub bound_to: Option<Box<BoundTo>>,
    /// The listeners one of which has the connection in its queue, where it is not known which
    /// (`SO_REUSEPORT`); also datagram sockets one of which receives what is sent.
    pub listener_group: Box<[SocketId]>,
    /// State.
    pub state: ConnectionState,
    /// State of the other end where it is in TCP's tables without a socket: its process has closed it.
    pub orphan: Option<SocketState>,
    /// The translation of addresses between the two ends.
    pub translation: Option<Box<Translation>>,
    /// Evidence for the connection.
    pub evidence: Evidence,
    /// Evidence for the listener.
    pub listener_evidence: Option<ListenerEvidence>,
    /// Whether two independent sources of the capture agree on it.
    pub confirmed: bool,
    /// Whether a filter left it out of the conversations, since its server is a logger.
    pub hidden: bool,
}
