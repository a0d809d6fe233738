//! Options of `draw`.

use std::path::PathBuf;

use clap::Args;
use whotalks::draw::{HubBadges, Layout, Theme};
use whotalks::graph::By;

use crate::cli::FilterArgs;

const AFTER_HELP: &str = "\
Examples:
  whotalks draw web1.whotalks -o web1.svg
  whotalks draw --diff monday.whotalks tuesday.whotalks -o changes.svg
  whotalks draw --layout layered --theme light web1.whotalks -o web1.svg
  ssh web1 sudo whotalks-collect -o - | whotalks draw - -o web1.svg";

/// `whotalks draw`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DrawArgs {
    /// Write the drawing to FILE (- is standard output) [default: beside the snapshot, - in a pipe]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Layout algorithm
    #[arg(long, value_enum, default_value_t)]
    pub(crate) layout: Layout,
    /// Colour theme
    #[arg(long, value_enum, default_value_t)]
    pub(crate) theme: Theme,
    /// Title [default: the host name]
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Mark the changes since this snapshot
    #[arg(long, value_name = "OLD")]
    pub(crate) diff: Option<PathBuf>,
    /// Draw everything: group, merge and hide nothing
    #[arg(long)]
    pub(crate) all: bool,
    /// Draw a hub as badges on its clients instead of edges to them
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        conflicts_with = "all"
    )]
    pub(crate) badges: HubBadges,
    /// Group nodes by
    #[arg(long, visible_alias = "by", value_enum, default_value_t = By::Process)]
    pub(crate) view: By,
    /// Do not mark the findings of check
    #[arg(long)]
    pub(crate) no_findings: bool,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}
