//! Keeps the conversations of some kinds (`draw --kinds`).

use clap::ValueEnum;

use super::kept_rows::KeptRows;
use super::rebuild::rebuild;
use crate::model::{ChannelKind, ConnectionKind, Family, Map};

/// A kind of conversation.
///
/// The documentation of a variant is its `--help` text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum TalkKind {
    /// Unix sockets
    Unix,
    /// Internet sockets, packet and other sockets
    Inet,
    /// Netlink
    Netlink,
    /// vsock
    Vsock,
    /// Pipes and FIFOs
    Pipe,
    /// Pseudo-terminals
    Pty,
    /// POSIX message queues
    Mqueue,
    /// System V shared memory, message queues and semaphores
    Sysv,
    /// Shared memory by descriptor: memfd, /dev/shm
    Shm,
    /// Eventfds in several processes
    Eventfd,
    /// File locks that somebody waits for
    Lock,
}

/// The kinds that are drawn by default.
pub const DEFAULT_KINDS: [TalkKind; 6] = [
    TalkKind::Unix,
    TalkKind::Inet,
    TalkKind::Netlink,
    TalkKind::Vsock,
    TalkKind::Pipe,
    TalkKind::Pty,
];

impl From<ChannelKind> for TalkKind {
    fn from(kind: ChannelKind) -> Self {
        match kind {
            ChannelKind::Pty => Self::Pty,
            ChannelKind::Mqueue => Self::Mqueue,
            ChannelKind::SysvShm | ChannelKind::SysvMsg | ChannelKind::SysvSem => Self::Sysv,
            ChannelKind::Shm => Self::Shm,
            ChannelKind::Eventfd => Self::Eventfd,
            ChannelKind::Lock => Self::Lock,
        }
    }
}

impl From<ConnectionKind> for TalkKind {
    fn from(kind: ConnectionKind) -> Self {
        match kind {
            ConnectionKind::Unix => Self::Unix,
            ConnectionKind::Inet => Self::Inet,
            ConnectionKind::Netlink => Self::Netlink,
            ConnectionKind::Vsock => Self::Vsock,
        }
    }
}

impl From<Family> for TalkKind {
    fn from(family: Family) -> Self {
        match family {
            Family::Unix => Self::Unix,
            Family::Netlink => Self::Netlink,
            Family::Vsock => Self::Vsock,
            Family::Inet | Family::Inet6 | Family::Packet | Family::Other => Self::Inet,
        }
    }
}

/// Removes sockets, connections and pipes of other kinds; hides channels of other kinds, and shows those
/// of these kinds.
#[must_use]
pub fn keep_kinds(mut map: Map, kinds: &[TalkKind]) -> Map {
    let wants = |kind: TalkKind| kinds.contains(&kind);
    for channel in &mut map.channels {
        channel.hidden = !wants(channel.kind.into());
    }
    if DEFAULT_KINDS[..5].iter().all(|kind| wants(*kind)) {
        return map;
    }
    let mut rows = KeptRows::all(&map);
    for (kept, socket) in rows.sockets.iter_mut().zip(&map.sockets) {
        *kept = wants(socket.family.into());
    }
    for (kept, connection) in rows.connections.iter_mut().zip(&map.connections) {
        *kept = wants(connection.kind.into());
    }
    rows.pipes.fill(wants(TalkKind::Pipe));
    rebuild(&map, &rows, None)
}
