//! `whotalks hubs`: ranks processes by their number of peers.

mod args;
mod csv;
mod json;
mod ranking;
mod text;

pub(super) use args::HubsArgs;

use std::mem::ManuallyDrop;

use anyhow::Result;
use whotalks::query::{GroupedMap, hubs, matching_processes, merge_groups};

use super::map::filtered_map;
use super::outcome::Outcome;
use crate::cli::TableFormat;
use crate::{input, output};
use ranking::Ranking;

pub(super) fn run(args: &HubsArgs) -> Result<Outcome> {
    let mut snapshots = input::open_at(&args.selection.files(), args.selection.at)?;
    let Some(map) = filtered_map(&mut snapshots, &args.selection)? else {
        return Ok(Outcome::Found);
    };
    let only = args.selection.filter()?.only;
    let selected = (!only.is_empty()).then(|| matching_processes(&map, &only));
    let GroupedMap { map, members } = merge_groups(ManuallyDrop::into_inner(map), args.by);
    let map = ManuallyDrop::new(map);
    let mut ranked = hubs(&map);
    // The map has the peers of the selected processes, too; they get no rows.
    if let Some(selected) = selected.filter(|_| members.is_empty()) {
        ranked.retain(|hub| selected[hub.process.index()]);
    }
    let ranking = Ranking {
        map: &map,
        members,
        hubs: ranked,
    };
    output::stdout(|out| match args.format {
        TableFormat::Text => text::write(out, &ranking),
        TableFormat::Json => json::write(out, &ranking),
        TableFormat::Csv => csv::write(out, &ranking),
    })?;
    Ok(Outcome::Success)
}
