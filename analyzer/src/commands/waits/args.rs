//! Options of `waits`.

use clap::Args;

use crate::cli::{FilterArgs, TableFormat};

const AFTER_HELP: &str = "\
Each row is a thread that sleeps in a system call. It is followed to the socket or pipe of the \
call, to the processes at the other end, to what those wait for, and so on. A chain ends at a \
process that can run, an address outside, something unknown, or a cycle. What poll and select \
wait for is unknown, since it is only in the memory of the process.

Selectors choose matching threads and those that wait for them.

Examples:
  whotalks waits                        capture this machine
  whotalks waits postgres web1.whotalks
  whotalks waits --all web1.whotalks    include idle threads
  whotalks waits --format json web1.whotalks | jq '.cycles'";

/// `whotalks waits`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct WaitsArgs {
    /// Show all rows, including idle threads
    #[arg(long)]
    pub(crate) all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}
