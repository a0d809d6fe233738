//! Connections between sockets with addresses: where two address pairs mirror each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::evidence::{Evidence, ListenerEvidence};
use super::socket::{
    Address, Connection, ConnectionKind, ConnectionState, Family, Holder, SocketState, SocketType,
};
use super::socket_draft::Draft;
use super::unix_listeners::{id, share_holder};

/// Namespace, protocol, own address, other address: what a connection looks like from one end.
type Tuple = (u64, &'static str, Address, Address);

/// Protocols that MPTCP and TCP share the port space of are one.
fn wire_protocol(protocol: &'static str) -> &'static str {
    if protocol == "mptcp" { "tcp" } else { protocol }
}

/// An IPv4 address is the same whether it is written as one or mapped into IPv6.
fn canonical(address: Address) -> Address {
    match address {
        Address::Ip(IpAddr::V6(ip), port) => Address::Ip(ip.to_canonical(), port),
        other => other,
    }
}

/// The connections between a host's internet and vsock sockets; `drafts` are sorted by key.
pub(super) fn connections(drafts: &[Draft], first: usize, holders: &[Holder]) -> Vec<Connection> {
    // Far the most sockets of a host have no address: they are gone through once.
    let addressed = drafts.iter().enumerate();
    let addressed: Vec<(usize, &Draft)> = addressed
        .filter(|(_, draft)| draft.socket.local.is_some())
        .collect();
    let mut by_tuple: BTreeMap<Tuple, Option<usize>> = BTreeMap::new();
    let mut elsewhere: BTreeMap<(&str, Address, Address), Vec<usize>> = BTreeMap::new();
    for (at, draft) in addressed.iter().copied() {
        if let Some(tuple) = tuple(draft) {
            // Two that look alike (SO_REUSEPORT): nobody can tell which of them it is.
            let sole = |one: &mut Option<usize>| *one = None;
            by_tuple.entry(tuple).and_modify(sole).or_insert(Some(at));
            elsewhere
                .entry((tuple.1, tuple.2, tuple.3))
                .or_default()
                .push(at);
        }
    }
    let listeners = Listeners::of(drafts, &addressed, holders);
    let receivers = Receivers::of(&addressed);
    let mut connections = Vec::new();
    for (at, draft) in addressed.iter().copied() {
        let Some((netns, protocol, local, remote)) = tuple(draft) else {
            continue;
        };
        let same = by_tuple.get(&(netns, protocol, remote, local)).copied();
        let same = same.flatten();
        // Over a veth both ends are on this host; never over loopback, which each namespace has.
        let other = same.or_else(|| {
            let sole = |of: (&'static str, Address, Address)| match elsewhere.get(&of)?[..] {
                [one] => Some(one),
                _ => None,
            };
            let one = sole((protocol, remote, local))?;
            let away = drafts[one].socket.netns?;
            // Both directions occur once on the whole host, and that end has no partner at home.
            let free = sole((protocol, local, remote)) == Some(at)
                && !by_tuple.contains_key(&(away, protocol, local, remote));
            (free && !is_loopback(local) && !is_loopback(remote)).then_some(one)
        });
        match other {
            Some(other) if other < at => {}
            Some(other) => connections.push(pair(drafts, first, at, other, &listeners)),
            None => match receivers.find(drafts, at) {
                Some(receiver) => connections.push(Connection {
                    b: Some(id(first, receiver)),
                    state: ConnectionState::OneWay,
                    ..connection(drafts, first, at, ConnectionState::OneWay, None)
                }),
                None => connections.push(alone(drafts, first, at, &listeners)),
            },
        }
    }
    connections
}

fn is_loopback(address: Address) -> bool {
    matches!(address, Address::Ip(ip, _) if ip.is_loopback())
}

fn tuple(draft: &Draft) -> Option<Tuple> {
    let socket = &draft.socket;
    // In connect(2) there is nobody at the other end yet.
    let connected = !matches!(
        socket.state,
        SocketState::Listening | SocketState::Unconnected | SocketState::Connecting
    );
    let protocol = socket
        .protocol
        .filter(|protocol| connected && *protocol != "raw")?;
    let (local, remote) = (canonical(socket.local?), canonical(socket.remote?));
    Some((socket.netns?, wire_protocol(protocol), local, remote))
}

fn state(one: SocketState, other: Option<SocketState>) -> ConnectionState {
    use SocketState::{CloseWait, Closing, Pending};
    let either = |state: SocketState| one == state || other == Some(state);
    if either(Pending) {
        ConnectionState::Pending
    } else if either(Closing) || either(CloseWait) {
        ConnectionState::Closing
    } else {
        ConnectionState::Established
    }
}

fn pair(
    drafts: &[Draft],
    first: usize,
    one: usize,
    two: usize,
    listeners: &Listeners<'_>,
) -> Connection {
    let (a, b, listener) = match (listeners.find(one), listeners.find(two)) {
        (None, Some(of_two)) => (one, two, Some(of_two)),
        (Some(of_one), None) => (two, one, Some(of_one)),
        _ => (one, two, None),
    };
    let state = state(drafts[a].socket.state, Some(drafts[b].socket.state));
    let connection = Connection {
        b: (state != ConnectionState::Pending).then(|| id(first, b)),
        ..connection(drafts, first, a, state, listener)
    };
    Connection {
        confirmed: connection.confirmed && drafts[b].socket.seen_twice,
        ..connection
    }
}

fn alone(drafts: &[Draft], first: usize, at: usize, listeners: &Listeners<'_>) -> Connection {
    let state = state(drafts[at].socket.state, None);
    connection(drafts, first, at, state, listeners.find(at))
}

fn connection(
    drafts: &[Draft],
    first: usize,
    a: usize,
    state: ConnectionState,
    listener: Option<usize>,
) -> Connection {
    Connection {
        kind: match drafts[a].socket.family {
            Family::Vsock => ConnectionKind::Vsock,
            _ => ConnectionKind::Inet,
        },
        a: id(first, a),
        b: None,
        listener: listener.map(|at| id(first, at)),
        state,
        evidence: Evidence::Tuple,
        listener_evidence: listener.map(|_| ListenerEvidence::Address),
        confirmed: drafts[a].socket.seen_twice,
    }
}

/// Datagram sockets that are bound and not connected: a resolver, a log server. Whoever is connected
/// to their address sends to them; they answer without being connected.
struct Receivers {
    by_port: BTreeMap<(u64, &'static str, u32), Vec<usize>>,
    /// Addresses that are seen to be each namespace's own.
    own: BTreeSet<(u64, Place)>,
}

impl Receivers {
    fn of(addressed: &[(usize, &Draft)]) -> Self {
        let mut receivers = Self {
            by_port: BTreeMap::new(),
            own: BTreeSet::new(),
        };
        for (at, draft) in addressed.iter().copied() {
            let socket = &draft.socket;
            let (Some(netns), Some(local)) = (socket.netns, socket.local.map(split)) else {
                continue;
            };
            receivers.own.insert((netns, local.0));
            let receives = socket.kind == SocketType::Dgram
                && socket.state == SocketState::Unconnected
                && local.1 != 0;
            if let Some(protocol) = socket.protocol.filter(|_| receives) {
                receivers
                    .by_port
                    .entry((netns, protocol, local.1))
                    .or_default()
                    .push(at);
            }
        }
        receivers
    }

    /// Who receives what `sender` sends: bound to the exact address, else to any where the address
    /// is this namespace's own. Of several nobody can tell which.
    fn find(&self, drafts: &[Draft], sender: usize) -> Option<usize> {
        let socket = &drafts[sender].socket;
        let (netns, protocol, _, remote) = tuple(&drafts[sender])?;
        let (place, port) = split(remote);
        let bound = self.by_port.get(&(netns, protocol, port))?;
        let at_place = |wanted: &dyn Fn(Place, bool) -> bool| {
            let fits = |at: &usize| {
                let draft = &drafts[*at];
                draft
                    .socket
                    .local
                    .is_some_and(|local| wanted(split(local).0, draft.v6only))
            };
            let mut fitting = bound.iter().copied().filter(fits);
            (fitting.next(), fitting.next())
        };
        let is_own = is_loopback(remote) || self.own.contains(&(netns, place));
        let found = match at_place(&|local, _| local == place) {
            (None, _) if is_own => at_place(&|local, v6only| local.accepts(place, v6only)),
            exact => exact,
        };
        match found {
            (Some(one), None) if socket.kind == SocketType::Dgram => Some(one),
            _ => None,
        }
    }
}

/// The part of an address that is not its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Ip(IpAddr),
    Cid(u32),
}

/// `VMADDR_CID_ANY`.
const ANY_CID: u32 = u32::MAX;

impl Place {
    /// Whether a socket bound to this wildcard serves `own`; `v6only`: no IPv4 (`IPV6_V6ONLY`).
    fn accepts(self, own: Self, v6only: bool) -> bool {
        match (self, own) {
            (Self::Ip(IpAddr::V4(any)), Self::Ip(ip)) => any.is_unspecified() && ip.is_ipv4(),
            (Self::Ip(IpAddr::V6(any)), Self::Ip(ip)) => {
                any.is_unspecified() && (ip.is_ipv6() || !v6only)
            }
            (Self::Cid(any), Self::Cid(_)) => any == ANY_CID,
            _ => false,
        }
    }
}

fn split(address: Address) -> (Place, u32) {
    match canonical(address) {
        Address::Ip(ip, port) => (Place::Ip(ip), port.into()),
        Address::Vsock(cid, port) => (Place::Cid(cid), port),
    }
}

/// Listening sockets, by namespace, protocol and port.
struct Listeners<'a> {
    drafts: &'a [Draft],
    holders: &'a [Holder],
    by_port: BTreeMap<(u64, &'static str, u32), Vec<usize>>,
}

impl<'a> Listeners<'a> {
    fn of(drafts: &'a [Draft], addressed: &[(usize, &'a Draft)], holders: &'a [Holder]) -> Self {
        let mut by_port: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, draft) in addressed.iter().copied() {
            let socket = &draft.socket;
            if socket.state == SocketState::Listening
                && let (Some(netns), Some(protocol)) = (socket.netns, socket.protocol)
                && let Some((_, port)) = socket.local.map(split)
            {
                by_port
                    .entry((netns, wire_protocol(protocol), port))
                    .or_default()
                    .push(at);
            }
        }
        Self {
            drafts,
            holders,
            by_port,
        }
    }

    /// The listener where `accepted` was accepted: its exact address first, then the wildcard; of
    /// several (`SO_REUSEPORT`) the one that shares a holder.
    fn find(&self, accepted: usize) -> Option<usize> {
        let (netns, protocol, local, _) = tuple(&self.drafts[accepted])?;
        let (own, port) = split(local);
        let candidates = self.by_port.get(&(netns, protocol, port))?;
        let bound = |at: &usize| {
            self.drafts[*at]
                .socket
                .local
                .map(|address| split(address).0)
        };
        let exact: Vec<usize> = candidates
            .iter()
            .copied()
            .filter(|at| bound(at) == Some(own))
            .collect();
        let wildcard = |at: &usize| {
            let v6only = self.drafts[*at].v6only;
            bound(at).is_some_and(|any| any.accepts(own, v6only))
        };
        let wild = || candidates.iter().copied().filter(wildcard).collect();
        let fitting = if exact.is_empty() { wild() } else { exact };
        match fitting[..] {
            [one] => Some(one),
            _ => fitting
                .into_iter()
                .find(|at| share_holder(self.drafts, self.holders, *at, accepted)),
        }
    }
}
