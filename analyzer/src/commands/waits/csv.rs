//! CSV output of `waits`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::model::Map;
use whotalks::query::WaitAnalysis;

use super::row::wait_row;
use crate::output;

const COLUMNS: &str = "\
    process,pid,comm,tid,call,fd,object,need,name_kind,name,\
    queue_bytes,peers,chain,end,end_text,class";

pub(super) fn write(out: &mut dyn Write, map: &Map, waits: &WaitAnalysis) -> Result<()> {
    output::csv_heading(out, COLUMNS)?;
    for waiting in &waits.waits {
        let Some(row) = wait_row(map, waiting) else {
            continue;
        };
        let (name_kind, name) = csv::name_cells(&waiting.via);
        let steps: Vec<&str> = row.chain.iter().map(|step| step.process.as_str()).collect();
        let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let cells = [
            &row.process,
            &row.pid.to_string(),
            &row.comm,
            &row.tid.to_string(),
            row.call.unwrap_or_default(),
            &number(row.fd.map(u64::from)),
            &row.object.or(row.file).unwrap_or_default(),
            row.need,
            name_kind,
            name,
            &number(row.queue_bytes),
            &row.peers.join(" "),
            &steps.join(" "),
            row.end.kind,
            &row.end.text.unwrap_or_default(),
            row.class,
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}
