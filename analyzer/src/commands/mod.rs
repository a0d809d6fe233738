//! The commands. Each has a folder or file: `mod.rs` has its options and help and gets the answer, and
//! `text.rs`, `json.rs` and `csv.rs` write it.

mod check;
mod coverage;
mod diff;
mod draw;
mod explain;
mod export;
mod findings;
mod hubs;
mod info;
mod learn;
mod list;
mod map;
mod names;
mod outcome;
mod path;
mod raw;
mod redact;
mod show;
mod suggest;
mod trend;
mod waits;

pub(crate) use outcome::Outcome;

use anyhow::Result;
use clap::Subcommand;

use crate::messages::message;
use outcome::NothingFound;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe a snapshot: host, time, coverage, damage
    Info(info::InfoArgs),
    /// List conversations: client, server, connection count, socket name
    List(list::ListArgs),
    /// Show details of a process, socket, unit or container
    Show(show::ShowArgs),
    /// Rank processes by their number of peers
    Hubs(hubs::HubsArgs),
    /// Find how one process reaches another, hop by hop
    Path(path::PathArgs),
    /// List blocked threads: system call, socket or pipe, peer
    Waits(waits::WaitsArgs),
    /// Check for problems, with evidence and advice
    Check(check::CheckArgs),
    /// Explain a rule of check
    Explain(explain::ExplainArgs),
    /// Write the conversations of snapshots as a policy for check
    Learn(learn::LearnArgs),
    /// Compare two snapshots
    Diff(diff::DiffArgs),
    /// Show what grows or shrinks over a series of captures
    Trend(trend::TrendArgs),
    /// Draw the map as SVG
    Draw(draw::DrawArgs),
    /// Export the map as JSON, DOT, GraphML or CSV
    Export(export::ExportArgs),
    /// Copy a snapshot without names, arguments and addresses
    Redact(redact::RedactArgs),
    /// List the blocks of a snapshot, or extract one
    Raw(raw::RawArgs),
}

/// Runs a command.
pub(crate) fn run(command: &Command) -> Result<Outcome> {
    let result = match command {
        Command::Info(args) => info::run(args),
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
        Command::Hubs(args) => hubs::run(args),
        Command::Path(args) => path::run(args),
        Command::Waits(args) => waits::run(args),
        Command::Check(args) => check::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Learn(args) => learn::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Trend(args) => trend::run(args),
        Command::Draw(args) => draw::run(args),
        Command::Export(args) => export::run(args),
        Command::Redact(args) => redact::run(args),
        Command::Raw(args) => raw::run(args),
    };
    result.or_else(|error| {
        message!("{}", error.downcast::<NothingFound>()?);
        Ok(Outcome::Found)
    })
}
