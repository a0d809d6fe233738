//! Queries on a map, answered as values. Must not format output.

mod conversations;
mod filter;
mod group;
mod hubs;
mod links;
mod path;
mod selector;
mod summary;
mod unknown_end;
mod via;
mod waits;

pub use conversations::{
    LinkKind, count_self_conversations, is_half_closed, is_pending, is_self_conversation, link_kind,
};
pub use filter::{
    DEFAULT_KINDS, Filter, FilterMatch, KeptMask, TalkKind, apply_filter, exclude, hide_logs,
    keep_kinds, keep_matches, matching_processes, matching_sockets,
};
pub use group::{GroupedMap, group_map, merge_groups};
pub use hubs::{Hub, OutsideHub, hubs, outside_hubs};
pub use links::{Link, LinkFilter, LinkSeen, MAX_GROUPS_AT_END, links};
pub use path::{Direction, Hop, path};
pub use selector::{Glob, KINDS, Selector, SelectorError, SelectorSet};
pub use summary::{Summary, is_queued, summary};
pub use unknown_end::{UnknownEnd, unheld, unknown_end};
pub use via::{Via, ViaKind, socket_via, via};
pub use waits::{
    BlockedThread, ChainEnd, ChainStep, WaitAnalysis, WaitClass, WaitCycle, WaitNeed, WaitObject,
    waits,
};
