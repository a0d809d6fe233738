//! Internet sockets: drafts from the diag dumps, connections where two address pairs mirror.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::HostId;
use super::draft::Draft;
use super::listeners::{id, share_holder};
use super::socket::{
    Address, Connection, ConnectionKind, ConnectionState, Evidence, Family, Holder,
    ListenerEvidence, SocketKey, SocketState, SocketType,
};
use crate::load::{Capture, inet_diag};

/// Dump names, with the type and protocol of their sockets.
const DUMPS: [(&str, SocketType, &str); 14] = [
    ("diag/tcp", SocketType::Stream, "tcp"),
    ("diag/tcp6", SocketType::Stream, "tcp"),
    ("diag/mptcp", SocketType::Stream, "mptcp"),
    ("diag/mptcp6", SocketType::Stream, "mptcp"),
    ("diag/udp", SocketType::Dgram, "udp"),
    ("diag/udp6", SocketType::Dgram, "udp"),
    ("diag/udplite", SocketType::Dgram, "udplite"),
    ("diag/udplite6", SocketType::Dgram, "udplite"),
    ("diag/raw", SocketType::Raw, "raw"),
    ("diag/raw6", SocketType::Raw, "raw"),
    ("diag/sctp", SocketType::Stream, "sctp"),
    ("diag/sctp6", SocketType::Stream, "sctp"),
    ("diag/dccp", SocketType::Stream, "dccp"),
    ("diag/dccp6", SocketType::Stream, "dccp"),
];

/// `TCP_ESTABLISHED` and its followers in `net/tcp_states.h`.
const TCP_ESTABLISHED: u8 = 1;
const TCP_SYN_SENT: u8 = 2;
const TCP_SYN_RECV: u8 = 3;
const TCP_TIME_WAIT: u8 = 6;
const TCP_CLOSE: u8 = 7;
const TCP_CLOSE_WAIT: u8 = 8;
const TCP_LISTEN: u8 = 10;
const TCP_NEW_SYN_RECV: u8 = 12;

/// The internet sockets of a host.
///
/// TIME-WAIT rows and orphans on their way out have no inode and no owner: they are no sockets of
/// the map. Connections that nobody has accepted yet have no inode either, and are kept.
pub(super) fn drafts(capture: &Capture, host: HostId) -> Vec<Draft> {
    let order = capture.byte_order();
    let mut drafts: Vec<Draft> = Vec::new();
    for (source, kind, protocol) in DUMPS {
        for raw in capture.sources(source) {
            let rows = inet_diag::rows(&raw.bytes, order).0;
            let kept = rows
                .iter()
                .filter(|row| row.inode != 0 || is_unaccepted(row));
            drafts.extend(kept.map(|row| draft(row, host, raw.header.netns, kind, protocol)));
        }
    }
    drafts.sort_by_key(|draft| (draft.socket.key, draft.socket.cookie));
    drafts.dedup_by_key(|draft| (draft.socket.key, draft.socket.cookie));
    absorb_mptcp(&mut drafts);
    drafts
}

fn is_unaccepted(row: &inet_diag::Row) -> bool {
    [
        TCP_ESTABLISHED,
        TCP_CLOSE_WAIT,
        TCP_SYN_RECV,
        TCP_NEW_SYN_RECV,
    ]
    .contains(&row.state)
}

fn draft(
    row: &inet_diag::Row,
    host: HostId,
    netns: u64,
    kind: SocketType,
    protocol: &'static str,
) -> Draft {
    let family = if row.v6 { Family::Inet6 } else { Family::Inet };
    let mut draft = Draft::new(host, row.inode.into(), family);
    let socket = &mut draft.socket;
    if row.inode == 0 {
        socket.key = SocketKey::Cookie(row.cookie);
    }
    socket.cookie = Some(row.cookie);
    socket.netns = Some(netns);
    socket.kind = kind;
    socket.protocol = Some(protocol);
    socket.state = match row.state {
        TCP_LISTEN => SocketState::Listening,
        TCP_ESTABLISHED if row.inode == 0 => SocketState::Pending,
        TCP_ESTABLISHED => SocketState::Established,
        TCP_SYN_SENT | TCP_SYN_RECV | TCP_NEW_SYN_RECV => SocketState::Connecting,
        TCP_TIME_WAIT => SocketState::TimeWait,
        TCP_CLOSE_WAIT => SocketState::CloseWait,
        TCP_CLOSE => SocketState::Unconnected,
        _ => SocketState::Closing,
    };
    socket.local = Some(Address::Ip(row.local.0, row.local.1));
    let has_remote = !row.remote.0.is_unspecified() || row.remote.1 != 0;
    socket.remote = has_remote.then_some(Address::Ip(row.remote.0, row.remote.1));
    socket.uid = Some(row.uid);
    socket.shutdown = row.shutdown;
    if socket.state == SocketState::Listening {
        socket.accepting = Some(true);
    }
    draft.set_queues(row.receive_queue, row.send_queue);
    draft
}

/// An MPTCP socket is in the TCP dump as well, under the same inode: the MPTCP row stays.
fn absorb_mptcp(drafts: &mut Vec<Draft>) {
    let is_mptcp = |draft: &Draft| draft.socket.protocol == Some("mptcp");
    drafts.sort_by_key(|draft| (draft.socket.key, !is_mptcp(draft), draft.socket.cookie));
    let mut absorbing = None;
    drafts.retain(|draft| {
        if is_mptcp(draft) && draft.socket.inode != 0 {
            absorbing = Some(draft.socket.inode);
            return true;
        }
        absorbing != Some(draft.socket.inode) || draft.socket.inode == 0
    });
}

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

/// The connections between a host's internet sockets; `drafts` are sorted by key.
pub(super) fn connections(drafts: &[Draft], first: usize, holders: &[Holder]) -> Vec<Connection> {
    let mut by_tuple: BTreeMap<Tuple, usize> = BTreeMap::new();
    let mut elsewhere: BTreeMap<(&str, Address, Address), Vec<usize>> = BTreeMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if let Some(tuple) = tuple(draft) {
            by_tuple.insert(tuple, at);
            elsewhere
                .entry((tuple.1, tuple.2, tuple.3))
                .or_default()
                .push(at);
        }
    }
    let listeners = Listeners::of(drafts, holders);
    let mut connections = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        let Some((netns, protocol, local, remote)) = tuple(draft) else {
            continue;
        };
        let same = by_tuple.get(&(netns, protocol, remote, local)).copied();
        // Over a veth both ends are on this host; never over loopback, which each namespace has.
        let other = same.or_else(|| {
            let [one] = elsewhere.get(&(protocol, remote, local))?[..] else {
                return None;
            };
            (!is_loopback(local) && !is_loopback(remote)).then_some(one)
        });
        match other {
            Some(other) if other < at => {}
            Some(other) => connections.push(pair(drafts, first, at, other, &listeners)),
            None => connections.push(alone(drafts, first, at, &listeners)),
        }
    }
    connections
}

fn is_loopback(address: Address) -> bool {
    matches!(address, Address::Ip(ip, _) if ip.is_loopback())
}

fn tuple(draft: &Draft) -> Option<Tuple> {
    let socket = &draft.socket;
    let connected = !matches!(
        socket.state,
        SocketState::Listening | SocketState::Unconnected
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
        kind: ConnectionKind::Inet,
        a: id(first, a),
        b: None,
        listener: listener.map(|at| id(first, at)),
        state,
        evidence: Evidence::Tuple,
        listener_evidence: listener.map(|_| ListenerEvidence::Address),
        confirmed: drafts[a].socket.seen_twice,
    }
}

/// Listening internet sockets, by namespace, protocol and port.
struct Listeners<'a> {
    drafts: &'a [Draft],
    holders: &'a [Holder],
    by_port: BTreeMap<(u64, &'static str, u16), Vec<usize>>,
}

impl<'a> Listeners<'a> {
    fn of(drafts: &'a [Draft], holders: &'a [Holder]) -> Self {
        let mut by_port: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            let socket = &draft.socket;
            if socket.state == SocketState::Listening
                && let (Some(netns), Some(protocol)) = (socket.netns, socket.protocol)
                && let Some(Address::Ip(_, port)) = socket.local
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
        let Address::Ip(ip, port) = local else {
            return None;
        };
        let candidates = self.by_port.get(&(netns, protocol, port))?;
        let bound = |at: &usize| match self.drafts[*at].socket.local.map(canonical) {
            Some(Address::Ip(address, _)) => Some(address),
            _ => None,
        };
        let exact: Vec<usize> = candidates
            .iter()
            .copied()
            .filter(|at| bound(at) == Some(ip))
            .collect();
        let wildcard = |at: &usize| {
            bound(at).is_some_and(|address| match address {
                IpAddr::V4(any) => any.is_unspecified() && ip.is_ipv4(),
                IpAddr::V6(any) => any.is_unspecified(),
            })
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
