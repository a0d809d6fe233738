//! Options of `path`.

use clap::Args;

use crate::cli::{Format, SnapshotArgs};

const AFTER_HELP: &str = "\
A and B are selectors. The shortest path is shown, over conversations in either direction. Arrows \
point from client to server, and from writer to reader.

Examples:
  whotalks path nginx postgres web1.whotalks
  whotalks path pid:812 'comm:redis*'   capture this machine
  whotalks path firefox Xorg desk.whotalks && echo connected";

/// `whotalks path`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct PathArgs {
    /// First process
    #[arg(value_name = "A")]
    pub(crate) from: String,
    /// Last process
    #[arg(value_name = "B")]
    pub(crate) to: String,
    /// Include conversations with loggers, such as journald and rsyslogd
    #[arg(long)]
    pub(crate) logs: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArgs,
}
