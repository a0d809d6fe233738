//! Rows of the AF_PACKET sock_diag dump.
//!
//! Reference: `linux/packet_diag.h`.

use whotalks_snapshot::netlink::ByteOrder;

use super::sock_diag;

/// `struct packet_diag_msg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `SOCK_*`.
    pub kind: u8,
    /// Ethernet protocol number (`ETH_P_*`).
    pub protocol: u16,
    /// Inode on sockfs.
    pub inode: u32,
    /// Socket cookie.
    pub cookie: u64,
}

/// The rows of a dump, and the number of unreadable messages.
pub fn rows(dump: &[u8], order: ByteOrder) -> (Vec<Row>, usize) {
    sock_diag::rows(dump, order, |payload, order| {
        Some(Row {
            kind: *payload.get(1)?,
            protocol: order.u16(payload, 2)?,
            inode: order.u32(payload, 4)?,
            cookie: sock_diag::cookie(payload, 8, order)?,
        })
    })
}
