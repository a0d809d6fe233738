//! JSON output of `waits`: `whotalks-waits/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::model::Map;
use whotalks::query::{WaitAnalysis, WaitCycle};

use super::row::{StepRow, WaitRow, step_row, wait_row};
use crate::commands::coverage::is_complete;
use crate::commands::names::process_ids;
use crate::output;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    waits: Vec<WaitRow<'a>>,
    cycles: Vec<CycleRow>,
    /// False if threads were not captured.
    captured: bool,
    running: usize,
    unread: usize,
    complete: bool,
}

#[derive(Serialize)]
struct CycleRow {
    steps: Vec<StepRow>,
    processes: Vec<String>,
    deadlock: bool,
    certain: bool,
}

pub(super) fn write(out: &mut dyn Write, map: &Map, waits: &WaitAnalysis) -> Result<()> {
    let cycle = |cycle: &WaitCycle| CycleRow {
        steps: cycle.steps.iter().map(|step| step_row(map, step)).collect(),
        processes: process_ids(map, &cycle.processes),
        deadlock: cycle.deadlock,
        certain: cycle.certain,
    };
    let rows = waits.waits.iter();
    let document = Document {
        schema: "whotalks-waits/1",
        waits: rows.filter_map(|waiting| wait_row(map, waiting)).collect(),
        cycles: waits.cycles.iter().map(cycle).collect(),
        captured: !map.waits.is_empty(),
        running: waits.running,
        unread: waits.unread,
        complete: waits.unread == 0 && is_complete(map),
    };
    output::json(out, &document)
}
