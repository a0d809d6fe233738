//! Reads internet sockets from the sock_diag dumps; where one is missing, from the text tables of
//! `/proc/net`.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::coverage::Readable;
use super::ids::HostId;
use super::inet_address::{canonical, wire_protocol};
use super::socket::{Address, Family, SocketKey, SocketState, SocketType};
use super::socket_draft::SocketDraft;
use crate::load::{Capture, RawSource, inet_diag, proc_net_inet};

/// Protocols, with the type of their sockets. Dumps are `diag/tcp` and `diag/tcp6`, text tables `net/tcp`
/// and `net/tcp6`. Ping sockets (`icmp`) are in no dump, MPTCP, SCTP and DCCP in no text table.
const PROTOCOLS: [(&str, SocketType); 8] = [
    ("tcp", SocketType::Stream),
    ("mptcp", SocketType::Stream),
    ("udp", SocketType::Dgram),
    ("udplite", SocketType::Dgram),
    ("raw", SocketType::Raw),
    ("sctp", SocketType::Stream),
    ("dccp", SocketType::Stream),
    ("icmp", SocketType::Dgram),
];

/// `TCP_ESTABLISHED` and its followers in `net/tcp_states.h`.
const TCP_ESTABLISHED: u8 = 1;
const TCP_SYN_SENT: u8 = 2;
const TCP_SYN_RECV: u8 = 3;
const TCP_FIN_WAIT1: u8 = 4;
const TCP_FIN_WAIT2: u8 = 5;
const TCP_TIME_WAIT: u8 = 6;
const TCP_CLOSE: u8 = 7;
const TCP_CLOSE_WAIT: u8 = 8;
const TCP_LAST_ACK: u8 = 9;
const TCP_LISTEN: u8 = 10;
const TCP_CLOSING: u8 = 11;
const TCP_NEW_SYN_RECV: u8 = 12;

/// The internet sockets of a host, and its rows without a socket.
#[derive(Default)]
pub(super) struct InetSockets {
    /// Rows without inode are connections that are not accepted yet.
    pub(super) drafts: Vec<SocketDraft>,
    /// Sorted by protocol and addresses.
    pub(super) orphans: Vec<Orphan>,
}

/// A row of a connection whose process has closed its end: it has no socket and no holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Orphan {
    /// That of [`wire_protocol`](super::inet_address::wire_protocol).
    pub(super) protocol: &'static str,
    pub(super) local: Address,
    pub(super) remote: Address,
    pub(super) netns: u64,
    pub(super) state: SocketState,
}

/// Reads the internet sockets of a host.
pub(super) fn read(capture: &Capture, host: HostId) -> InetSockets {
    let order = capture.byte_order();
    let mut drafts: Vec<SocketDraft> = Vec::new();
    let mut orphans: Vec<Orphan> = Vec::new();
    for (table, kind, protocol) in tables() {
        let dump = format!("diag/{table}");
        let mut readings: Vec<_> = capture.sources(&dump).collect();
        // The latest row of a socket takes precedence.
        readings.sort_by_key(|raw| Reverse((raw.header.pass, raw.header.attempt)));
        for raw in readings {
            let rows = inet_diag::rows(&raw.bytes, order).0;
            let netns = raw.header.netns;
            orphans.extend(rows.iter().filter_map(|row| orphan(row, netns, protocol)));
            let live = rows
                .iter()
                .filter(|row| row.inode != 0 || is_unaccepted(row));
            drafts.extend(live.map(|row| draft(row, host, netns, kind, protocol)));
        }
    }
    drafts.sort_by_key(|draft| (draft.socket.key, draft.socket.cookie));
    drafts.dedup_by_key(|draft| (draft.socket.key, draft.socket.cookie));
    absorb_mptcp(&mut drafts);
    drafts.extend(from_text(capture, host, &mut orphans));
    // The state may differ between two readings.
    orphans.sort();
    orphans.dedup_by_key(|row| (row.protocol, row.local, row.remote, row.netns));
    InetSockets { drafts, orphans }
}

/// The row as one without a socket, if it is one.
fn orphan(row: &inet_diag::Row, netns: u64, protocol: &'static str) -> Option<Orphan> {
    let state = state(row.state);
    let (local, remote) = addresses(row.local, row.remote);
    (row.inode == 0 && state.is_closing() && !is_unaccepted(row)).then_some(Orphan {
        netns,
        protocol: wire_protocol(protocol),
        local: canonical(local?),
        remote: canonical(remote?),
        state,
    })
}

/// Names of all tables, with type and protocol of their sockets.
fn tables() -> impl Iterator<Item = (String, SocketType, &'static str)> {
    PROTOCOLS.into_iter().flat_map(|(protocol, kind)| {
        ["", "6"].map(|version| (format!("{protocol}{version}"), kind, protocol))
    })
}

/// The sockets of namespaces and protocols without a dump. Rows without inode are left out: the text
/// tables have no cookies.
fn from_text(capture: &Capture, host: HostId, orphans: &mut Vec<Orphan>) -> Vec<SocketDraft> {
    let order = capture.byte_order();
    let mut drafts: Vec<SocketDraft> = Vec::new();
    for (table, kind, protocol) in tables() {
        let (text, dump) = (format!("net/{table}"), format!("diag/{table}"));
        if !proc_net_inet::is_inet_table(text.as_bytes()) {
            continue;
        }
        let dumps: Vec<&RawSource> = capture.sources(&dump).collect();
        let mut readings: Vec<&RawSource> = capture.sources(&text).collect();
        readings.sort_by_key(|raw| raw.header.netns);
        for raw in readings {
            let netns = raw.header.netns;
            let same_netns = dumps.iter().filter(|dump| dump.header.netns == netns);
            if Readable::best(same_netns.copied()).has_rows() {
                continue;
            }
            let rows = proc_net_inet::rows(&raw.bytes, order).0;
            orphans.extend(rows.iter().filter_map(|row| orphan(row, netns, protocol)));
            let owned = rows.iter().filter(|row| row.inode != 0);
            drafts.extend(owned.map(|row| text_draft(row, host, netns, kind, protocol)));
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
) -> SocketDraft {
    let family = if row.v6 { Family::Inet6 } else { Family::Inet };
    let mut draft = SocketDraft::new(host, row.inode.into(), family);
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
    // Sequence numbers count a FIN and a SYN as a byte, which nobody can read and nobody wrote.
    let fin_received = matches!(
        row.state,
        TCP_CLOSE_WAIT | TCP_LAST_ACK | TCP_CLOSING | TCP_TIME_WAIT
    );
    let unacknowledged = matches!(
        row.state,
        TCP_SYN_SENT | TCP_FIN_WAIT1 | TCP_CLOSING | TCP_LAST_ACK
    );
    let is_stream = kind == SocketType::Stream;
    draft.set_queues(
        row.receive_queue
            .saturating_sub((is_stream && fin_received).into()),
        row.send_queue
            .saturating_sub((is_stream && unacknowledged).into()),
    );
    draft
}

fn text_draft(
    row: &inet_diag::Row,
    host: HostId,
    netns: u64,
    kind: SocketType,
    protocol: &'static str,
) -> SocketDraft {
    let mut draft = draft(row, host, netns, kind, protocol);
    // The text tables have neither.
    (draft.socket.cookie, draft.socket.backlog) = (None, None);
    draft
}

fn state(number: u8) -> SocketState {
    match number {
        TCP_LISTEN => SocketState::Listening,
        TCP_ESTABLISHED => SocketState::Established,
        TCP_SYN_SENT | TCP_SYN_RECV | TCP_NEW_SYN_RECV => SocketState::Connecting,
        TCP_TIME_WAIT => SocketState::TimeWait,
        TCP_FIN_WAIT1 => SocketState::FinWait1,
        TCP_FIN_WAIT2 => SocketState::FinWait2,
        TCP_LAST_ACK => SocketState::LastAck,
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
fn absorb_mptcp(drafts: &mut Vec<SocketDraft>) {
    let is_mptcp = |draft: &SocketDraft| draft.socket.protocol == Some("mptcp");
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
