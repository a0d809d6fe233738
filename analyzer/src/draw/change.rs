//! Signs, words and classes of a change, for pictures of two maps.

use crate::diff::ChangeStatus;

/// The sign before a name: colours alone are not accessible to every reader.
pub(crate) fn sign(change: ChangeStatus) -> &'static str {
    match change {
        ChangeStatus::Stayed => "",
        ChangeStatus::Added => "+ ",
        ChangeStatus::Removed => "− ",
        ChangeStatus::Changed => "± ",
    }
}

/// The word in tooltips.
pub(crate) fn word(change: ChangeStatus) -> &'static str {
    match change {
        ChangeStatus::Stayed => "as it was",
        ChangeStatus::Added => "new",
        ChangeStatus::Removed => "gone",
        ChangeStatus::Changed => "changed",
    }
}

/// The class of a node or edge.
pub(crate) fn class(change: ChangeStatus) -> &'static str {
    match change {
        ChangeStatus::Stayed => "stayed",
        ChangeStatus::Added => "added",
        ChangeStatus::Removed => "removed",
        ChangeStatus::Changed => "changed",
    }
}
