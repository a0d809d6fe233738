//! Addresses of internet and vsock sockets, in the form in which they are compared.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::socket::{Address, Socket, SocketState};
use super::socket_draft::{HostSockets, SocketDraft};

/// A connection as one end has it: network namespace, protocol, local address, remote address.
pub(super) type Tuple = (u64, &'static str, Address, Address);

/// The tuple of a connected socket; `None` for other sockets and raw ones.
pub(super) fn tuple(draft: &SocketDraft) -> Option<Tuple> {
    let socket = &draft.socket;
    let is_connected = !matches!(
        socket.state,
        SocketState::Listening | SocketState::Unconnected
    );
    let protocol = socket
        .protocol
        .filter(|protocol| is_connected && *protocol != "raw")?;
    let (local, remote) = (canonical(socket.local?), canonical(socket.remote?));
    Some((socket.netns?, wire_protocol(protocol), local, remote))
}

/// The protocol whose ports a socket uses: MPTCP shares those of TCP.
pub(super) fn wire_protocol(protocol: &'static str) -> &'static str {
    if protocol == "mptcp" { "tcp" } else { protocol }
}

/// An IPv4-mapped IPv6 address as IPv4.
pub(super) fn canonical(address: Address) -> Address {
    match address {
        Address::Ip(IpAddr::V6(ip), port) => Address::Ip(ip.to_canonical(), port),
        other => other,
    }
}

pub(super) fn is_loopback(address: Address) -> bool {
    matches!(address, Address::Ip(ip, _) if ip.is_loopback())
}

/// Whether a socket is in a listener's queue, or in its table of half-open connections: the server's
/// end of a connection that no process holds yet.
pub(super) fn is_queued(socket: &Socket) -> bool {
    let half_open = socket.inode == 0 && socket.state == SocketState::Connecting;
    half_open || socket.state == SocketState::Pending
}

/// An address without its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HostAddress {
    Ip(IpAddr),
    /// vsock context id.
    Cid(u32),
}

/// `VMADDR_CID_ANY`.
const ANY_CID: u32 = u32::MAX;

impl HostAddress {
    /// Splits an address into host address and port.
    pub(super) fn split(address: Address) -> (Self, u32) {
        match canonical(address) {
            Address::Ip(ip, port) => (Self::Ip(ip), port.into()),
            Address::Vsock(cid, port) => (Self::Cid(cid), port),
        }
    }

    /// Whether a socket bound to this wildcard receives what is sent to `destination`; `v6only`: not
    /// over IPv4 (`IPV6_V6ONLY`).
    pub(super) fn is_wildcard_for(self, destination: Self, v6only: bool) -> bool {
        match (self, destination) {
            (Self::Ip(IpAddr::V4(any)), Self::Ip(ip)) => any.is_unspecified() && ip.is_ipv4(),
            (Self::Ip(IpAddr::V6(any)), Self::Ip(ip)) => {
                any.is_unspecified() && (ip.is_ipv6() || !v6only)
            }
            (Self::Cid(any), Self::Cid(_)) => any == ANY_CID,
            _ => false,
        }
    }
}

/// Bound sockets of a host, by network namespace, protocol and port.
pub(super) struct BoundSockets<'a> {
    sockets: HostSockets<'a>,
    by_port: BTreeMap<(u64, &'static str, u32), Vec<usize>>,
}

impl<'a> BoundSockets<'a> {
    /// Those of `addressed` (indices) that `is_included` selects.
    pub(super) fn new(
        sockets: HostSockets<'a>,
        addressed: &[usize],
        is_included: impl Fn(&Socket) -> bool,
    ) -> Self {
        let mut by_port: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for index in addressed.iter().copied() {
            let socket = sockets.socket(index);
            if is_included(socket)
                && let (Some(netns), Some(protocol)) = (socket.netns, socket.protocol)
                && let Some((_, port)) = socket.local.map(HostAddress::split)
            {
                let key = (netns, wire_protocol(protocol), port);
                by_port.entry(key).or_default().push(index);
            }
        }
        Self { sockets, by_port }
    }

    /// The sockets that receive what is sent to an address: those bound to exactly that address; if
    /// there are none and `or_wildcard`, those bound to the wildcard address.
    pub(super) fn find(
        &self,
        netns: u64,
        protocol: &'static str,
        address: Address,
        or_wildcard: bool,
    ) -> Vec<usize> {
        let (address, port) = HostAddress::split(address);
        let key = (netns, protocol, port);
        let candidates = self.by_port.get(&key).map_or(&[][..], Vec::as_slice);
        let matching = |is_match: &dyn Fn(HostAddress, bool) -> bool| -> Vec<usize> {
            let is_match = |index: &usize| {
                let draft = &self.sockets.drafts[*index];
                let bound = draft.socket.local.map(|local| HostAddress::split(local).0);
                bound.is_some_and(|bound| is_match(bound, draft.v6only))
            };
            candidates.iter().copied().filter(is_match).collect()
        };
        let exact = matching(&|bound, _| bound == address);
        if exact.is_empty() && or_wildcard {
            return matching(&|bound, v6only| bound.is_wildcard_for(address, v6only));
        }
        exact
    }
}
