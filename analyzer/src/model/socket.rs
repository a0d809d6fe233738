//! Sockets: key, family, type, state, addresses, and the socket itself.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::ids::HostId;
use super::name::Name;

/// Identifies a socket within its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketKey {
    /// By cookie: the socket has no inode, or shares its inode with another socket.
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
    /// Not known: a descriptor refers to the socket, and no captured table lists it.
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

/// State of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketState {
    /// Listening, also after shutdown(2).
    Listening,
    /// Connected.
    Established,
    /// Neither connected nor listening.
    Unconnected,
    /// In connect(2), TCP's SYN-SENT or SYN-RECV.
    Connecting,
    /// Connected, in a listener's queue until it is accepted.
    Pending,
    /// The other end has closed; of TCP: both ends have closed at the same time.
    Closing,
    /// TCP: the other end has closed, this one has not.
    CloseWait,
    /// TCP: this end has closed, which the other end has not acknowledged.
    FinWait1,
    /// TCP: this end has closed, the other one has not.
    FinWait2,
    /// TCP: the other end has closed, and then this one, which is not acknowledged.
    LastAck,
    /// TCP: TIME-WAIT.
    TimeWait,
    /// Not known: no captured table lists the socket.
    Unknown,
}

impl SocketState {
    /// Whether an end of the connection has closed.
    pub fn is_closing(self) -> bool {
        use SocketState::{CloseWait, Closing, FinWait1, FinWait2, LastAck, TimeWait};
        matches!(
            self,
            CloseWait | Closing | FinWait1 | FinWait2 | LastAck | TimeWait
        )
    }

    /// All states.
    const ALL: [Self; 12] = [
        Self::Listening,
        Self::Established,
        Self::Unconnected,
        Self::Connecting,
        Self::Pending,
        Self::Closing,
        Self::CloseWait,
        Self::FinWait1,
        Self::FinWait2,
        Self::LastAck,
        Self::TimeWait,
        Self::Unknown,
    ];

    /// The state of a word, also of those of ss(8).
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "listen" => Some(Self::Listening),
            "estab" => Some(Self::Established),
            "unconn" => Some(Self::Unconnected),
            "syn-sent" | "syn-recv" => Some(Self::Connecting),
            _ => Self::ALL.into_iter().find(|state| state.as_str() == word),
        }
    }

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
            Self::FinWait1 => "fin-wait-1",
            Self::FinWait2 => "fin-wait-2",
            Self::LastAck => "last-ack",
            Self::TimeWait => "time-wait",
            Self::Unknown => "unknown",
        }
    }
}

/// First port that the kernel assigns to sockets not bound to a port (default of
/// `ip_local_port_range`, see ip(7)).
pub const FIRST_EPHEMERAL_PORT: u16 = 32_768;

/// An internet or vsock address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// IPv4 or IPv6 address and port.
    Ip(IpAddr, u16),
    /// vsock(7) context id and port.
    Vsock(u32, u32),
}

impl Address {
    /// Whether the port is below those that the kernel assigns to clients.
    pub fn is_service(self) -> bool {
        match self {
            Self::Ip(_, port) => port < FIRST_EPHEMERAL_PORT,
            // Assigned from a random port on.
            Self::Vsock(..) => false,
        }
    }
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

/// Where a socket is that is in flight: a descriptor of it was sent and not received yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InFlight {
    /// In the receive queue of another socket of the host.
    QueueOf {
        /// The key of that socket.
        receiver: SocketKey,
        /// The programs that hold it, printable: `broker`, `broker and 2 more`.
        programs: Box<str>,
    },
    /// In one of several receive queues.
    Unknown,
}

/// A socket.
#[derive(Debug, Clone)]
pub struct Socket {
    /// Its host.
    pub host: HostId,
    /// Its key within the host.
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
    /// Unix: the name it is bound to.
    pub name: Option<Name>,
    /// Unix: inode (32 bits) and kernel-encoded device of the bound file.
    pub vfs: Option<(u32, u32)>,
    /// Unix: whether a file exists at the path; `None`: no path, or not captured.
    pub path_exists: Option<bool>,
    /// The path that leads to the bound file now, where the name does not: the file was renamed, or the
    /// name is relative.
    pub moved_to: Option<Name>,
    /// Local address.
    pub local: Option<Address>,
    /// Remote address.
    pub remote: Option<Address>,
    /// Bytes not yet read from the receive queue (listeners: 0).
    pub recv_queue_bytes: u64,
    /// Bytes written that the other end has not read.
    pub send_queue_bytes: u64,
    /// Listeners: the limit given to listen(2).
    pub backlog: Option<u32>,
    /// Listeners: connections not yet accepted.
    pub pending: Option<u32>,
    /// Listeners: false after shutdown(2).
    pub accepting: Option<bool>,
    /// Directions shut down: 1 receive, 2 send (`RCV_SHUTDOWN`, `SEND_SHUTDOWN`).
    pub shutdown: u8,
    /// User id of the creator.
    pub uid: Option<u32>,
    /// Whether all holders are known; false when a process that could not be read may hold it too.
    pub holders_complete: bool,
    /// Where it is, if no process holds it since it is in flight.
    pub in_flight: Option<InFlight>,
    /// Present in two independent sources, such as a socket table and a descriptor table.
    pub seen_twice: bool,
    /// Its range in `Map::holders`, written by `Map::push_socket`.
    pub(crate) holders: Range<u32>,
}

impl Socket {
    /// The Unix name by which the socket is found now: a path that leads to it, else the name it was bound
    /// to.
    pub fn current_name(&self) -> Option<&Name> {
        self.moved_to.as_ref().or(self.name.as_ref())
    }

    /// A socket with only host, inode and family known.
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
            moved_to: None,
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
            in_flight: None,
            seen_twice: false,
            holders: 0..0,
        }
    }
}
