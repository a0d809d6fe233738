//! Options of `info`.

use clap::Args;

use crate::cli::{Format, SnapshotArgs};

const AFTER_HELP: &str = "\
Examples:
  whotalks info web1.whotalks           show host, time, coverage
  whotalks info --verify web1.whotalks  check each block of the file
  whotalks info --format json web1.whotalks | jq '.files[].complete'";

/// `whotalks info`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InfoArgs {
    /// Verify every block; exit with 1 if there is damage
    #[arg(long)]
    pub(crate) verify: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArgs,
}
