//! Options of a comparison.

use crate::graph::By;

/// What to compare and how much noise to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How processes are grouped.
    pub by: By,
    /// Report noise too: short-lived processes, the capture itself, insignificant changes.
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
