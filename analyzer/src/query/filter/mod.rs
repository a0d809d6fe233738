//! Filters of a map: `--only`, `--focus`, `--hide`.
//!
//! Commands that understand these options run on the filtered map, so that selectors mean the same
//! everywhere. Ids are made of pids, inodes and cookies and stay the same; only connections are
//! renumbered.
//!
//! Maps that are compared must be filtered together: otherwise a process that matches in one map only
//! would be shown as new or gone. Their matches are merged: [`FilterMatch::new`] for each map,
//! [`FilterMatch::merge`] with the others, [`FilterMatch::record_kept`], merge once more, and
//! [`keep_matches`].

mod filter_match;
mod hidden_logs;
mod kept_rows;
mod kinds;
mod left_out;
mod matching;
mod rebuild;

pub use filter_match::{Filter, FilterMatch, KeptMask};
pub use hidden_logs::hide_logs;
pub use kinds::{DEFAULT_KINDS, TalkKind, keep_kinds};
pub use matching::{matching_processes, matching_sockets};
pub use rebuild::{apply_filter, exclude, keep_matches};
