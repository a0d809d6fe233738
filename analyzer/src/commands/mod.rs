//! One file for each subcommand: wires input, map, answer and output together.

mod export;
mod hubs;
mod info;
mod list;

use anyhow::Result;
use whotalks::graph;
use whotalks::model::{Map, build};

use crate::Outcome;
use crate::cli::{Arguments, By, Command};
use crate::input::Snapshot;

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    match &arguments.command {
        Command::Info(options) => info::run(options),
        Command::List(options) => list::run(options),
        Command::Hubs(options) => hubs::run(options),
        Command::Draw(_) => anyhow::bail!("draw is not there yet"),
        Command::Export(options) => export::run(options),
    }
}

/// The map of the snapshots, and the snapshots without what the map has taken over.
fn map(snapshots: &mut [Snapshot]) -> Map {
    let loaded: Vec<_> = snapshots
        .iter_mut()
        .map(|s| std::mem::take(&mut s.loaded))
        .collect();
    build(&loaded)
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
        }
    }
}

/// `12 of 214 processes unreadable.`, or nothing when all were read.
fn unreadable(map: &Map) -> Option<String> {
    let all = map.processes.len();
    let unread: usize = map
        .hosts
        .iter()
        .map(|h| h.coverage.partial + h.coverage.denied)
        .sum();
    (unread > 0).then(|| {
        let processes = if all == 1 { "process" } else { "processes" };
        format!("{unread} of {all} {processes} unreadable.")
    })
}
