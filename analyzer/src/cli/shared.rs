//! Options that several commands share.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use whotalks::graph;
use whotalks::model::At;

/// Snapshots to read.
#[derive(Debug, Args)]
pub(crate) struct Snapshots {
    /// Snapshot files, - for standard input
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) files: Vec<PathBuf>,
    /// Which capture of a series: its number, -1 from the end, last, a time (17:05 in UTC, or RFC
    /// 3339), or all together
    #[arg(long, value_name = "WHEN", default_value = "last", value_parser = crate::selection::at)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) at: At,
}

/// What to look at, and the snapshots to read it from.
#[derive(Debug, Clone, Args)]
pub(crate) struct FilterArgs {
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
    /// Which capture of a series: its number, -1 from the end, last, a time (17:05 in UTC, or RFC
    /// 3339), or all together
    #[arg(long, value_name = "WHEN", default_value = "last", value_parser = crate::selection::at)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) at: At,
    /// Selectors, as --only; then snapshot files, - for standard input
    #[arg(value_name = "SELECTOR|SNAPSHOT")]
    pub(crate) words: Vec<OsString>,
    /// How many of the last words may be a file without looking like one
    #[arg(skip = 1_usize)]
    pub(crate) bare_files: usize,
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
    /// Each socket, in list; elsewhere as process
    Socket,
}

impl From<By> for graph::By {
    fn from(by: By) -> Self {
        match by {
            By::Role => Self::Role,
            By::Process => Self::Process,
            By::Exe => Self::Exe,
            By::Unit => Self::Unit,
            By::Container => Self::Container,
            By::User => Self::User,
            By::Host => Self::Host,
            By::Socket => Self::Socket,
        }
    }
}
