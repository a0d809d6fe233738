//! The two ends of a connection between internet or vsock sockets: their address pairs mirror each other.

use std::collections::BTreeMap;

use super::inet_address::{Tuple, is_loopback, tuple};
use super::socket::Address;
use super::socket_draft::HostSockets;

/// The connected sockets of a host, by their addresses.
pub(super) struct InetEnds<'a> {
    sockets: HostSockets<'a>,
    /// `None`: several sockets have the tuple (`SO_REUSEPORT`), and cannot be distinguished.
    by_tuple: BTreeMap<Tuple, Option<usize>>,
    /// In any network namespace.
    by_addresses: BTreeMap<(&'static str, Address, Address), Vec<usize>>,
}

impl<'a> InetEnds<'a> {
    /// `addressed`: the sockets (indices) that have a local address.
    pub(super) fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let mut ends = Self {
            sockets,
            by_tuple: BTreeMap::new(),
            by_addresses: BTreeMap::new(),
        };
        for index in addressed.iter().copied() {
            let Some(tuple) = tuple(&sockets.drafts[index]) else {
                continue;
            };
            ends.by_tuple
                .entry(tuple)
                .and_modify(|sole| *sole = None)
                .or_insert(Some(index));
            ends.by_addresses
                .entry((tuple.1, tuple.2, tuple.3))
                .or_default()
                .push(index);
        }
        ends
    }

    /// The only socket of the host with these addresses.
    pub(super) fn sole(&self, addresses: (&'static str, Address, Address)) -> Option<usize> {
        match self.by_addresses.get(&addresses)?[..] {
            [sole] => Some(sole),
            _ => None,
        }
    }

    /// The other end of a connection: in the same network namespace, or in another one of this host
    /// (over a veth pair, never over loopback, which each namespace has of its own).
    pub(super) fn other(&self, index: usize) -> Option<usize> {
        let (netns, protocol, local, remote) = tuple(&self.sockets.drafts[index])?;
        let mirrored = self.by_tuple.get(&(netns, protocol, remote, local));
        mirrored.copied().flatten().or_else(|| {
            let other = self.sole((protocol, remote, local))?;
            let other_netns = self.sockets.socket(other).netns?;
            // Both directions occur once on the host, and the other end has no peer in its own
            // namespace.
            let is_unambiguous = self.sole((protocol, local, remote)) == Some(index)
                && !self
                    .by_tuple
                    .contains_key(&(other_netns, protocol, local, remote));
            (is_unambiguous && !is_loopback(local) && !is_loopback(remote)).then_some(other)
        })
    }
}
