//! Questions that people ask of a map, answered as values; how they are printed is not known here.

mod hubs;
mod links;

pub use hubs::{Hub, hubs};
pub use links::{Link, LinkKind, links};
