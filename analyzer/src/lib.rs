//! The library of the analyzer: reads snapshots, joins them into a map, queries, compares,
//! checks, exports and draws it. Does not print, parse arguments or open files.
//!
//! A module imports only modules before it in this list (a test in `dependencies` checks it):
//!
//! 1. `text`: phrasing, XML, and escaping for each output language
//! 2. `load`: from the bytes of a file to typed rows
//! 3. `model`, `id`: rows joined into a map, and the ids of its objects in outputs
//! 4. `graph`: grouping, and conversations between groups
//! 5. `query`, `diff`, `trend`, `policy`, `check`: questions about one map or several
//! 6. `export`, `redact`: other formats, and copies without names
//! 7. `layout`, `draw`: positions of boxes, and pictures

#![forbid(unsafe_code)]

pub mod check;
#[cfg(test)]
mod dependencies;
pub mod diff;
pub mod draw;
pub mod export;
pub mod graph;
pub mod id;
pub mod layout;
pub mod load;
pub mod model;
pub mod policy;
pub mod query;
pub mod redact;
pub mod text;
pub mod trend;
