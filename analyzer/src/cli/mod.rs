//! Options that several commands share, and the parsers of their values. Options of one command are in
//! its `mod.rs`.

pub(crate) mod at;
mod comparison;
mod filter;
mod format;
pub(crate) mod rule;
pub(crate) mod size;
mod snapshots;

pub(crate) use comparison::ComparisonArgs;
pub(crate) use filter::{FilterArgs, parse_selectors};
pub(crate) use format::{Format, TableFormat, value_name};
pub(crate) use snapshots::SnapshotArgs;
