//! Finds the receiver of a connected datagram socket: a bound socket that is not connected, such as a
//! resolver's or a log server's, which answers without being connected.

use std::collections::{BTreeMap, BTreeSet};

use super::inet_address::{HostAddress, is_loopback, tuple};
use super::socket::{SocketState, SocketType};
use super::socket_draft::HostSockets;

/// The unconnected datagram sockets of a host, by network namespace, protocol and port.
pub(super) struct InetReceivers<'a> {
    sockets: HostSockets<'a>,
    by_port: BTreeMap<(u64, &'static str, u32), Vec<usize>>,
    /// Local addresses of each network namespace, as far as a socket is bound to them.
    local: BTreeSet<(u64, HostAddress)>,
}

impl<'a> InetReceivers<'a> {
    /// `addressed`: the sockets (indices) that have a local address.
    pub(super) fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let mut receivers = Self {
            sockets,
            by_port: BTreeMap::new(),
            local: BTreeSet::new(),
        };
        for index in addressed.iter().copied() {
            let socket = sockets.socket(index);
            let (Some(netns), Some(local)) = (socket.netns, socket.local) else {
                continue;
            };
            let (address, port) = HostAddress::split(local);
            receivers.local.insert((netns, address));
            let is_receiver = socket.kind == SocketType::Dgram
                && socket.state == SocketState::Unconnected
                && port != 0;
            if let Some(protocol) = socket.protocol.filter(|_| is_receiver) {
                receivers
                    .by_port
                    .entry((netns, protocol, port))
                    .or_default()
                    .push(index);
            }
        }
        receivers
    }

    /// The receiver of a sender's datagrams: bound to the exact address, else to the wildcard address
    /// where the destination is local to the namespace. `None` where several match.
    pub(super) fn find(&self, sender: usize) -> Option<usize> {
        let (netns, protocol, _, remote) = tuple(&self.sockets.drafts[sender])?;
        if self.sockets.socket(sender).kind != SocketType::Dgram {
            return None;
        }
        let (address, port) = HostAddress::split(remote);
        let bound = self.by_port.get(&(netns, protocol, port))?;
        let first_two = |is_match: &dyn Fn(HostAddress, bool) -> bool| {
            let is_match = |index: &usize| {
                let draft = &self.sockets.drafts[*index];
                let local = draft.socket.local.map(|local| HostAddress::split(local).0);
                local.is_some_and(|local| is_match(local, draft.v6only))
            };
            let mut matching = bound.iter().copied().filter(is_match);
            (matching.next(), matching.next())
        };
        let is_local = is_loopback(remote) || self.local.contains(&(netns, address));
        let found = match first_two(&|local, _| local == address) {
            (None, _) if is_local => {
                first_two(&|local, v6only| local.is_wildcard_for(address, v6only))
            }
            exact => exact,
        };
        match found {
            (Some(sole), None) => Some(sole),
            _ => None,
        }
    }
}
