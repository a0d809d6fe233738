//! What changed between two maps: of one machine at two times, over a reboot, or of two machines
//! that should be alike.
//!
//! What was not captured explains nothing: a difference that may only be one of coverage is counted,
//! not reported. Within one boot a process is its pid and start time and a socket its cookie; beyond
//! that both are matched by role. The order of the two maps matters for the words only: the
//! differences of (B, A) mirror those of (A, B).

mod backfill;
mod compare;
mod coverage;
mod descriptors;
mod filter;
mod links;
mod listeners;
mod matching;
mod merged;
mod name_shape;
mod noise;
mod pool_reassignment;
mod processes;
mod report;
mod role;
mod shared_groups;
#[cfg(test)]
mod tests;
mod transience;

pub use compare::diff;
pub use coverage::{Coverage, HostPair, HostRelation};
pub(crate) use descriptors::{FEW, MANY, explained};
pub use filter::FilteredMaps;
pub(crate) use links::is_closing;
pub use matching::{MatchReason, Matching, Pair};
pub use merged::{ChangeStatus, End, Link, MergedMaps, Node, marked};
pub use name_shape::mask;
pub use report::{
    Change, DescriptorChange, Diff, Ignored, LinkChange, ListenerChange, ProcessChange, Unlinked,
};
pub use role::role;
pub use shared_groups::SharedGroups;
pub use transience::{Transience, transience};

use backfill::lend;

use crate::graph::By;

/// What to compare, and how much of it to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How much is one.
    pub by: By,
    /// With noise: short-lived processes, the capture itself, small movements.
    pub all: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            by: By::Role,
            all: false,
        }
    }
}

/// One of the two maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first.
    Old,
    /// The second.
    New,
}

/// Something for each of the two maps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OldNew<T> {
    /// Of the first.
    pub old: T,
    /// Of the second.
    pub new: T,
}

impl<T> OldNew<T> {
    /// Of one of them.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        }
    }

    fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Old => &mut self.old,
            Side::New => &mut self.new,
        }
    }
}

impl Side {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Old, Self::New];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Old => Self::New,
            Self::New => Self::Old,
        }
    }
}
