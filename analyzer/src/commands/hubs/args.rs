//! Options of `hubs`.

use clap::Args;
use whotalks::graph::By;

use crate::cli::{FilterArgs, TableFormat};

const AFTER_HELP: &str = "\
Examples:
  whotalks hubs                         capture this machine
  whotalks hubs web1.whotalks | head
  whotalks hubs --format json web1.whotalks | jq -r '.hubs[0].comm'";

/// `whotalks hubs`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct HubsArgs {
    /// Group rows by
    #[arg(long, visible_alias = "view", value_enum, default_value_t = By::Process)]
    pub(crate) by: By,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}
