//! The command line, as clap sees it. Only validates; `commands` does the work.

use std::ffi::OsString;
use std::path::PathBuf;

use whotalks::model::At;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::examples;

/// Who is talking to whom on a machine: maps and answers from snapshots.
#[derive(Debug, Parser)]
#[command(
    name = "whotalks",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(after_help = examples::WHOTALKS)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Print the manual pages or the shell completions of both programs
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) generate: Option<Generate>,
    /// Colour on the terminal; NO_COLOR turns it off too
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true)]
    pub(crate) color: Color,
}

/// What `--generate` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generate {
    /// Manual pages, one after the other, for man -l
    Man,
    /// Completions to be sourced by bash
    CompleteBash,
    /// Completions for a folder in zsh's fpath, as _whotalks
    CompleteZsh,
    /// Completions for fish
    CompleteFish,
}

/// When there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What a snapshot holds: host, time, coverage, damage
    Info(Info),
    /// Who talks to whom: client, server, how many connections, over what
    List(List),
    /// Processes ranked by how many others they talk to
    Hubs(Hubs),
    /// How one process reaches another, hop by hop
    Path(Path),
    /// Draw the map as SVG
    Draw(Draw),
    /// The whole map as a document for programs
    Export(Export),
    /// The kernel's own bytes: list the blocks, or extract one
    Raw(Raw),
}

/// Snapshots to read.
#[derive(Debug, Args)]
pub(crate) struct Snapshots {
    /// Snapshot files, - for standard input
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) files: Vec<PathBuf>,
}

/// What to look at, and the snapshots to read it from.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Only conversations with an end that matches (repeat: see SELECTORS)
    #[arg(long, value_name = "SEL")]
    pub(crate) only: Vec<String>,
    /// Only what is near a match
    #[arg(long, value_name = "SEL")]
    pub(crate) focus: Vec<String>,
    /// How near: conversations away from what --focus matches
    #[arg(long, value_name = "N", default_value_t = 1, requires = "focus")]
    pub(crate) hops: usize,
    /// Leave out what matches (repeat: any)
    #[arg(long, value_name = "SEL")]
    pub(crate) hide: Vec<String>,
    /// Which capture of a series: its number, -1 from the end, last, or a time (RFC 3339)
    #[arg(long, value_name = "WHEN", default_value = "last", value_parser = crate::selection::at)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) at: At,
    /// Selectors, as --only; then snapshot files, - for standard input
    #[arg(value_name = "SELECTOR|SNAPSHOT")]
    pub(crate) words: Vec<OsString>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// How an answer in rows is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}

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

/// How much is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Unit or container, and program
    Role,
    /// Each process
    Process,
    /// Each executable
    Exe,
    /// Each systemd unit
    Unit,
    /// Each container
    Container,
    /// Each user
    User,
    /// Each host
    Host,
}

/// `list`.
#[derive(Debug, Args)]
#[command(after_help = examples::LIST)]
pub(crate) struct List {
    /// How much is one
    #[arg(long, value_enum, default_value_t = By::Role)]
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
    pub(crate) selection: Selection,
}

/// `hubs`.
#[derive(Debug, Args)]
#[command(after_help = examples::HUBS)]
pub(crate) struct Hubs {
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: Selection,
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

/// `raw`.
#[derive(Debug, Args)]
#[command(after_help = examples::RAW, override_usage = "whotalks raw [OPTIONS] [BLOCK] [SNAPSHOT]")]
pub(crate) struct Raw {
    /// A block's number or its source's name, then a snapshot file, - for standard input
    #[arg(value_name = "BLOCK|SNAPSHOT", num_args = 0..=2, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) what: Vec<std::ffi::OsString>,
}

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
    /// Everything, nothing grouped or hidden
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) selection: Selection,
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
    pub(crate) selection: Selection,
}
