//! Everything done with snapshots: load, join into a map, ask it, draw it.
//!
//! One direction of dependencies: `load` (bytes to typed rows) → `model` (rows joined into a map) →
//! `graph` (who is one, who talks to whom) → `query`, `check`, `diff` and `trend` → `draw` and `export`.
//! Nothing looks back up this line.

#![forbid(unsafe_code)]

pub mod check;
pub mod diff;
pub mod draw;
pub mod escape;
pub mod export;
pub mod graph;
pub mod id;
pub mod layout;
pub mod load;
pub mod model;
pub mod names;
pub mod policy;
pub mod query;
pub mod redact;
pub mod text;
pub mod trend;
pub mod words;
