//! The two maps and their differences, which all outputs of `diff` are made of.

use whotalks::diff::{Diff, Side};
use whotalks::id;
use whotalks::model::{Map, ProcessId, SocketId};

/// The answer of `diff`.
pub(super) struct Comparison {
    pub(super) old: Map,
    pub(super) new: Map,
    pub(super) diff: Diff,
    /// A capture was compared with itself.
    pub(super) is_identical: bool,
}

/// Ids in documents. The hosts of the new map are numbered after those of the old map.
impl Comparison {
    pub(super) fn process_id(&self, side: Side, process: ProcessId) -> String {
        match side {
            Side::Old => id::process(&self.old, process),
            Side::New => id::process_beside(&self.new, process, self.old.hosts.len()),
        }
    }

    pub(super) fn socket_id(&self, side: Side, socket: SocketId) -> String {
        match side {
            Side::Old => id::socket(&self.old, socket),
            Side::New => id::socket_beside(&self.new, socket, self.old.hosts.len()),
        }
    }
}
