//! How a change is shown in pictures of two maps.

use crate::diff::ChangeStatus;

/// How a change is shown.
pub(crate) struct Words {
    /// Before a name: colours alone are not accessible to every reader.
    pub(crate) sign: &'static str,
    /// In tooltips.
    pub(crate) word: &'static str,
    /// Class of a node or edge.
    pub(crate) class: &'static str,
}

/// How a change is shown.
pub(crate) fn words(change: ChangeStatus) -> Words {
    let (sign, word, class) = match change {
        ChangeStatus::Stayed => ("", "as it was", "stayed"),
        ChangeStatus::Added => ("+ ", "new", "added"),
        ChangeStatus::Removed => ("− ", "gone", "removed"),
        ChangeStatus::Changed => ("± ", "changed", "changed"),
    };
    Words { sign, word, class }
}
