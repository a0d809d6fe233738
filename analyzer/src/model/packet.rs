//! Packet sockets. They receive the frames of an interface and have no peer.
//!
//! Reference: packet(7).

use super::ids::HostId;
use super::socket::{Family, SocketState};
use super::socket_draft::{SocketDraft, socket_type};
use crate::load::{Capture, RawSource, packet_diag};

/// `ETH_P_ALL` of `linux/if_ether.h`.
const ETH_P_ALL: u16 = 3;

/// The packet sockets of a host.
pub(super) fn drafts(capture: &Capture, host: HostId) -> Vec<SocketDraft> {
    let order = capture.byte_order();
    let of_source = |raw: &RawSource| {
        let rows = packet_diag::rows(&raw.bytes, order).0;
        rows.into_iter()
            .map(|row| draft(&row, host, raw.header.netns))
            .collect::<Vec<_>>()
    };
    capture.sources("diag/packet").flat_map(of_source).collect()
}

fn draft(row: &packet_diag::Row, host: HostId, netns: u64) -> SocketDraft {
    let mut draft = SocketDraft::new(host, row.inode.into(), Family::Packet);
    let socket = &mut draft.socket;
    socket.cookie = Some(row.cookie);
    socket.netns = Some(netns);
    socket.kind = socket_type(row.kind);
    socket.protocol = Some(match row.protocol {
        ETH_P_ALL => "all",
        0x0800 => "ip",
        0x0806 => "arp",
        0x86dd => "ipv6",
        0x88cc => "lldp",
        0 => "none",
        _ => "other",
    });
    socket.state = SocketState::Unconnected;
    draft
}
