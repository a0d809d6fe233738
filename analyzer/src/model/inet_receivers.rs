//! Finds the receiver of a connected datagram socket: a bound socket that is not connected, such as a
//! resolver's or a log server's, which answers without being connected.

use std::collections::BTreeSet;

use super::inet_address::{BoundSockets, HostAddress, is_loopback, tuple};
use super::socket::{Address, SocketState, SocketType};
use super::socket_draft::HostSockets;

/// The unconnected datagram sockets of a host.
pub(super) struct InetReceivers<'a> {
    sockets: HostSockets<'a>,
    unconnected: BoundSockets<'a>,
    /// Local addresses of each network namespace, as far as a socket is bound to them.
    local: BTreeSet<(u64, HostAddress)>,
}

impl<'a> InetReceivers<'a> {
    /// `addressed`: the sockets (indices) that have a local address.
    pub(super) fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let local = |index: &usize| {
            let socket = sockets.socket(*index);
            Some((socket.netns?, HostAddress::split(socket.local?).0))
        };
        let has_port = |address: Address| HostAddress::split(address).1 != 0;
        let unconnected = BoundSockets::new(sockets, addressed, |socket| {
            socket.kind == SocketType::Dgram
                && socket.state == SocketState::Unconnected
                && socket.local.is_some_and(has_port)
        });
        Self {
            sockets,
            unconnected,
            local: addressed.iter().filter_map(local).collect(),
        }
    }

    /// The receiver of a sender's datagrams: bound to the exact address, else to the wildcard address
    /// where the destination is local to the namespace. `None` where several match.
    pub(super) fn find(&self, sender: usize) -> Option<usize> {
        let (netns, protocol, _, remote) = tuple(&self.sockets.drafts[sender])?;
        if self.sockets.socket(sender).kind != SocketType::Dgram {
            return None;
        }
        let address = HostAddress::split(remote).0;
        let is_local = is_loopback(remote) || self.local.contains(&(netns, address));
        match self.unconnected.find(netns, protocol, remote, is_local)[..] {
            [sole] => Some(sole),
            _ => None,
        }
    }
}
