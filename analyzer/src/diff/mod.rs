//! What changed between two maps: of one machine at two times, over a reboot, or of two machines
//! that should be alike.
//!
//! What was not captured explains nothing: a difference that may only be one of coverage is counted,
//! not reported. Within one boot a process is its pid and start time and a socket its cookie; beyond
//! that both are matched by role. The order of the two maps matters for the words only: the
//! differences of (B, A) mirror those of (A, B).

mod answer;
mod compare;
mod coverage;
mod descriptors;
mod groups;
mod lend;
mod links;
mod listeners;
mod marks;
mod mask;
mod matching;
mod noise;
mod passing;
mod processes;
mod role;
mod select;
#[cfg(test)]
mod tests;
mod turns;

pub use answer::{
    Change, DescriptorChange, Diff, Ignored, LinkChange, ListenerChange, ProcessChange, Unlinked,
};
pub use compare::diff;
pub use coverage::{Coverage, HostPair, Relation};
pub(crate) use descriptors::{FEW, MANY, explained};
pub use groups::Union;
pub(crate) use links::is_closing;
pub use marks::{End, Link, Mark, Marks, Node, marked};
pub use mask::mask;
pub use matching::{Matching, Pair, Why};
pub use passing::{Passing, passing};
pub use role::role;
pub use select::Selected;

use lend::lend;

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
pub struct Both<T> {
    /// Of the first.
    pub old: T,
    /// Of the second.
    pub new: T,
}

impl<T> Both<T> {
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
