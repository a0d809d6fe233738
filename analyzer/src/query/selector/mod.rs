//! Selectors: the language in which processes and sockets are chosen on the command line.

mod glob;
mod ip_network;
mod matches;
mod parse;
mod set;

pub use glob::Glob;
pub use parse::{KINDS, Selector, SelectorError};
pub use set::SelectorSet;
