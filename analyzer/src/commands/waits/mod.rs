//! `whotalks waits`: who is blocked on whom.

mod document;
mod text;

pub(super) use document::{Row, row};
pub(super) use text::{cells, heading};

use anyhow::Result;
use whotalks::model::{Call, Map, ProcessId, ThreadState, build_whole};
use whotalks::query::{self, Filter, apply_filter, matching, waits};

use super::{near_names, unrestricted};
use crate::Outcome;
use crate::cli::{FilterArgs, TableFormat, Waits};
use crate::{input, output};

pub(super) fn run(options: &Waits) -> Result<Outcome> {
    let mut snapshots = input::open_at(&options.selection.files(), options.selection.at)?;
    let Some(map) = unrestricted(&mut snapshots, options.selection.at, build_whole) else {
        return Ok(Outcome::Found);
    };
    let mut answer = waits(&map);
    if !choose(&map, &mut answer, &options.selection)? {
        eprintln!(
            "whotalks: nothing matches{}",
            near_names(&map, &options.selection)
        );
        return Ok(Outcome::Found);
    }
    output::stdout(|out| match options.format {
        TableFormat::Text => text::write(out, &map, &answer, options.all),
        TableFormat::Json => document::json(out, &map, &answer),
        TableFormat::Csv => document::csv(out, &map, &answer),
    })?;
    Ok(Outcome::Done)
}

/// Keeps the rows that are asked for: of a process that is meant, or waiting for one. The map stays
/// whole, since chains go through everybody. False: nothing matches.
fn choose(map: &Map, answer: &mut query::Waits, selection: &FilterArgs) -> Result<bool> {
    let filter = selection.filter()?;
    if filter.is_empty() {
        return Ok(true);
    }
    let meant = (!filter.only.is_empty()).then(|| matching(map, &filter.only));
    if meant.as_ref().is_some_and(|meant| !meant.contains(&true)) {
        return Ok(false);
    }
    let around = Filter {
        only: query::SelectorSet::default(),
        ..filter
    };
    let (near, found) = apply_filter(map.clone(), &around);
    let ids = |map: &Map| -> Vec<(u32, u32)> {
        map.processes.iter().map(|p| (p.host.0, p.pid)).collect()
    };
    let kept = ids(&near);
    let is_kept: Vec<bool> = ids(map)
        .iter()
        .map(|id| kept.binary_search(id).is_ok())
        .collect();
    answer.waits.retain(|waiting| {
        let own = map.waits[waiting.wait].process;
        let is_meant =
            |process: &ProcessId| meant.as_ref().is_none_or(|meant| meant[process.index()]);
        let ahead = waiting.chain.iter().map(|step| &step.process);
        is_kept[own.index()] && (is_meant(&own) || waiting.peers.iter().chain(ahead).any(is_meant))
    });
    Ok(found)
}

/// The call of a row; only those who are in one have a row.
pub(super) fn call(map: &Map, wait: usize) -> Option<&Call> {
    match &map.waits[wait].state {
        ThreadState::Call(call) => Some(call),
        _ => None,
    }
}
