//! Options of `redact`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::examples;

/// `redact`.
#[derive(Debug, Args)]
#[command(after_help = examples::REDACT)]
pub(crate) struct Redact {
    /// Where to; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Leave these names as they are
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) keep: Vec<KeepKind>,
    /// Keep the key and what became what; of an existing file, use its key again
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Snapshot file, - for standard input
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: PathBuf,
}

/// What `--keep` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeepKind {
    /// Names of processes
    Comm,
    /// Paths of executables
    Exe,
    /// Units, slices, scopes
    Unit,
}
