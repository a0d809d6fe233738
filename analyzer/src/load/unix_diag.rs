//! Rows of the AF_UNIX sock_diag dump.
//!
//! References: sock_diag(7), `linux/unix_diag.h`.

use whotalks_snapshot::netlink::{ByteOrder, attributes};

use super::sock_diag;

/// `TCP_ESTABLISHED`, which unix(7) sockets use too.
pub const ESTABLISHED: u8 = 1;
/// `TCP_LISTEN`.
pub const LISTEN: u8 = 10;

const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_VFS: u16 = 1;
const UNIX_DIAG_PEER: u16 = 2;
const UNIX_DIAG_ICONS: u16 = 3;
const UNIX_DIAG_RQLEN: u16 = 4;
const UNIX_DIAG_MEMINFO: u16 = 5;
const UNIX_DIAG_SHUTDOWN: u16 = 6;
const UNIX_DIAG_UID: u16 = 7;

/// `SK_MEMINFO_WMEM_ALLOC`: index into the array of `UNIX_DIAG_MEMINFO`.
const WMEM_ALLOC: usize = 2;

/// `struct unix_diag_msg` and its attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// `SOCK_*`.
    pub kind: u8,
    /// `TCP_*`.
    pub state: u8,
    /// Inode on sockfs (32 bits).
    pub inode: u32,
    /// Socket cookie.
    pub cookie: u64,
    /// Bound name; abstract names begin with NUL, paths end with NUL.
    pub name: Vec<u8>,
    /// Inode (32 bits) and kernel-encoded device of the bound file.
    pub vfs: Option<(u32, u32)>,
    /// Inode of the peer; `Some(0)`: the peer has no inode.
    pub peer: Option<u32>,
    /// `struct unix_diag_rqlen`: receive and write queue; of listeners pending and backlog.
    pub queues: Option<(u32, u32)>,
    /// Memory of written, unread data, in bytes (`SK_MEMINFO_WMEM_ALLOC`).
    pub write_memory_bytes: Option<u32>,
    /// Directions shut down.
    pub shutdown: u8,
    /// User id.
    pub uid: Option<u32>,
    /// Listeners: inodes of the clients not yet accepted; 0: the client has closed.
    pub waiting: Vec<u32>,
}

/// The rows of a dump, and the number of unreadable messages.
pub fn rows(dump: &[u8], order: ByteOrder) -> (Vec<Row>, usize) {
    let (heads, bad) = heads(dump, order);
    (heads.iter().map(|head| head.row(order)).collect(), bad)
}

/// A message of which only the part that identifies the socket is parsed: dumps are sorted by it before
/// their attributes are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// Inode on sockfs (32 bits).
    pub inode: u32,
    /// Socket cookie.
    pub cookie: u64,
    kind: u8,
    state: u8,
    attributes: &'a [u8],
}

/// The messages of a dump, and the number of unreadable ones.
pub fn heads(dump: &[u8], order: ByteOrder) -> (Vec<Head<'_>>, usize) {
    sock_diag::rows(dump, order, head)
}

/// `udiag_family, udiag_type, udiag_state, pad, udiag_ino, udiag_cookie[2]`.
fn head(payload: &[u8], order: ByteOrder) -> Option<Head<'_>> {
    let [_, kind, state, ..] = *payload else {
        return None;
    };
    Some(Head {
        inode: order.u32(payload, 4)?,
        cookie: sock_diag::cookie(payload, 8, order)?,
        kind,
        state,
        attributes: payload.get(16..)?,
    })
}

impl Head<'_> {
    /// The whole row.
    pub fn row(&self, order: ByteOrder) -> Row {
        let mut row = Row {
            kind: self.kind,
            state: self.state,
            inode: self.inode,
            cookie: self.cookie,
            ..Row::default()
        };
        for (attribute, value) in attributes(self.attributes, order) {
            match attribute {
                UNIX_DIAG_NAME => row.name = value.to_vec(),
                UNIX_DIAG_VFS => row.vfs = order.u32(value, 0).zip(order.u32(value, 4)),
                UNIX_DIAG_PEER => row.peer = order.u32(value, 0),
                UNIX_DIAG_ICONS => {
                    let words = 0..value.len() / 4;
                    row.waiting = words.filter_map(|i| order.u32(value, 4 * i)).collect();
                }
                UNIX_DIAG_RQLEN => row.queues = order.u32(value, 0).zip(order.u32(value, 4)),
                UNIX_DIAG_MEMINFO => row.write_memory_bytes = order.u32(value, 4 * WMEM_ALLOC),
                UNIX_DIAG_SHUTDOWN => row.shutdown = value.first().copied().unwrap_or(0),
                UNIX_DIAG_UID => row.uid = order.u32(value, 0),
                _ => {}
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message as the kernel sent it: an abstract datagram socket with a peer.
    const MESSAGE: &[u8] = b"\x38\0\0\0\x14\0\x02\0\x01\0\0\0\0\0\0\0\
        \x01\x02\x07\0\x2a\0\0\0\x07\0\0\0\x01\0\0\0\
        \x07\0\0\0\0a\n\0\x08\0\x02\0\x2b\0\0\0\x05\0\x06\0\x03\0\0\0";

    #[test]
    fn attributes_are_read() {
        let (rows, bad) = rows(MESSAGE, ByteOrder::Little);
        let expected = Row {
            kind: 2,
            state: 7,
            inode: 42,
            cookie: 7 | 1 << 32,
            name: b"\0a\n".to_vec(),
            peer: Some(43),
            shutdown: 3,
            ..Row::default()
        };
        assert_eq!((rows.as_slice(), bad), ([expected].as_slice(), 0));
    }

    #[test]
    fn no_prefix_panics() {
        for cut in 0..MESSAGE.len() {
            let (rows, bad) = rows(&MESSAGE[..cut], ByteOrder::Little);
            assert!(rows.is_empty() && (bad == 1 || cut == 0));
        }
    }
}
