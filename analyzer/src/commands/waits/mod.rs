//! `whotalks waits`: lists blocked threads, and what each of them waits for.

mod args;
mod call;
mod csv;
mod json;
mod row;
mod text;

pub(super) use args::WaitsArgs;
pub(super) use call::call_of;
pub(super) use row::{WaitRow, wait_row};
pub(super) use text::{HEADING, wait_cells};

use anyhow::Result;
use whotalks::model::{Map, ProcessId, build_whole};
use whotalks::query::{Filter, SelectorSet, WaitAnalysis, apply_filter, matching_processes, waits};

use super::map::whole_map;
use super::outcome::Outcome;
use super::suggest::{report_no_match, similar_names};
use crate::cli::{FilterArgs, TableFormat};
use crate::{input, output};

pub(super) fn run(args: &WaitsArgs) -> Result<Outcome> {
    let selection = &args.selection;
    let mut snapshots = input::open_at(&selection.files(), selection.at)?;
    let Some(map) = whole_map(&mut snapshots, selection.at, build_whole) else {
        return Ok(Outcome::Found);
    };
    let mut waits = waits(&map);
    if !keep_selected(&map, &mut waits, selection)? {
        report_no_match(&similar_names(&map, selection));
        return Ok(Outcome::Found);
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
