//! Warnings about the map itself: what does not fit together, or is incomplete.

use super::ids::HostId;

/// A reason to trust part of the map less.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The host it concerns.
    pub host: HostId,
    /// A fixed word: `forged-row`, `table-mismatch`, `damage`, ….
    pub kind: &'static str,
    /// One sentence; names in it are already escaped.
    pub text: String,
}
