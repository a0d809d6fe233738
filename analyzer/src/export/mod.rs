//! Documents for programs: what is serialized, and how values are written.
//!
//! The field names here are a contract. Text in a document is for display; wherever escaping
//! changed it, a sibling `…_hex` has the exact bytes.

mod graph;
pub mod names;
mod text;
mod time;

pub use graph::{Graph, graph};
pub use text::{Shown, shown};
pub use time::rfc3339;
