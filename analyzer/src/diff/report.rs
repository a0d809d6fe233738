//! The results of a comparison: plain types, filled in by its steps.

use super::coverage::Coverage;
use super::host_pair::HostPair;
use super::matching::Matching;
use super::side::OldNew;
use crate::model::{ProcessId, SocketId};
use crate::query::{LinkKind, Via};

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only in the second map.
    Added,
    /// Only in the first map.
    Removed,
    /// In both, in different numbers.
    Changed,
    /// Replaced by others of the same role.
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

/// Processes of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessChange {
    /// How they changed.
    pub change: Change,
    /// The label of the group, printable.
    pub role: String,
    /// The processes in the first map; of a replacement those that are gone.
    pub old: Vec<ProcessId>,
    /// The processes in the second map; of a replacement those that are new.
    pub new: Vec<ProcessId>,
}

/// A listener, or a bound datagram socket that receives from anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerChange {
    /// How it changed; replaced: the same process has bound the name again.
    pub change: Change,
    /// What it is bound to.
    pub name: Via,
    /// `unix`, `tcp`, `udp`, ….
    pub protocol: &'static str,
    /// The label of its holder's group, printable.
    pub role: String,
    /// The socket in the first map.
    pub old: Option<SocketId>,
    /// The socket in the second map.
    pub new: Option<SocketId>,
}

/// Conversations between two groups over one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// How they changed.
    pub change: Change,
    /// The label of the client's group, printable.
    pub client: String,
    /// The label of the server's group, printable.
    pub server: String,
    /// The listener's name or address.
    pub via: Via,
    /// Kind of conversation.
    pub kind: LinkKind,
    /// The number of conversations in the first map.
    pub old: usize,
    /// The number of conversations in the second map.
    pub new: usize,
}

/// Descriptors of one kind in all processes of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorChange {
    /// The label of the group, printable.
    pub role: String,
    /// `socket`, `file`, `eventfd`, ….
    pub kind: Box<str>,
    /// The number of descriptors in the first map.
    pub old: u64,
    /// The number of descriptors in the second map.
    pub new: u64,
    /// The processes in the second map.
    pub processes: Vec<ProcessId>,
}

/// A listener whose path was unlinked or replaced, or leads to it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinked {
    /// Removed: the path leads to it in the first map only. Added: in the second map only.
    pub change: Change,
    /// The path.
    pub name: Via,
    /// The label of its holder's group, printable.
    pub role: String,
    /// The socket in the first map.
    pub old: SocketId,
    /// The socket in the second map.
    pub new: SocketId,
}

/// What about a process or listener that is in both maps may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The user whose rights it has.
    User,
    /// The effective capabilities.
    Capabilities,
    /// The path of the executable.
    Executable,
    /// Whether the executable exists.
    ExecutableFile,
    /// Network, mount, pid or user namespace.
    Namespace,
    /// The programs that hold a listener.
    Holder,
    /// Whether a listener accepts clients.
    Accepting,
    /// The path that leads to a listener.
    Path,
}

impl Aspect {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Capabilities => "capabilities",
            Self::Executable => "executable",
            Self::ExecutableFile => "executable-file",
            Self::Namespace => "namespace",
            Self::Holder => "holder",
            Self::Accepting => "accepting",
            Self::Path => "path",
        }
    }
}

/// A change of something that is in both maps, or was replaced by others of its role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alteration {
    /// What about it changed.
    pub aspect: Aspect,
    /// The value in the first map, printable.
    pub from: String,
    /// The value in the second map, printable.
    pub to: String,
    /// The label of the group in each map, printable; of a listener that of its holder.
    pub roles: OldNew<String>,
    /// The processes, in each map; of a listener none.
    pub processes: OldNew<Vec<ProcessId>>,
    /// The listener: its name, and the socket in each map.
    pub listener: Option<(Via, OldNew<SocketId>)>,
}

/// The number of differences that are not reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Short-lived processes.
    pub short_lived: usize,
    /// Conversations that came or went during a capture.
    pub fleeting: usize,
    /// Processes of the capture itself.
    pub capture: usize,
    /// Differences that missing data may explain.
    pub coverage: usize,
    /// Rows that follow from another row, and insignificant changes of descriptors.
    pub small: usize,
}

/// All differences.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// The hosts that were compared.
    pub hosts: Vec<HostPair>,
    /// Whether the maps are comparable, and what was not captured.
    pub coverage: Coverage,
    /// Processes, by change and group.
    pub processes: Vec<ProcessChange>,
    /// Listeners, by change and name.
    pub listeners: Vec<ListenerChange>,
    /// Conversations, by change and names.
    pub links: Vec<LinkChange>,
    /// Descriptors, by group and kind.
    pub descriptors: Vec<DescriptorChange>,
    /// Listeners that lost their path, or have it again.
    pub unlinked: Vec<Unlinked>,
    /// Other changes of what is in both maps.
    pub altered: Vec<Alteration>,
    /// What is not reported.
    pub ignored: Ignored,
    /// Which processes and sockets were matched.
    pub matching: Matching,
}

impl Diff {
    /// Whether no difference is reported.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
            && self.listeners.is_empty()
            && self.links.is_empty()
            && self.descriptors.is_empty()
            && self.unlinked.is_empty()
            && self.altered.is_empty()
    }
}
