//! What rules need beyond the map, derived once and on demand.

mod base;
mod blocked_writers;
pub(crate) mod bound_paths;
mod coverage;
pub(crate) mod dead_clients;
pub(crate) mod describe;
mod fd_arguments;
mod fdinfo;
mod history;
mod kinship;
mod privileges;
mod process_tree;
mod serving;
mod stopped;
pub(crate) mod system_directories;
mod terminals;
pub(crate) mod well_known_sockets;

pub(crate) use base::BlockedWriter;
pub use base::Facts;
pub(crate) use history::{EarlierSocket, LONG_NS, compared};
pub(crate) use kinship::is_zombie;
pub(crate) use serving::{Serving, blocking_call};
pub(crate) use stopped::Stop;
pub(crate) use terminals::Terminals;
