//! Rows of the AF_VSOCK sock_diag dump.
//!
//! Reference: `linux/vm_sockets_diag.h`.

use whotalks_snapshot::netlink::ByteOrder;

use super::sock_diag;

/// `struct vsock_diag_msg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `SOCK_*`.
    pub kind: u8,
    /// `TCP_*`.
    pub state: u8,
    /// Directions shut down.
    pub shutdown: u8,
    /// Local context id and port.
    pub local: (u32, u32),
    /// Remote context id and port.
    pub remote: (u32, u32),
    /// Inode on sockfs.
    pub inode: u32,
    /// Socket cookie.
    pub cookie: u64,
}

/// The rows of a dump, and the number of unreadable messages.
pub fn rows(dump: &[u8], order: ByteOrder) -> (Vec<Row>, usize) {
    sock_diag::rows(dump, order, |payload, order| {
        let [_, kind, state, shutdown, ..] = *payload else {
            return None;
        };
        let word = |at| order.u32(payload, at);
        Some(Row {
            kind,
            state,
            shutdown,
            local: (word(4)?, word(8)?),
            remote: (word(12)?, word(16)?),
            inode: word(20)?,
            cookie: sock_diag::cookie(payload, 24, order)?,
        })
    })
}
