//! Options of the commands that compare captures.

use clap::Args;
use whotalks::model::At;

use super::shared::{By, FilterArgs, TableFormat};
use crate::examples;

/// Which captures are compared, how much is one, and how the answer is written.
#[derive(Debug, Args)]
pub(crate) struct Comparison {
    /// How much is one
    #[arg(long, value_enum, default_value_t = By::Role)]
    pub(crate) by: By,
    /// Everything: rows that do not move, noise (short-lived processes, the capture itself,
    /// descriptors that moved by a few)
    #[arg(long)]
    pub(crate) all: bool,
    /// From which capture on, as --at is the last: of OLD, or of the series
    #[arg(long, value_name = "WHEN", value_parser = crate::selection::at)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) since: Option<At>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// `diff`.
#[derive(Debug, Args)]
#[command(after_help = examples::DIFF, override_usage = "whotalks diff [OPTIONS] [SELECTOR]... OLD [NEW]")]
pub(crate) struct Diff {
    /// Say what was taken for the same, and why
    #[arg(long)]
    pub(crate) why: bool,
    #[command(flatten)]
    pub(crate) comparison: Comparison,
}

/// `trend`.
#[derive(Debug, Args)]
#[command(after_help = examples::TREND)]
pub(crate) struct Trend {
    #[command(flatten)]
    pub(crate) comparison: Comparison,
}
