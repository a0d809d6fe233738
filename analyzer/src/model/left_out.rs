//! What a filter left out of the map, as far as it concerns the rows that are left.

use std::collections::BTreeSet;

use super::ids::{ProcessId, SocketId};

/// What a filter left out around the rows of a restricted map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// By process: the number of other processes that it talks to and that are not in the map; empty
    /// without a filter.
    pub partners: Vec<u32>,
    /// Sockets whose conversations are not in the map.
    pub sockets: BTreeSet<SocketId>,
    /// The processes that `--focus` names.
    pub focus: BTreeSet<ProcessId>,
}

impl LeftOut {
    /// The number of partners of a process that are not in the map.
    pub fn partners(&self, process: ProcessId) -> u32 {
        self.partners.get(process.index()).copied().unwrap_or(0)
    }
}
