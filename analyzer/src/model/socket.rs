//! Sockets, pipes, and connections.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::evidence::{Evidence, ListenerEvidence};
use super::{HostId, Name, ProcessId, SocketId};

/// What identifies a socket within its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketKey {
    /// By cookie: it has no inode, or shares one with another socket.
    Cookie(u64),
    /// By inode on sockfs.
    Inode(u64),
}

/// Address family (`AF_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `AF_UNIX`.
    Unix,
    /// `AF_INET`.
    Inet,
    /// `AF_INET6`.
    Inet6,
    /// `AF_NETLINK`.
    Netlink,
    /// `AF_PACKET`.
    Packet,
    /// `AF_VSOCK`.
    Vsock,
    /// A descriptor says it is a socket; no table that was captured says of what family.
    Other,
}

impl Family {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
            Self::Netlink => "netlink",
            Self::Packet => "packet",
            Self::Vsock => "vsock",
            Self::Other => "other",
        }
    }
}

/// Socket type (`SOCK_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketType {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`.
    Dgram,
    /// `SOCK_RAW`.
    Raw,
    /// `SOCK_SEQPACKET`.
    Seqpacket,
    /// Another, or not known.
    Unknown,
}

impl SocketType {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Dgram => "dgram",
            Self::Raw => "raw",
            Self::Seqpacket => "seqpacket",
            Self::Unknown => "unknown",
        }
    }
}

/// What a socket is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketState {
    /// Accepts, or did until it was shut down.
    Listening,
    /// Connected.
    Established,
    /// Neither connected nor listening.
    Unconnected,
    /// In connect(2), TCP's SYN-SENT or SYN-RECV.
    Connecting,
    /// Connected, and waiting in a listener's queue to be accepted.
    Pending,
    /// The other end has closed, or TCP is taking leave.
    Closing,
    /// TCP: the other end has closed, this one has not.
    CloseWait,
    /// TCP: TIME-WAIT.
    TimeWait,
    /// No table says.
    Unknown,
}

impl SocketState {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Established => "established",
            Self::Unconnected => "unconnected",
            Self::Connecting => "connecting",
            Self::Pending => "pending",
            Self::Closing => "closing",
            Self::CloseWait => "close-wait",
            Self::TimeWait => "time-wait",
            Self::Unknown => "unknown",
        }
    }
}

/// An internet or vsock address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// IPv4 or IPv6 address and port.
    Ip(IpAddr, u16),
    /// vsock(7) context id and port.
    Vsock(u32, u32),
}

/// `1.2.3.4:5`, `[::1]:5`, `vsock 3:22`.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip, port) => SocketAddr::new(*ip, *port).fmt(out),
            Self::Vsock(cid, port) => write!(out, "vsock {cid}:{port}"),
        }
    }
}

/// One descriptor that leads to a socket or pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The process.
    pub process: ProcessId,
    /// The thread, where the table is private to it.
    pub tid: Option<u32>,
    /// The descriptor.
    pub fd: u32,
    /// Whether it is close-on-exec; `None`: not captured.
    pub cloexec: Option<bool>,
}

/// A socket.
#[derive(Debug, Clone)]
pub struct Socket {
    /// Its host.
    pub host: HostId,
    /// What identifies it there.
    pub key: SocketKey,
    /// Inode on sockfs, 0: none.
    pub inode: u64,
    /// `SO_COOKIE`, where a diag dump gave it.
    pub cookie: Option<u64>,
    /// Network namespace (inode); `None`: no table lists the socket.
    pub netns: Option<u64>,
    /// Address family.
    pub family: Family,
    /// Type.
    pub kind: SocketType,
    /// `tcp`, `udp`, …; `None` for Unix and unknown.
    pub protocol: Option<&'static str>,
    /// State.
    pub state: SocketState,
    /// Unix: what it is bound to.
    pub name: Option<Name>,
    /// Unix: inode (32 bits) and kernel-encoded device of the bound file.
    pub vfs: Option<(u32, u32)>,
    /// Unix: whether a file is at the path; `None`: no path, or not looked at.
    pub path_exists: Option<bool>,
    /// Address of its own end.
    pub local: Option<Address>,
    /// Address of the other end.
    pub remote: Option<Address>,
    /// Bytes that wait to be read (listeners: 0).
    pub recv_queue_bytes: u64,
    /// Bytes written that the other end has not read.
    pub send_queue_bytes: u64,
    /// Listeners: the limit given to listen(2).
    pub backlog: Option<u32>,
    /// Listeners: connections that wait to be accepted.
    pub pending: Option<u32>,
    /// Listeners: false after shutdown(2).
    pub accepting: Option<bool>,
    /// Directions shut down: 1 receive, 2 send (`RCV_SHUTDOWN`, `SEND_SHUTDOWN`).
    pub shutdown: u8,
    /// User id of the creator.
    pub uid: Option<u32>,
    /// False when a process that could not be read may hold it too.
    pub holders_complete: bool,
    /// Seen in a table and in a descriptor table: two looks at different times agree.
    pub seen_twice: bool,
    /// Its run in the map's holders.
    pub(crate) holders: Range<u32>,
}

impl Socket {
    /// A socket of which nothing but host, inode and family is known.
    pub(crate) fn unknown(host: HostId, inode: u64, family: Family) -> Self {
        Self {
            host,
            key: SocketKey::Inode(inode),
            inode,
            cookie: None,
            netns: None,
            family,
            kind: SocketType::Unknown,
            protocol: None,
            state: SocketState::Unknown,
            name: None,
            vfs: None,
            path_exists: None,
            local: None,
            remote: None,
            recv_queue_bytes: 0,
            send_queue_bytes: 0,
            backlog: None,
            pending: None,
            accepting: None,
            shutdown: 0,
            uid: None,
            holders_complete: false,
            seen_twice: false,
            holders: 0..0,
        }
    }
}

/// What kind of conversation a connection is.
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
    /// Both ends are there, or one is there and the other was not captured.
    Established,
    /// The client waits in a listener's queue.
    Pending,
    /// Datagrams go from a to b only.
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

/// A conversation between two sockets.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its kind.
    pub kind: ConnectionKind,
    /// One end; the client's where a listener is known, a datagram's sender.
    pub a: SocketId,
    /// The other end; `None`: closed, not accepted yet, or not captured.
    pub b: Option<SocketId>,
    /// The socket that accepted, or will.
    pub listener: Option<SocketId>,
    /// State.
    pub state: ConnectionState,
    /// How it is known.
    pub evidence: Evidence,
    /// How the listener is known.
    pub listener_evidence: Option<ListenerEvidence>,
    /// Two looks of the capture agree on it.
    pub confirmed: bool,
}

/// What identifies a pipe within its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PipeKey {
    /// A FIFO, by device and inode.
    Fifo(u64, u64),
    /// A pipe, by inode on pipefs.
    Pipe(u64),
}

/// A pipe or FIFO; one that holds it for both is in both lists.
#[derive(Debug, Clone)]
pub struct Pipe {
    /// Its host.
    pub host: HostId,
    /// What identifies it there.
    pub key: PipeKey,
    /// A FIFO's path, as its first holder's link shows it.
    pub path: Option<Box<[u8]>>,
    /// Descriptors opened for reading.
    pub readers: Vec<Holder>,
    /// Descriptors opened for writing.
    pub writers: Vec<Holder>,
}
