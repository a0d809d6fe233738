//! Options of the commands that compare captures.

use clap::Args;
use whotalks::graph::By;
use whotalks::model::At;

use super::{FilterArgs, TableFormat, at};

/// Which captures are compared, by which groups, and the output format.
#[derive(Debug, Args)]
pub(crate) struct ComparisonArgs {
    /// Group rows by
    #[arg(long, value_enum, default_value_t = By::Role)]
    pub(crate) by: By,
    /// Show all rows, including unchanged ones and noise (short-lived processes, the capture
    /// itself, small changes in descriptor counts)
    #[arg(long)]
    pub(crate) all: bool,
    /// First capture to compare, in the form of --at
    #[arg(long, value_name = "WHEN", value_parser = at::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) since: Option<At>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}
