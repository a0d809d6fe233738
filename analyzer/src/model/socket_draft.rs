//! Sockets while they are being put together: what tables say, before holders and connections.

use super::socket::{Family, Socket, SocketKey, SocketState, SocketType};
use super::{HostId, Warning};

/// A socket with what only the joining needs.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) socket: Socket,
    /// Unix: inode of the peer; `Some(0)`: there is one, without an inode.
    pub(super) peer: Option<u32>,
    /// Unix listeners: inodes of the clients that wait.
    pub(super) waiting: Vec<u32>,
    /// IPv6: does not serve IPv4 (`IPV6_V6ONLY`).
    pub(super) v6only: bool,
}

impl Draft {
    /// A socket of which nothing but inode and family is known.
    pub(super) fn new(host: HostId, inode: u64, family: Family) -> Self {
        Self {
            socket: Socket::unknown(host, inode, family),
            peer: None,
            waiting: Vec::new(),
            v6only: false,
        }
    }

    /// Sets what the queue numbers of a diag row mean for this state.
    pub(super) fn set_queues(&mut self, receive: u32, send: u32) {
        let socket = &mut self.socket;
        if socket.state == SocketState::Listening {
            (socket.pending, socket.backlog) = (Some(receive), Some(send));
        } else {
            (socket.recv_queue_bytes, socket.send_queue_bytes) = (receive.into(), send.into());
        }
    }
}

/// `SOCK_*` of `linux/net.h`, as most architectures number them.
pub(super) fn socket_type(number: u8) -> SocketType {
    match number {
        1 => SocketType::Stream,
        2 => SocketType::Dgram,
        3 => SocketType::Raw,
        5 => SocketType::Seqpacket,
        _ => SocketType::Unknown,
    }
}

/// Puts more at the end; the first and by far largest part is not copied.
pub(super) fn append<T>(all: &mut Vec<T>, mut more: Vec<T>) {
    if all.is_empty() {
        *all = more;
    } else {
        all.append(&mut more);
    }
}

/// Sorts by key and gives each key to one socket.
///
/// The same socket listed twice (two looks, or one namespace read through two processes) is one; two
/// sockets under one inode (inodes are 32 bits wide and wrap) both stay, the later under its cookie.
pub(super) fn settle(drafts: &mut Vec<Draft>, warnings: &mut Vec<Warning>) {
    // What only the text table says comes after what a dump says: it never replaces that.
    drafts.sort_by_key(|draft| {
        let socket = &draft.socket;
        (socket.key, socket.cookie.is_none(), socket.cookie)
    });
    drafts.dedup_by(|later, kept| {
        let (a, b) = (&later.socket, &kept.socket);
        let same = a.key == b.key && (a.cookie == b.cookie || a.cookie.is_none());
        if same && a.cookie != b.cookie && a.netns != b.netns {
            warnings.push(Warning {
                host: a.host,
                kind: "forged-row",
                text: format!(
                    "/proc/net/unix of another network namespace claims the inode {} of a socket \
                     that the diag dump knows; not believed",
                    a.inode
                ),
            });
        }
        same
    });
    let mut moved = false;
    let mut previous = None;
    for draft in drafts.iter_mut() {
        let socket = &mut draft.socket;
        if previous == Some(socket.key)
            && let Some(cookie) = socket.cookie
        {
            warnings.push(Warning {
                host: socket.host,
                kind: "shared-inode",
                text: format!(
                    "two sockets have the inode {}; its holders may be either's",
                    socket.inode
                ),
            });
            socket.key = SocketKey::Cookie(cookie);
            moved = true;
        } else {
            previous = Some(socket.key);
        }
    }
    if moved {
        drafts.sort_by_key(|draft| draft.socket.key);
    }
}
