//! The command line, as clap sees it. Only validates; `commands` does the work.

mod changes;
mod check;
mod pictures;
mod questions;
mod redact;
mod shared;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use changes::{Comparison, Diff, Trend};
pub(crate) use check::{Check, CheckFormat, Explain, FailOn, Learn};
pub(crate) use pictures::{Badges, Draw, Export, ExportFormat, Layout, Theme};
pub(crate) use questions::{Hubs, Info, List, Path, Raw, Show, Waits};
pub(crate) use redact::{KeepKind, Redact};
pub(crate) use shared::{By, FilterArgs, Format, TableFormat};

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
    /// Memory that a snapshot may take, as 512M or 16G; by default what its size is worth, at most 4G
    #[arg(long, value_name = "N", value_parser = size, global = true)]
    pub(crate) limit_bytes: Option<u64>,
}

/// A number of bytes, with K, M, G or T for powers of 1,024.
fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (&text[..at], unit.to_ascii_uppercase()),
        _ => (text, 'B'),
    };
    let factor = [
        ('B', 1),
        ('K', 1 << 10),
        ('M', 1 << 20),
        ('G', 1 << 30),
        ('T', 1_u64 << 40),
    ];
    let factor = factor.iter().find(|(name, _)| *name == unit);
    let bytes = digits.parse::<u64>().ok().zip(factor);
    bytes
        .and_then(|(number, (_, factor))| number.checked_mul(*factor))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "expected a number of bytes, as 512M or 4G".to_owned())
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
    /// One page on a process, socket, unit or container
    Show(Show),
    /// Processes ranked by how many others they talk to
    Hubs(Hubs),
    /// How one process reaches another, hop by hop
    Path(Path),
    /// Who is blocked on whom: thread, call, socket or pipe, peer
    Waits(Waits),
    /// Anomalies: what is wrong, what shows it, what to do
    Check(Check),
    /// What a rule of check means, why it matters, what to do
    Explain(Explain),
    /// Write who talks to whom as a policy for check --policy
    Learn(Learn),
    /// What changed between two snapshots
    Diff(Diff),
    /// What grew or shrank over a series of captures
    Trend(Trend),
    /// Draw the map as SVG
    Draw(Draw),
    /// The whole map as a document for programs
    Export(Export),
    /// A copy without names, arguments and addresses
    Redact(Redact),
    /// The kernel's own bytes: list the blocks, or extract one
    Raw(Raw),
}
