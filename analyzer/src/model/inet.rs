//! Internet sockets, from the diag dumps.

use std::cmp::Reverse;

use super::HostId;
use super::draft::Draft;
use super::socket::{Address, Family, SocketKey, SocketState, SocketType};
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
        let mut readings: Vec<_> = capture.sources(source).collect();
        // Of a socket that several list, the latest row counts.
        readings.sort_by_key(|raw| Reverse((raw.header.pass, raw.header.attempt)));
        for raw in readings {
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
    draft.v6only = row.v6only;
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
