//! Connections of which only a row without a socket is left (`TIME_WAIT`, `FIN_WAIT2`, …).

use std::net::IpAddr;

use super::ids::HostId;
use super::socket::{Address, Family, Socket, SocketState, SocketType};

/// Connections between a client's address and a server's of which only a row without a socket is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Departed {
    /// The host.
    pub host: HostId,
    /// The network namespace (inode).
    pub netns: u64,
    /// The server's address.
    pub server: Address,
    /// The client's address.
    pub client: IpAddr,
    /// The state of the rows.
    pub state: SocketState,
    /// Their number.
    pub count: usize,
}

impl Departed {
    /// What is left of each connection, as a socket: the server's end.
    pub fn as_socket(&self) -> Socket {
        let family = match self.client {
            IpAddr::V4(_) => Family::Inet,
            IpAddr::V6(_) => Family::Inet6,
        };
        Socket {
            netns: Some(self.netns),
            kind: SocketType::Stream,
            protocol: Some("tcp"),
            state: self.state,
            local: Some(self.server),
            remote: Some(Address::Ip(self.client, 0)),
            ..Socket::unknown(self.host, 0, family)
        }
    }
}
