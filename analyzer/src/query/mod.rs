//! Questions that people ask of a map, answered as values; how they are printed is not known here.

mod filter;
mod filter_match;
mod group;
mod hubs;
mod links;
mod path;
mod pattern;
mod selector;
mod summary;
mod waits;

pub use filter::{Filter, apply_filter, keep_matches, matching, matching_sockets, without};
pub use filter_match::{FilterMatch, Mask};
pub use group::{GroupedMap, group_map, grouped};
pub use hubs::{Hub, Outside, hubs, outside};
pub use links::{
    Between, Link, LinkKind, UnknownEnd, Via, ViaKind, addressed, is_dead_pipe, is_pending,
    is_private, link_kind, links, named, unknown_end, via, within_one,
};
pub use path::{Direction, Hop, path};
pub use pattern::Glob;
pub use selector::{KINDS, Selector, SelectorError, SelectorSet};
pub use summary::{Summary, is_queued, summary};
pub use waits::{Class, Cycle, End, Need, Step, Waiting, Waits, waits};
