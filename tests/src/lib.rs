//! The harness of the live tests: a known set of sockets, captured, compared with the map.
//!
//! A scenario makes a [`World`], lets [`Actor`]s (real processes) build sockets and pipes in it,
//! and asserts that the map which `whotalks-collect` and `whotalks export` make of the machine
//! equals what the actors know: every pair, every holder, no edge too many. The truth comes from
//! the actors' own `fstat` and `SO_COOKIE`, never from the tables that the programs read.
//!
//! Nothing here uses the programs' own code: they are run as a user runs them.

#![deny(unsafe_code)]

pub mod actor;
pub mod bench;
pub mod edge;
pub mod findings;
pub mod map;
pub mod programs;
pub mod protocol;
pub mod role;
pub mod service;
pub mod shape;
pub mod terminal;
pub mod world;

pub use actor::{Actor, Socket};
pub use edge::Edge;
pub use map::Map;
pub use protocol::{Address, Kind};
pub use world::World;
