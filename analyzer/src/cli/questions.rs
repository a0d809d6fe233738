//! Options of the commands that answer questions.

use clap::Args;

use super::shared::{By, FilterArgs, Format, Snapshots, TableFormat};
use crate::examples;

/// `info`.
#[derive(Debug, Args)]
#[command(after_help = examples::INFO)]
pub(crate) struct Info {
    /// Check every block; exit 1 on damage
    #[arg(long)]
    pub(crate) verify: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) snapshots: Snapshots,
}

/// `list`.
#[derive(Debug, Args)]
#[command(after_help = examples::LIST)]
pub(crate) struct List {
    /// How much is one
    #[arg(long, visible_alias = "view", value_enum, default_value_t = By::Role)]
    pub(crate) by: By,
    /// All rows
    #[arg(long)]
    pub(crate) all: bool,
    /// Only with a client that matches
    #[arg(long, value_name = "SEL")]
    pub(crate) from: Vec<String>,
    /// Only with a server that matches
    #[arg(long, value_name = "SEL")]
    pub(crate) to: Vec<String>,
    /// Sockets with their holders instead
    #[arg(long, conflicts_with_all = ["from", "to", "fds"])]
    pub(crate) sockets: bool,
    /// Counts of descriptors by kind for each process instead
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) fds: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// `show`.
#[derive(Debug, Args)]
#[command(after_help = examples::SHOW)]
pub(crate) struct Show {
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// `hubs`.
#[derive(Debug, Args)]
#[command(after_help = examples::HUBS)]
pub(crate) struct Hubs {
    /// How much is one
    #[arg(long, visible_alias = "view", value_enum, default_value_t = By::Process)]
    pub(crate) by: By,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// `path`.
#[derive(Debug, Args)]
#[command(after_help = examples::PATH)]
pub(crate) struct Path {
    /// Where from
    #[arg(value_name = "A")]
    pub(crate) from: String,
    /// Where to
    #[arg(value_name = "B")]
    pub(crate) to: String,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) snapshots: Snapshots,
}

/// `waits`.
#[derive(Debug, Args)]
#[command(after_help = examples::WAITS)]
pub(crate) struct Waits {
    /// All rows, those that wait as usual too
    #[arg(long)]
    pub(crate) all: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// `raw`.
#[derive(Debug, Args)]
#[command(after_help = examples::RAW, override_usage = "whotalks raw [OPTIONS] [BLOCK] [SNAPSHOT]")]
pub(crate) struct Raw {
    /// A block's number or its source's name, then a snapshot file, - for standard input
    #[arg(value_name = "BLOCK|SNAPSHOT", num_args = 0..=2, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) what: Vec<std::ffi::OsString>,
}
