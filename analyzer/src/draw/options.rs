//! Options of a drawing. Values only: nothing here reads the map.

use clap::ValueEnum;

use crate::check::Report;

/// How nodes are placed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// Place nodes so that distances follow distances in the graph
    #[default]
    Stress,
    /// Place nodes in ranks from clients down to servers; for small views
    Layered,
    /// Draw a table of squares: clients in rows, servers in columns
    Matrix,
}

/// When hubs are drawn as badges on their clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum HubBadges {
    /// Where the lines of a hub would cover a large picture
    #[default]
    Auto,
    /// In small pictures too
    Always,
    /// Never: draw every line
    Never,
}

/// Colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Theme {
    /// Cyan boxes, white, yellow and red circles
    #[default]
    Classic,
    /// Quieter colours on white
    Light,
    /// Colours on near-black
    Dark,
    /// Light or dark, as the reader's system prefers
    Auto,
}

/// Options of a drawing.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How nodes are placed.
    pub layout: Layout,
    /// Colours.
    pub theme: Theme,
    /// Title; `None`: made from the host names.
    pub title: Option<String>,
    /// Draw every process, socket and pipe on its own.
    pub all: bool,
    /// Findings to mark; `None`: no checks were run.
    pub findings: Option<Report>,
    /// When hubs are drawn as badges.
    pub hub_badges: HubBadges,
    /// Further lines of the caption: what was left out or grouped, and by which options.
    pub notes: Vec<String>,
    /// Each process of the map stands for a group, so that no pid is written.
    pub grouped: bool,
}
