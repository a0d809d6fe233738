//! vsock sockets, which connect virtual machines and their hosts.
//!
//! Reference: vsock(7).

use super::ids::HostId;
use super::socket::{Address, Family, SocketState};
use super::socket_draft::{SocketDraft, socket_type};
use crate::load::{Capture, RawSource, vsock_diag};

/// `TCP_ESTABLISHED`, `TCP_SYN_SENT` and `TCP_LISTEN`, which vsock uses too.
const ESTABLISHED: u8 = 1;
const SYN_SENT: u8 = 2;
const LISTEN: u8 = 10;
/// `VMADDR_PORT_ANY`.
const ANY: u32 = u32::MAX;

/// The vsock sockets of a host that a descriptor can refer to.
pub(super) fn drafts(capture: &Capture, host: HostId) -> Vec<SocketDraft> {
    let order = capture.byte_order();
    let of_source = |raw: &RawSource| {
        let rows = vsock_diag::rows(&raw.bytes, order).0;
        let held = rows.into_iter().filter(|row| row.inode != 0);
        held.map(|row| draft(&row, host, raw.header.netns))
            .collect::<Vec<_>>()
    };
    capture.sources("diag/vsock").flat_map(of_source).collect()
}

fn draft(row: &vsock_diag::Row, host: HostId, netns: u64) -> SocketDraft {
    let mut draft = SocketDraft::new(host, row.inode.into(), Family::Vsock);
    let socket = &mut draft.socket;
    socket.cookie = Some(row.cookie);
    socket.netns = Some(netns);
    socket.kind = socket_type(row.kind);
    socket.protocol = Some("vsock");
    socket.shutdown = row.shutdown;
    socket.state = match row.state {
        LISTEN => SocketState::Listening,
        ESTABLISHED => SocketState::Established,
        SYN_SENT => SocketState::Connecting,
        _ => SocketState::Unconnected,
    };
    socket.accepting = (row.state == LISTEN).then_some(true);
    socket.local = (row.local.1 != ANY).then_some(Address::Vsock(row.local.0, row.local.1));
    let connected = matches!(row.state, ESTABLISHED | SYN_SENT);
    socket.remote = connected.then_some(Address::Vsock(row.remote.0, row.remote.1));
    draft
}
