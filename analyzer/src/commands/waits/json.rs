//! JSON output of `waits`: `whotalks-waits/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::object;
use whotalks::model::Map;
use whotalks::query::{WaitAnalysis, WaitCycle};

use super::row::{step_row, wait_row};
use crate::commands::coverage::is_complete;
use crate::commands::names::process_ids;
use crate::output;

pub(super) fn write(out: &mut dyn Write, map: &Map, waits: &WaitAnalysis, all: bool) -> Result<()> {
    let rows = waits.waits.iter().filter(|row| all || row.problem);
    let idle = waits.waits.iter().filter(|row| !row.problem);
    let document = object()
        .field("schema", "whotalks-waits/1")
        .list("waits", rows.map(|waiting| wait_row(map, waiting)))
        .list(
            "cycles",
            waits.cycles.iter().map(|cycle| cycle_row(map, cycle)),
        )
        // Threads that wait for work; listed with `--all`.
        .field("idle", idle.count())
        // False if threads were not captured.
        .field("captured", !map.waits.is_empty())
        .field("running", waits.running)
        .field("unread", waits.unread)
        .field("complete", waits.unread == 0 && is_complete(map));
    output::json(out, &document)
}

fn cycle_row(map: &Map, cycle: &WaitCycle) -> impl Serialize {
    object()
        .list("steps", cycle.steps.iter().map(|step| step_row(map, step)))
        .field("processes", process_ids(map, &cycle.processes))
        .field("deadlock", cycle.deadlock)
        .field("certain", cycle.certain)
        .field("timed", cycle.timed)
}
