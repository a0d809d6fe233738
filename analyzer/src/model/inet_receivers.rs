//! Finds the receiver of a connected datagram socket: a bound socket that is not connected, such as a
//! resolver's or a log server's, which answers without being connected.

use super::inet_address::{BoundSockets, HostAddress, tuple};
use super::socket::{Address, SocketState, SocketType};
use super::socket_draft::HostSockets;

/// The unconnected datagram sockets of a host.
pub(super) struct InetReceivers<'a> {
    sockets: HostSockets<'a>,
    pub(super) unconnected: BoundSockets<'a>,
}

impl<'a> InetReceivers<'a> {
    /// `addressed`: the sockets (indices) that have a local address.
    pub(super) fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let has_port = |address: Address| HostAddress::split(address).1 != 0;
        let unconnected = BoundSockets::new(sockets, addressed, |socket| {
            socket.kind == SocketType::Dgram
                && socket.state == SocketState::Unconnected
                && socket.local.is_some_and(has_port)
        });
        Self {
            sockets,
            unconnected,
        }
    }

    /// The receivers of a sender's datagrams: bound to the exact address, else to the wildcard address
    /// if `is_local`, the destination being local to the namespace.
    pub(super) fn find(&self, sender: usize, is_local: bool) -> Vec<usize> {
        let Some((netns, protocol, _, remote)) = tuple(&self.sockets.drafts[sender]) else {
            return Vec::new();
        };
        if self.sockets.socket(sender).kind != SocketType::Dgram {
            return Vec::new();
        }
        self.unconnected.find(netns, protocol, remote, is_local)
    }
}
