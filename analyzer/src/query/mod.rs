//! Questions that people ask of a map, answered as values; how they are printed is not known here.

mod chosen;
mod collapse;
mod hubs;
mod links;
mod path;
mod pattern;
mod portrait;
mod restrict;
mod select;
mod waits;

pub use chosen::{Chosen, Marks};
pub use collapse::{Collapsed, collapse, grouped};
pub use hubs::{Hub, Outside, hubs, outside};
pub use links::{
    Between, Link, LinkKind, Nobody, Via, ViaKind, addressed, is_dead_pipe, is_pending, is_private,
    link_kind, links, named, nobody, via, within_one,
};
pub use path::{Direction, Hop, path};
pub use pattern::Glob;
pub use portrait::{Portrait, is_queued, portrait};
pub use restrict::{Restriction, matching, matching_sockets, restrict, restrict_to, without};
pub use select::{KINDS, Selection, Selector, SelectorError};
pub use waits::{Class, Cycle, End, Need, Step, Waiting, Waits, waits};
