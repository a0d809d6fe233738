//! `whotalks hubs`: ranks processes by their number of peers.

mod csv;
mod json;
mod ranking;
mod text;

use std::mem::ManuallyDrop;

use anyhow::Result;
use clap::Args;
use whotalks::graph::By;
use whotalks::model::build_at;
use whotalks::query::{GroupedMap, hubs, matching_processes, merge_groups};

use super::map::filtered_map;
use super::outcome::Outcome;
use crate::cli::{FilterArgs, TableFormat};
use crate::output;
use ranking::Ranking;

const AFTER_HELP: &str = "\
Examples:
  whotalks hubs                         capture this machine
  whotalks hubs web1.whotalks | head
  whotalks hubs --format json web1.whotalks | jq -r '.hubs[0].comm'";

/// `whotalks hubs`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct HubsArgs {
    /// Group rows by
    #[arg(long, visible_alias = "view", value_enum, default_value_t = By::Process)]
    pub(crate) by: By,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

pub(super) fn run(args: &HubsArgs) -> Result<Outcome> {
    let map = filtered_map(&args.selection, &args.selection.talk_filter()?, build_at)?;
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
