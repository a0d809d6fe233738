//! Questions that people ask of a map, answered as values; how they are printed is not known here.

mod hubs;
mod links;
mod restrict;
mod select;

pub use hubs::{Hub, hubs};
pub use links::{Between, Link, LinkKind, links};
pub use restrict::{Restriction, matching, restrict};
pub use select::{KINDS, Selection, Selector, SelectorError};
