//! `whotalks waits`: lists blocked threads, and what each of them waits for.

mod csv;
mod json;
mod on;
mod row;
mod text;

pub(super) use row::{call_of, wait_row};
pub(super) use text::{HEADING, wait_cells};

use anyhow::Result;
use clap::Args;
use whotalks::model::{Map, ProcessId, build_whole};
use whotalks::query::{Filter, SelectorSet, WaitAnalysis, apply_filter, matching_processes, waits};

use super::map::whole_map;
use super::outcome::Outcome;
use super::suggest::{no_match, similar_names};
use crate::cli::{FilterArgs, TableFormat};
use crate::{input, output};

const AFTER_HELP: &str = "\
Each row is a thread that sleeps in a system call. It is followed to the socket or pipe of the \
call, to the processes at the other end, to what those wait for, and so on. A chain ends at a \
process that can run, an address outside, something unknown, or a cycle.

Selectors choose matching threads and those that wait for them.

Examples:
  whotalks waits                        capture this machine
  whotalks waits postgres web1.whotalks
  whotalks waits --all web1.whotalks    include idle threads
  whotalks waits --format json web1.whotalks | jq '.cycles'";

/// `whotalks waits`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct WaitsArgs {
    /// Show all rows, including idle threads
    #[arg(long)]
    pub(crate) all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

pub(super) fn run(args: &WaitsArgs) -> Result<Outcome> {
    let selection = &args.selection;
    let snapshots = input::open_at(&selection.files(), selection.at)?;
    let map = whole_map(snapshots, selection.at, build_whole)?;
    let mut waits = waits(&map);
    if !keep_selected(&map, &mut waits, selection)? {
        return Err(no_match(&similar_names(&map, selection)));
    }
    output::stdout(|out| match args.format {
        TableFormat::Text => text::write(out, &map, &waits, args.all),
        TableFormat::Json => json::write(out, &map, &waits),
        TableFormat::Csv => csv::write(out, &map, &waits),
    })?;
    Ok(Outcome::Success)
}

/// Removes threads that neither match the selectors nor wait for a process that does. The map stays whole,
/// since chains go through all processes. False if nothing matches.
fn keep_selected(map: &Map, waits: &mut WaitAnalysis, selection: &FilterArgs) -> Result<bool> {
    let filter = selection.filter()?;
    if filter.is_empty() {
        return Ok(true);
    }
    let selected = (!filter.only.is_empty()).then(|| matching_processes(map, &filter.only));
    if let Some(selected) = &selected
        && !selected.contains(&true)
    {
        return Ok(false);
    }
    let rest = Filter {
        only: SelectorSet::default(),
        ..filter
    };
    let (filtered, found) = apply_filter(map.clone(), &rest);
    let ids = |map: &Map| -> Vec<(u32, u32)> {
        map.processes.iter().map(|p| (p.host.0, p.pid)).collect()
    };
    let kept = ids(&filtered);
    let is_kept: Vec<bool> = ids(map)
        .iter()
        .map(|id| kept.binary_search(id).is_ok())
        .collect();
    let is_selected = |process: &ProcessId| {
        let selected = selected.as_ref();
        selected.is_none_or(|selected| selected[process.index()])
    };
    waits.waits.retain(|waiting| {
        let own = map.waits[waiting.wait].process;
        let chain = waiting.chain.iter().map(|step| &step.process);
        let mut others = waiting.peers.iter().chain(chain);
        is_kept[own.index()] && (is_selected(&own) || others.any(is_selected))
    });
    Ok(found)
}
