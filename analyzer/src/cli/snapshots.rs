//! Snapshot files, and the capture to use of a series.

use std::path::PathBuf;

use clap::Args;
use whotalks::model::At;

use super::at;

/// Snapshots of commands that take no selectors.
#[derive(Debug, Args)]
pub(crate) struct SnapshotArgs {
    /// Snapshot files (- is standard input)
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) files: Vec<PathBuf>,
    /// Capture of a series to use: a number (-1 is the last), last, all, or a time (17:05 in UTC,
    /// or RFC 3339)
    #[arg(long, value_name = "WHEN", default_value = "last", value_parser = at::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) at: At,
}
