//! Options of the commands that write the map elsewhere: drawn, or as a document.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::{By, FilterArgs};
use crate::examples;

/// How nodes are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Layout {
    /// Distances on paper as distances in the graph
    #[default]
    Stress,
    /// In ranks from clients to servers; for small views
    Layered,
}

/// Colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Theme {
    /// Cyan boxes, white, yellow and red circles
    #[default]
    Classic,
    /// On white
    Light,
    /// On black
    Dark,
    /// Light or dark, as the reader prefers
    Auto,
}

/// When a hub is drawn as badges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Badges {
    /// Where its lines would cover a large picture
    #[default]
    Auto,
    /// In small pictures too
    Always,
    /// Never: every line is drawn
    Never,
}

/// `draw`.
#[derive(Debug, Args)]
#[command(after_help = examples::DRAW)]
pub(crate) struct Draw {
    /// Where to; - is standard output, the default in a pipe
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How nodes are placed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) layout: Layout,
    /// Colours
    #[arg(long, value_enum, default_value_t)]
    pub(crate) theme: Theme,
    /// Title in place of the host's name
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Mark what changed since this snapshot
    #[arg(long, value_name = "OLD")]
    pub(crate) diff: Option<PathBuf>,
    /// Everything, nothing grouped or hidden
    #[arg(long)]
    pub(crate) all: bool,
    /// Hubs as badges on those who talk to them, instead of lines
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        conflicts_with = "all"
    )]
    pub(crate) badges: Badges,
    /// How much is one
    #[arg(long, visible_alias = "by", value_enum, default_value_t = By::Process)]
    pub(crate) view: By,
    /// Do not run the checks whose findings are marked
    #[arg(long)]
    pub(crate) no_findings: bool,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// Forms of `export`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ExportFormat {
    /// whotalks-graph/1
    #[default]
    Json,
    /// For Graphviz
    Dot,
    /// For networkx, Gephi, yEd
    Graphml,
    /// For spreadsheets
    Csv,
}

/// `export`.
#[derive(Debug, Args)]
#[command(after_help = examples::EXPORT)]
pub(crate) struct Export {
    /// Form of the document
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ExportFormat,
    /// How much is one node, in dot and graphml
    #[arg(long, value_enum, default_value_t = By::Process)]
    pub(crate) by: By,
    /// Where to; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}
