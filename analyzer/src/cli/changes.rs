//! Options of the commands that compare captures.

use clap::Args;
use whotalks::model::At;

use super::shared::{By, Selection, TableFormat};
use crate::examples;

/// `diff`.
#[derive(Debug, Args)]
#[command(after_help = examples::DIFF, override_usage = "whotalks diff [OPTIONS] [SELECTOR]... OLD [NEW]")]
pub(crate) struct Diff {
    /// How much is one
    #[arg(long, value_enum, default_value_t = By::Role)]
    pub(crate) by: By,
    /// With noise: short-lived processes, the capture itself, descriptors that moved by a few
    #[arg(long)]
    pub(crate) all: bool,
    /// Say what was taken for the same, and why
    #[arg(long)]
    pub(crate) why: bool,
    /// Which capture of OLD, where that is a series, as --at is for NEW
    #[arg(long, value_name = "WHEN", value_parser = crate::selection::at)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) since: Option<At>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `trend`.
#[derive(Debug, Args)]
#[command(after_help = examples::TREND)]
pub(crate) struct Trend {
    /// How much is one
    #[arg(long, value_enum, default_value_t = By::Role)]
    pub(crate) by: By,
    /// All rows, those that do not move too
    #[arg(long)]
    pub(crate) all: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: Selection,
}
