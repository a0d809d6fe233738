//! What a comparison says.

use super::coverage::{Coverage, HostPair};
use super::matching::Matching;
use crate::model::{ProcessId, SocketId};
use crate::query::{LinkKind, Via};

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only in the second map.
    Added,
    /// Only in the first.
    Removed,
    /// In both, in another number.
    Changed,
    /// Others of the same role stand in its place.
    Replaced,
}

impl Change {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Replaced => "replaced",
        }
    }
}

/// Processes of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessChange {
    /// What became of them.
    pub change: Change,
    /// The role, printable.
    pub role: String,
    /// Of a replacement: those that went. Else all of the role in the first map.
    pub old: Vec<ProcessId>,
    /// Of a replacement: those that came. Else all of the role in the second map.
    pub new: Vec<ProcessId>,
}

/// A listener, or a bound datagram socket that serves whoever sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerChange {
    /// What became of it; replaced: the same program has bound the name anew.
    pub change: Change,
    /// What it is bound to.
    pub name: Via,
    /// `unix`, `tcp`, `udp`, ….
    pub protocol: &'static str,
    /// Who holds it, printable.
    pub role: String,
    /// The socket in the first map.
    pub old: Option<SocketId>,
    /// The socket in the second map.
    pub new: Option<SocketId>,
}

/// Conversations between two roles over one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// What became of them.
    pub change: Change,
    /// The client's role, printable.
    pub client: String,
    /// The server's role, printable.
    pub server: String,
    /// The listener's name or address.
    pub via: Via,
    /// Kind.
    pub kind: LinkKind,
    /// How many in the first map.
    pub old: usize,
    /// How many in the second.
    pub new: usize,
}

/// Descriptors of one kind in all processes of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorChange {
    /// The role, printable.
    pub role: String,
    /// `socket`, `file`, `eventfd`, ….
    pub kind: Box<str>,
    /// How many in the first map.
    pub old: u64,
    /// How many in the second.
    pub new: u64,
    /// The processes of the second map; of one, its pid is worth saying.
    pub processes: Vec<ProcessId>,
}

/// A listener whose path leads to it no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinked {
    /// The path.
    pub name: Via,
    /// Who holds it, printable.
    pub role: String,
    /// The socket, in the second map.
    pub socket: SocketId,
}

/// How many differences are not told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Processes that live for a moment.
    pub short_lived: usize,
    /// Processes of the capture itself.
    pub capture: usize,
    /// Differences that what was not captured may explain.
    pub coverage: usize,
    /// Rows that follow from another one, and descriptors that moved by a few.
    pub small: usize,
}

/// Everything that changed.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// The hosts that were compared.
    pub hosts: Vec<HostPair>,
    /// Whether they can be, and what was not captured.
    pub coverage: Coverage,
    /// Processes, by change and role.
    pub processes: Vec<ProcessChange>,
    /// Listeners, by change and name.
    pub listeners: Vec<ListenerChange>,
    /// Conversations, by change and names.
    pub links: Vec<LinkChange>,
    /// Descriptors, by role and kind.
    pub descriptors: Vec<DescriptorChange>,
    /// Listeners that lost their path.
    pub unlinked: Vec<Unlinked>,
    /// What is not told.
    pub ignored: Ignored,
    /// What was taken for the same.
    pub matching: Matching,
}

impl Diff {
    /// Whether nothing changed, as far as is told.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
            && self.listeners.is_empty()
            && self.links.is_empty()
            && self.descriptors.is_empty()
            && self.unlinked.is_empty()
    }
}
