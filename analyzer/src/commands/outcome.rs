//! The exit code of a command.

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

/// There is nothing to answer about: no such capture, or no match. Ends a command with
/// [`Outcome::Found`], after its message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NothingFound(pub(super) String);
