//! CSV output of `waits`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::id;
use whotalks::model::{Call, Map};
use whotalks::query::WaitAnalysis;
use whotalks::text::escape;

use super::on::{call_of, object_id};
use super::phrase::end_text;
use super::row::{file, queue_bytes};
use crate::commands::names::process_ids;

const COLUMNS: &str = "\
    process,pid,comm,tid,call,fd,object,need,name_kind,name,\
    queue_bytes,peers,chain,end,end_text,class,problem,title,owner_tid,late_ms";

pub(super) fn write(out: &mut dyn Write, map: &Map, waits: &WaitAnalysis, all: bool) -> Result<()> {
    csv::heading(out, COLUMNS)?;
    for waiting in waits.waits.iter().filter(|row| all || row.problem) {
        let call = waiting.wait.and_then(|thread| call_of(map, thread));
        let target = call.map(|call| &call.target);
        let process = map.process(waiting.process);
        let tid = waiting.wait.map(|thread| map.waits[thread].tid);
        let (name_kind, name) = csv::name_cells(&waiting.via);
        let steps = waiting.chain.iter().map(|step| &step.process);
        let object = target.and_then(|target| object_id(map, target).or_else(|| file(target)));
        csv::row(
            out,
            &[
                &id::process(map, waiting.process),
                &process.pid,
                &escape::display(&process.comm),
                &tid.unwrap_or(process.pid),
                &call.and_then(|call| call.name),
                &call.and_then(|call| call.fd),
                &object,
                &waiting.need.as_str(),
                &name_kind,
                &name,
                &target.and_then(|target| queue_bytes(map, target)),
                &process_ids(map, &waiting.peers).join(" "),
                &process_ids(map, steps).join(" "),
                &waiting.end.as_str(),
                &end_text(map, waiting),
                &waiting.class.as_str(),
                &waiting.problem,
                &process.title().map(escape::display),
                &call.and_then(Call::owner_tid),
                &waiting.late_ms,
            ],
        )?;
    }
    Ok(())
}
