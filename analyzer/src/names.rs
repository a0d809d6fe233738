//! The words that documents use for the map's kinds and states: a contract, in one place.

use crate::diff::{Change, MatchReason};
use crate::model::{
    ConnectionKind, ConnectionState, Evidence, Family, FdsStatus, ListenerEvidence, Name, Readable,
    SocketState, SocketType,
};
use crate::query::{Class, End, LinkKind, Need, ViaKind};

/// Whether a table could be read.
pub fn readable(readable: Readable) -> &'static str {
    match readable {
        Readable::Ok => "ok",
        Readable::Truncated => "truncated",
        Readable::Denied => "denied",
        Readable::Unavailable => "unavailable",
    }
}

/// Whether a process's descriptors could be read.
pub fn fds_status(status: FdsStatus) -> &'static str {
    match status {
        FdsStatus::Read => "read",
        FdsStatus::Partial => "partial",
        FdsStatus::Denied => "denied",
        FdsStatus::Vanished => "vanished",
    }
}

/// Address family.
pub fn family(family: Family) -> &'static str {
    match family {
        Family::Unix => "unix",
        Family::Inet => "inet",
        Family::Inet6 => "inet6",
        Family::Netlink => "netlink",
        Family::Packet => "packet",
        Family::Vsock => "vsock",
        Family::Other => "other",
    }
}

/// Socket type.
pub fn socket_type(kind: SocketType) -> &'static str {
    match kind {
        SocketType::Stream => "stream",
        SocketType::Dgram => "dgram",
        SocketType::Raw => "raw",
        SocketType::Seqpacket => "seqpacket",
        SocketType::Unknown => "unknown",
    }
}

/// What a socket is doing.
pub fn socket_state(state: SocketState) -> &'static str {
    match state {
        SocketState::Listening => "listening",
        SocketState::Established => "established",
        SocketState::Unconnected => "unconnected",
        SocketState::Connecting => "connecting",
        SocketState::Pending => "pending",
        SocketState::Closing => "closing",
        SocketState::CloseWait => "close-wait",
        SocketState::TimeWait => "time-wait",
        SocketState::Unknown => "unknown",
    }
}

/// Which namespace a Unix socket's name is in.
pub fn name_kind(name: &Name) -> &'static str {
    if name.is_abstract() {
        "abstract"
    } else {
        "path"
    }
}

/// What kind of conversation a connection is.
pub fn connection_kind(kind: ConnectionKind) -> &'static str {
    match kind {
        ConnectionKind::Unix => "unix",
        ConnectionKind::Inet => "inet",
        ConnectionKind::Netlink => "netlink",
        ConnectionKind::Vsock => "vsock",
    }
}

/// State of a connection.
pub fn connection_state(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Established => "established",
        ConnectionState::Pending => "pending",
        ConnectionState::OneWay => "one-way",
        ConnectionState::Closing => "closing",
    }
}

/// How a connection is known.
pub fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Peer => "peer",
        Evidence::PendingList => "pending-list",
        Evidence::Elimination => "elimination",
        Evidence::Tuple => "tuple",
    }
}

/// How a connection's listener is known.
pub fn listener_evidence(evidence: ListenerEvidence) -> &'static str {
    match evidence {
        ListenerEvidence::Vfs => "vfs",
        ListenerEvidence::Name => "name",
        ListenerEvidence::Address => "address",
    }
}

/// What kind of conversation a link counts.
pub fn link_kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Unix => "unix",
        LinkKind::Inet => "inet",
        LinkKind::Netlink => "netlink",
        LinkKind::Vsock => "vsock",
        LinkKind::Pipe => "pipe",
    }
}

/// What kind of name something goes by; empty where it has none.
pub fn via_kind(kind: ViaKind) -> &'static str {
    match kind {
        ViaKind::Unnamed => "",
        ViaKind::Path => "path",
        ViaKind::Abstract => "abstract",
        ViaKind::Address => "address",
    }
}

/// What became of something.
pub fn change(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Changed => "changed",
        Change::Replaced => "replaced",
    }
}

/// Why two processes are taken for the same.
pub fn why(why: MatchReason) -> &'static str {
    match why {
        MatchReason::Identity => "pid and start time",
        MatchReason::Shape => "role and command line",
        MatchReason::Listener => "role and listener",
        MatchReason::Role => "role",
    }
}

/// What is wanted of the other end of a wait.
pub fn need(need: Need) -> &'static str {
    match need {
        Need::Data => "data",
        Need::Room => "room",
        Need::Accept => "accept",
        Need::Client => "client",
        Need::Event => "event",
        Need::Exit => "exit",
        Need::Nothing => "none",
    }
}

/// How a chain of waits ends.
pub fn end(end: &End) -> &'static str {
    match end {
        End::Cycle(_) => "cycle",
        End::Stopped => "stopped",
        End::Running => "running",
        End::NoCall => "no-call",
        End::Anyone => "anyone",
        End::Descriptors => "descriptors-unknown",
        End::Outside(_) => "outside",
        End::Kernel => "kernel",
        End::File(_) => "file",
        End::Call(_) => "call",
        End::Timer => "timer",
        End::Itself => "itself",
        End::Threads => "threads",
        End::Signal => "signal",
        End::Child => "child",
        End::Nobody => "nobody",
        End::Unreadable => "unreadable",
        End::Unknown => "unknown",
    }
}

/// How much a wait matters.
pub fn wait_class(class: Class) -> &'static str {
    match class {
        Class::InCycle => "in-cycle",
        Class::OnCycle => "on-cycle",
        Class::Held => "held",
        Class::Reads => "reads",
        Class::Beyond => "beyond",
        Class::Events => "events",
        Class::Children => "children",
        Class::Idle => "idle",
    }
}
