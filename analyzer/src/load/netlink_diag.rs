//! Rows of the AF_NETLINK sock_diag dump.
//!
//! Reference: `linux/netlink_diag.h`.

use whotalks_snapshot::netlink::ByteOrder;

use super::sock_diag;

/// `struct netlink_diag_msg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `SOCK_*`.
    pub kind: u8,
    /// `NETLINK_*`.
    pub protocol: u8,
    /// Port id; 0: not bound.
    pub port: u32,
    /// Port id of the peer; 0: the kernel.
    pub peer_port: u32,
    /// Inode on sockfs.
    pub inode: u32,
    /// Socket cookie.
    pub cookie: u64,
}

/// The rows of a dump, and the number of unreadable messages.
pub fn rows(dump: &[u8], order: ByteOrder) -> (Vec<Row>, usize) {
    sock_diag::rows(dump, order, |payload, order| {
        let [_, kind, protocol, ..] = *payload else {
            return None;
        };
        Some(Row {
            kind,
            protocol,
            port: order.u32(payload, 4)?,
            peer_port: order.u32(payload, 8)?,
            inode: order.u32(payload, 16)?,
            cookie: sock_diag::cookie(payload, 20, order)?,
        })
    })
}
