//! The two sides of a comparison.

/// One of the two maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The first map.
    Old,
    /// The second map.
    New,
}

impl Side {
    /// Both sides, in order.
    pub const BOTH: [Self; 2] = [Self::Old, Self::New];

    /// The opposite side.
    pub fn other(self) -> Self {
        match self {
            Self::Old => Self::New,
            Self::New => Self::Old,
        }
    }
}

/// A value for each side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OldNew<T> {
    /// The value for the first map.
    pub old: T,
    /// The value for the second map.
    pub new: T,
}

impl<T> OldNew<T> {
    /// Computes the value for each side.
    pub(super) fn from_fn(mut value: impl FnMut(Side) -> T) -> Self {
        Self {
            old: value(Side::Old),
            new: value(Side::New),
        }
    }

    /// The value for a side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        }
    }

    /// The value for a side, mutable.
    pub(super) fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Old => &mut self.old,
            Side::New => &mut self.new,
        }
    }
}
