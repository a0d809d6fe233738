//! The exit code of a command that did not fail.

/// What a command's result means to the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit 0.
    Success,
    /// Exit 1: differences, damage, findings, or no match.
    Found,
}

impl Outcome {
    /// [`Outcome::Found`] if the condition holds.
    pub(super) fn found_if(condition: bool) -> Self {
        if condition {
            Self::Found
        } else {
            Self::Success
        }
    }
}
