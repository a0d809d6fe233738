//! Options of `list`.

use clap::Args;
use whotalks::graph::By;

use crate::cli::{FilterArgs, TableFormat};

const AFTER_HELP: &str = "\
Examples:
  whotalks list                         capture this machine
  whotalks list --by process web1.whotalks
  whotalks list unit:nginx.service web1.whotalks
  whotalks list --focus redis --hops 2 web1.whotalks
  whotalks list --format csv web1.whotalks > web1.csv";

/// `whotalks list`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ListArgs {
    /// Group clients and servers by
    #[arg(long, visible_alias = "view", value_enum, default_value_t = By::Role)]
    pub(crate) by: By,
    /// Show all rows
    #[arg(long)]
    pub(crate) all: bool,
    /// Include only conversations whose client matches
    #[arg(long, value_name = "SEL")]
    pub(crate) from: Vec<String>,
    /// Include only conversations whose server matches
    #[arg(long, value_name = "SEL")]
    pub(crate) to: Vec<String>,
    /// List sockets and their holders instead
    #[arg(long, conflicts_with_all = ["from", "to", "fds"])]
    pub(crate) sockets: bool,
    /// List the number of descriptors of each kind by process instead
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) fds: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}
