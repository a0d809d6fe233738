//! The map as graphs: what counts as one, and who talks to whom.

mod group;
mod program;
mod talk;

pub use group::{By, Groups, label, unit_base};
pub use program::{called, program};
pub use talk::{Ends, Talk, ends, talks};
