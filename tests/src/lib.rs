//! Harness of the end-to-end tests: a known set of sockets, captured, compared with the map.
//!
//! A scenario creates a [`World`], lets [`Actor`]s (real processes) create sockets and pipes in
//! it, and asserts that the map made by `whotalks-collect` and `whotalks export` equals the
//! state of the actors: every pair, every holder, no additional edge. The expected state comes
//! from the actors' own `fstat` and `SO_COOKIE`, never from the tables that the programs read.
//!
//! Architecture invariant: nothing here uses code of the programs. They are run as a user runs
//! them.

#![deny(unsafe_code)]

pub mod actor;
pub mod bench;
pub mod compiled;
pub mod edge;
pub mod environment;
pub mod findings;
pub mod guest;
pub mod map;
pub mod programs;
pub mod protocol;
pub mod script;
pub mod service;
pub mod shape;
pub mod terminal;
pub mod world;

pub use actor::{Actor, Socket};
pub use edge::Edge;
pub use map::Map;
pub use protocol::{Address, Kind};
pub use world::World;
