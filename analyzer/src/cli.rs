//! The command line, as clap sees it. Only validates; `commands` does the work.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Who is talking to whom on a machine: maps and answers from snapshots.
#[derive(Debug, Parser)]
#[command(name = "whotalks", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  whotalks hubs                                 this machine, captured now
  whotalks list web1.whotalks                   who talks to whom in a snapshot
  ssh host sudo whotalks-collect -o - | whotalks draw - -o map.svg
  whotalks export --format json web1.whotalks | jq '.connections | length'

Selectors: pid:812 comm:dbus* exe:/usr/bin/* cmd:*worker* unit:nginx.service container:ID-or-name
  user:www-data socket:/run/docker.sock socket:@name addr:10.0.0.0/8 port:1521 proto:tcp
  state:listening inode:1452 netns:4026531833 host:web1, or a bare word: part of a name.
  Of different kinds they combine with and, of one kind with or.

Without a SNAPSHOT the collector, found beside this program or in PATH, captures this machine first.
A SNAPSHOT of - is standard input.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What a snapshot holds: host, time, coverage, damage
    Info(Info),
    /// Who talks to whom: client, server, how many connections, over what
    List(List),
    /// Processes ranked by how many others they talk to
    Hubs(Hubs),
    /// Draw the map as SVG
    Draw(Draw),
    /// The whole map as a document for programs
    Export(Export),
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

/// `info`.
#[derive(Debug, Args)]
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
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// `hubs`.
#[derive(Debug, Args)]
pub(crate) struct Hubs {
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) selection: Selection,
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
}

/// `export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Form of the document
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ExportFormat,
    /// Where to; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) selection: Selection,
}
