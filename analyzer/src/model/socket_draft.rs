//! Sockets under construction: rows of the kernel's tables, before they are joined with holders and
//! connections.

use super::connection::{Connection, ConnectionKind, ConnectionState};
use super::evidence::Evidence;
use super::holder::Holder;
use super::ids::{HostId, SocketId};
use super::socket::{Family, Socket, SocketKey, SocketState, SocketType};
use super::warning::Warning;

/// A socket, with the columns of its row that only the joins need.
#[derive(Debug, Clone)]
pub(super) struct SocketDraft {
    pub(super) socket: Socket,
    /// Unix: inode of the peer; `Some(0)`: the peer has no inode.
    pub(super) peer: Option<u32>,
    /// Unix listeners: inodes of the clients not yet accepted.
    pub(super) waiting: Vec<u32>,
    /// IPv6: does not accept IPv4 (`IPV6_V6ONLY`).
    pub(super) v6only: bool,
}

impl SocketDraft {
    /// A socket with only inode and family known.
    pub(super) fn new(host: HostId, inode: u64, family: Family) -> Self {
        Self {
            socket: Socket::unknown(host, inode, family),
            peer: None,
            waiting: Vec::new(),
            v6only: false,
        }
    }

    /// Sets the queue columns of a diag row, whose meaning depends on the state.
    pub(super) fn set_queues(&mut self, receive: u32, send: u32) {
        let socket = &mut self.socket;
        if socket.state == SocketState::Listening {
            (socket.pending, socket.backlog) = (Some(receive), Some(send));
        } else {
            (socket.recv_queue_bytes, socket.send_queue_bytes) = (receive.into(), send.into());
        }
    }
}

/// The sockets of a host while they are joined: drafts sorted by key, with their holders.
#[derive(Clone, Copy)]
pub(super) struct HostSockets<'a> {
    pub(super) drafts: &'a [SocketDraft],
    pub(super) holders: &'a [Holder],
    /// The id of the first draft.
    pub(super) first: usize,
}

impl HostSockets<'_> {
    /// The socket at an index.
    pub(super) fn socket(&self, index: usize) -> &Socket {
        &self.drafts[index].socket
    }

    /// The id of the socket at an index.
    pub(super) fn id(&self, index: usize) -> SocketId {
        SocketId::new(self.first + index)
    }

    /// The holders of the socket at an index.
    fn holders(&self, index: usize) -> &[Holder] {
        let range = &self.socket(index).holders;
        &self.holders[range.start as usize..range.end as usize]
    }

    /// Whether one process holds both sockets.
    pub(super) fn share_holder(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.holders(a), self.holders(b));
        b.iter().any(|holder| {
            a.binary_search_by_key(&holder.process, |h| h.process)
                .is_ok()
        })
    }

    /// A connection without listener; confirmed where both ends are.
    pub(super) fn connection(
        &self,
        kind: ConnectionKind,
        (a, b): (usize, Option<usize>),
        state: ConnectionState,
        evidence: Evidence,
    ) -> Connection {
        let seen_twice = |index: usize| self.socket(index).seen_twice;
        Connection {
            kind,
            a: self.id(a),
            b: b.map(|b| self.id(b)),
            listener: None,
            state,
            evidence,
            listener_evidence: None,
            confirmed: seen_twice(a) && b.is_none_or(seen_twice),
            bound_to: None,
            listener_group: Box::default(),
            orphan: None,
            translation: None,
            hidden: false,
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

/// Appends `more` to `all`. An empty `all` takes over the memory of `more`: the first part is by far
/// the largest.
pub(super) fn append<T>(all: &mut Vec<T>, mut more: Vec<T>) {
    if all.is_empty() {
        *all = more;
    } else {
        all.append(&mut more);
    }
}

/// Sorts by key and makes keys unique.
///
/// A socket that is listed twice (in two passes, or in one namespace read through two processes) is
/// merged. Of two sockets with one inode (inodes are 32 bits wide and wrap) both stay, the later under
/// its cookie.
pub(super) fn merge_duplicates(drafts: &mut Vec<SocketDraft>, warnings: &mut Vec<Warning>) {
    // Rows of the text table have no cookie and come last: they never replace rows of a dump.
    drafts.sort_by_key(|draft| {
        let socket = &draft.socket;
        (socket.key, socket.cookie.is_none(), socket.cookie)
    });
    drafts.dedup_by(|later, earlier| {
        let (a, b) = (&later.socket, &earlier.socket);
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
    let mut changed = false;
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
            changed = true;
        } else {
            previous = Some(socket.key);
        }
    }
    if changed {
        drafts.sort_by_key(|draft| draft.socket.key);
    }
}
