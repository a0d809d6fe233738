//! CSV output of `waits`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::id;
use whotalks::model::Map;
use whotalks::query::WaitAnalysis;
use whotalks::text::escape;

use super::on::object_id;
use super::row::{call_of, end_text, file, queue_bytes};
use crate::commands::names::process_ids;

const COLUMNS: &str = "\
    process,pid,comm,tid,call,fd,object,need,name_kind,name,\
    queue_bytes,peers,chain,end,end_text,class";

pub(super) fn write(out: &mut dyn Write, map: &Map, waits: &WaitAnalysis) -> Result<()> {
    csv::heading(out, COLUMNS)?;
    for waiting in &waits.waits {
        let Some(call) = call_of(map, waiting.wait) else {
            continue;
        };
        let wait = &map.waits[waiting.wait];
        let process = map.process(wait.process);
        let (name_kind, name) = csv::name_cells(&waiting.via);
        let steps = waiting.chain.iter().map(|step| &step.process);
        csv::row(
            out,
            &[
                &id::process(map, wait.process),
                &process.pid,
                &escape::display(&process.comm),
                &wait.tid,
                &call.name,
                &call.fd,
                &object_id(map, &call.target).or_else(|| file(&call.target)),
                &waiting.need.as_str(),
                &name_kind,
                &name,
                &queue_bytes(map, &call.target),
                &process_ids(map, &waiting.peers).join(" "),
                &process_ids(map, steps).join(" "),
                &waiting.end.as_str(),
                &end_text(&waiting.end),
                &waiting.class.as_str(),
            ],
        )?;
    }
    Ok(())
}
