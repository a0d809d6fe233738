//! Options of `learn`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::SnapshotArgs;

const AFTER_HELP: &str = "\
All captures of all files are used. Conversations found in every capture become expected ones, \
whose absence is a finding. Conversations with a process that could not be read are left out.

Examples:
  whotalks learn web1.whotalks -o policy.toml
  whotalks learn mon.whotalks tue.whotalks wed.whotalks -o policy.toml
  whotalks check --policy policy.toml   capture this machine and check it";

/// `whotalks learn`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct LearnArgs {
    /// Write the policy to FILE (- is standard output)
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArgs,
}
