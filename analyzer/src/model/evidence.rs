//! Evidence for connections and listeners: every edge of the map states how it is known.

/// How a connection is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The kernel reports the peer (`UNIX_DIAG_PEER`).
    Peer,
    /// A listener's queue lists the client (`UNIX_DIAG_ICONS`).
    PendingList,
    /// Every other possibility is excluded.
    Elimination,
    /// The two ends' address pairs mirror each other.
    Tuple,
}

impl Evidence {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::PendingList => "pending-list",
            Self::Elimination => "elimination",
            Self::Tuple => "tuple",
        }
    }
}

/// How the listener of an accepted socket is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenerEvidence {
    /// Same bound file (`UNIX_DIAG_VFS`).
    Vfs,
    /// Same name in the same namespace.
    Name,
    /// Same internet address.
    Address,
}

impl ListenerEvidence {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vfs => "vfs",
            Self::Name => "name",
            Self::Address => "address",
        }
    }
}
