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

pub(super) fn write(out: &mut dyn Write, map: &Map, waits: &WaitAnalysis) -> Result<()> {
    let rows = waits.waits.iter();
    let document = object()
        .field("schema", "whotalks-waits/1")
        .list("waits", rows.filter_map(|waiting| wait_row(map, waiting)))
        .list(
            "cycles",
            waits.cycles.iter().map(|cycle| cycle_row(map, cycle)),
        )
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
}
