//! Reads internet sockets from the sock_diag dumps; where one is missing, from the text tables of
//! `/proc/net`.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::coverage::Readable;
use super::ids::HostId;
use super::socket::{Address, Family, SocketKey, SocketState, SocketType};
use super::socket_draft::Draft;
use crate::load::{Capture, RawSource, inet_diag, proc_net_inet};

/// Dumps, with type and protocol of their sockets.
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

/// Text tables, with type and protocol of their sockets, and the dump they replace.
const TABLES: [(&str, SocketType, &str, &str); 10] = [
    ("net/tcp", SocketType::Stream, "tcp", "diag/tcp"),
    ("net/tcp6", SocketType::Stream, "tcp", "diag/tcp6"),
    ("net/udp", SocketType::Dgram, "udp", "diag/udp"),
    ("net/udp6", SocketType::Dgram, "udp", "diag/udp6"),
    ("net/udplite", SocketType::Dgram, "udplite", "diag/udplite"),
    (
        "net/udplite6",
        SocketType::Dgram,
        "udplite",
        "diag/udplite6",
    ),
    ("net/raw", SocketType::Raw, "raw", "diag/raw"),
    ("net/raw6", SocketType::Raw, "raw", "diag/raw6"),
    // Ping sockets: sock_diag does not list them.
    ("net/icmp", SocketType::Dgram, "icmp", "diag/icmp"),
    ("net/icmp6", SocketType::Dgram, "icmp", "diag/icmp6"),
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
/// TIME-WAIT rows and orphaned sockets have no inode and no owner, and are left out. Connections not
/// yet accepted have no inode either, and stay.
pub(super) fn drafts(capture: &Capture, host: HostId) -> Vec<Draft> {
    let order = capture.byte_order();
    let mut drafts: Vec<Draft> = Vec::new();
    for (source, kind, protocol) in DUMPS {
        let mut readings: Vec<_> = capture.sources(source).collect();
        // The latest row of a socket takes precedence.
        readings.sort_by_key(|raw| Reverse((raw.header.pass, raw.header.attempt)));
        for raw in readings {
            let rows = inet_diag::rows(&raw.bytes, order).0;
            let live = rows
                .iter()
                .filter(|row| row.inode != 0 || is_unaccepted(row));
            drafts.extend(live.map(|row| draft(row, host, raw.header.netns, kind, protocol)));
        }
    }
    drafts.sort_by_key(|draft| (draft.socket.key, draft.socket.cookie));
    drafts.dedup_by_key(|draft| (draft.socket.key, draft.socket.cookie));
    absorb_mptcp(&mut drafts);
    drafts.extend(from_text(capture, host));
    drafts
}

/// The sockets of namespaces and protocols without a dump. Rows without inode are left out: the text
/// tables have no cookies.
fn from_text(capture: &Capture, host: HostId) -> Vec<Draft> {
    let order = capture.byte_order();
    let mut drafts: Vec<Draft> = Vec::new();
    for (table, kind, protocol, dump) in TABLES {
        let netns_of = |raw: &&RawSource| raw.header.netns;
        let namespaces: BTreeSet<u64> = capture.sources(table).map(|raw| netns_of(&raw)).collect();
        for netns in namespaces {
            let sources = |name| {
                capture
                    .sources(name)
                    .filter(move |raw| netns_of(raw) == netns)
            };
            if Readable::best(sources(dump)).has_rows() {
                continue;
            }
            for raw in sources(table) {
                let rows = proc_net_inet::rows(&raw.bytes, order).0;
                let owned = rows.iter().filter(|row| row.inode != 0);
                drafts.extend(owned.map(|row| text_draft(row, host, netns, kind, protocol)));
            }
        }
    }
    drafts.sort_by_key(|draft| draft.socket.key);
    drafts.dedup_by_key(|draft| draft.socket.key);
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
        TCP_ESTABLISHED if row.inode == 0 => SocketState::Pending,
        other => state(other),
    };
    (socket.local, socket.remote) = addresses(row.local, row.remote);
    socket.uid = Some(row.uid);
    socket.shutdown = row.shutdown;
    if socket.state == SocketState::Listening {
        socket.accepting = Some(true);
    }
    draft.v6only = row.v6only;
    draft.set_queues(row.receive_queue, row.send_queue);
    draft
}

fn text_draft(
    row: &proc_net_inet::Row,
    host: HostId,
    netns: u64,
    kind: SocketType,
    protocol: &'static str,
) -> Draft {
    let family = if row.local.0.is_ipv6() {
        Family::Inet6
    } else {
        Family::Inet
    };
    let mut draft = Draft::new(host, row.inode.into(), family);
    let socket = &mut draft.socket;
    socket.netns = Some(netns);
    socket.kind = kind;
    socket.protocol = Some(protocol);
    socket.state = state(row.state);
    (socket.local, socket.remote) = addresses(row.local, row.remote);
    socket.uid = Some(row.uid);
    if socket.state == SocketState::Listening {
        socket.accepting = Some(true);
        // The text tables lack the backlog.
        socket.pending = Some(row.receive_queue);
    } else {
        draft.set_queues(row.receive_queue, row.send_queue);
    }
    draft
}

fn state(number: u8) -> SocketState {
    match number {
        TCP_LISTEN => SocketState::Listening,
        TCP_ESTABLISHED => SocketState::Established,
        TCP_SYN_SENT | TCP_SYN_RECV | TCP_NEW_SYN_RECV => SocketState::Connecting,
        TCP_TIME_WAIT => SocketState::TimeWait,
        TCP_CLOSE_WAIT => SocketState::CloseWait,
        TCP_CLOSE => SocketState::Unconnected,
        _ => SocketState::Closing,
    }
}

/// Local address, and remote address where the socket is connected.
fn addresses(local: (IpAddr, u16), remote: (IpAddr, u16)) -> (Option<Address>, Option<Address>) {
    let has_remote = !remote.0.is_unspecified() || remote.1 != 0;
    (
        Some(Address::Ip(local.0, local.1)),
        has_remote.then_some(Address::Ip(remote.0, remote.1)),
    )
}

/// Drops the TCP row of each MPTCP socket: both dumps list it, under one inode.
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
