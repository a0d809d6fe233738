//! `whotalks waits`: lists blocked threads, and what each of them waits for.

mod csv;
mod json;
mod on;
mod phrase;
mod row;
mod text;
mod tree;

pub(super) use on::call_of;
pub(super) use phrase::stopped_text;
pub(super) use row::wait_row;
pub(super) use text::{HEADING, wait_cells};

use anyhow::Result;
use clap::Args;
use whotalks::model::{Map, ProcessId, build_whole};
use whotalks::query::{
    ChainEnd, Filter, SelectorSet, WaitAnalysis, apply_filter, matching_processes, waits,
};

use super::map::whole_map;
use super::outcome::Outcome;
use super::suggest::{no_match, similar_names};
use crate::cli::{FilterArgs, TableFormat};
use crate::{input, output};

const AFTER_HELP: &str = "\
Shows the causes first, the worst on top: a process that is stopped, a cycle, a lock, a process that \
sleeps while others wait. Below each stand the threads that wait for it, and below these the ones \
that wait for them. Threads that wait for work are idle, and hidden.

A thread that polls several descriptors is shown only if somebody waits for it: clients in the queue \
of its listener, data that no thread reads, a client without response. Locks inside PostgreSQL are \
known by the titles of its processes alone.

Selectors keep the chains that pass a process that matches.

Examples:
  whotalks waits                        capture this machine
  whotalks waits postgres web1.whotalks
  whotalks waits --all web1.whotalks    include idle threads
  whotalks waits --format json web1.whotalks | jq '.waits[].end'";

/// `whotalks waits`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct WaitsArgs {
    /// Include idle threads, and show all lines
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
        TableFormat::Json => json::write(out, &map, &waits, args.all),
        TableFormat::Csv => csv::write(out, &map, &waits, args.all),
    })?;
    Ok(Outcome::Success)
}

/// Removes threads that neither match the selectors nor wait for a process that does, and cycles that these do
/// not come to. The map stays whole, since chains go through all processes. False if nothing matches.
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
        let own = waiting.process;
        let mut chain = waiting.chain.iter().map(|step| &step.process);
        is_kept[own.index()] && (is_selected(&own) || chain.any(is_selected))
    });
    keep_cycles(waits, is_selected);
    Ok(found)
}

/// Removes cycles without a process that is selected or a chain that ends at them.
fn keep_cycles(waits: &mut WaitAnalysis, is_selected: impl Fn(&ProcessId) -> bool) {
    let mut new_numbers = Vec::new();
    let mut kept = Vec::new();
    for (number, cycle) in std::mem::take(&mut waits.cycles).into_iter().enumerate() {
        let mut rows = waits.waits.iter();
        let is_end = rows.any(|row| row.end == ChainEnd::Cycle(number));
        new_numbers.push(kept.len());
        if is_end || cycle.processes.iter().any(&is_selected) {
            kept.push(cycle);
        }
    }
    waits.cycles = kept;
    for row in &mut waits.waits {
        if let ChainEnd::Cycle(number) = &mut row.end {
            *number = new_numbers[*number];
        }
    }
}
