//! The answer for programs.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::{csv, hex_of, hex_of_name, shown};
use whotalks::id;
use whotalks::model::{FdTarget, Map, ProcessId};
use whotalks::query::{self, End, Waiting};
use whotalks::text::escape;

use super::call;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    waits: Vec<Row<'a>>,
    cycles: Vec<Cycle>,
    /// False: the capture did not look at threads.
    captured: bool,
    running: usize,
    unread: usize,
    complete: bool,
}

/// A wait for programs.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    process: String,
    pid: u32,
    comm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm_hex: Option<String>,
    tid: u32,
    thread: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_hex: Option<String>,
    call: Option<&'static str>,
    call_number: i64,
    fd: Option<u32>,
    /// A socket's or pipe's id.
    object: Option<String>,
    /// Of what is neither, the text of its link.
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_hex: Option<String>,
    need: &'static str,
    via: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via_hex: Option<String>,
    queue_bytes: Option<u64>,
    peers: Vec<String>,
    chain: Vec<Step>,
    chain_length: usize,
    end: EndRow,
    class: &'static str,
    wchan: Option<String>,
}

#[derive(Serialize)]
struct Step {
    process: String,
    tid: Option<u32>,
    call: Option<&'static str>,
    object: Option<String>,
}

#[derive(Serialize)]
struct EndRow {
    kind: &'static str,
    /// An address, a file, a call.
    text: Option<String>,
    /// Index into `cycles`.
    cycle: Option<usize>,
}

#[derive(Serialize)]
struct Cycle {
    steps: Vec<Step>,
    processes: Vec<String>,
    deadlock: bool,
    certain: bool,
}

fn object(map: &Map, on: &FdTarget) -> Option<String> {
    match on {
        FdTarget::Socket(socket) => Some(id::socket(map, *socket)),
        FdTarget::Pipe(pipe) => Some(id::pipe(map, *pipe)),
        FdTarget::Other(_) | FdTarget::Unknown => None,
    }
}

fn file(on: &FdTarget) -> Option<String> {
    match on {
        FdTarget::Other(text) => Some(shown(text).text),
        _ => None,
    }
}

/// Bytes that a writer has written and nobody has read.
fn queue_bytes(map: &Map, on: &FdTarget) -> Option<u64> {
    match on {
        FdTarget::Socket(socket) => Some(map.socket(*socket).send_queue_bytes),
        _ => None,
    }
}

fn ids(map: &Map, processes: &[ProcessId]) -> Vec<String> {
    processes
        .iter()
        .map(|process| id::process(map, *process))
        .collect()
}

fn step(map: &Map, step: &query::Step) -> Step {
    let call = step.wait.and_then(|wait| call(map, wait));
    Step {
        process: id::process(map, step.process),
        tid: step.wait.map(|wait| map.waits[wait].tid),
        call: call.and_then(|call| call.name),
        object: call.and_then(|call| object(map, &call.target)),
    }
}

/// What an end's words are about.
fn end_text(end: &End) -> Option<String> {
    match end {
        End::Outside(text) | End::File(text) => Some(text.clone()),
        End::Call(name) => name.map(str::to_owned),
        _ => None,
    }
}

/// A wait as documents have it.
pub(crate) fn row<'a>(map: &Map, waiting: &'a Waiting) -> Option<Row<'a>> {
    let wait = &map.waits[waiting.wait];
    let call = call(map, waiting.wait)?;
    let process = map.process(wait.process);
    let cycle = match &waiting.end {
        End::Cycle(number) => Some(*number),
        _ => None,
    };
    let (comm, thread) = (shown(&process.comm), shown(&wait.comm));
    let file = file(&call.target);
    Some(Row {
        process: id::process(map, wait.process),
        pid: process.pid,
        comm: comm.text,
        comm_hex: comm.hex,
        tid: wait.tid,
        thread: thread.text,
        thread_hex: thread.hex,
        call: call.name,
        call_number: call.number,
        fd: call.fd,
        object: object(map, &call.target),
        file_hex: file.as_deref().and_then(hex_of),
        file,
        need: waiting.need.as_str(),
        via: Some(waiting.via.text.as_str()).filter(|text| !text.is_empty()),
        via_hex: hex_of_name(&waiting.via),
        queue_bytes: queue_bytes(map, &call.target),
        peers: ids(map, &waiting.peers),
        chain: waiting.chain.iter().map(|one| step(map, one)).collect(),
        chain_length: waiting.length,
        end: EndRow {
            kind: waiting.end.as_str(),
            text: end_text(&waiting.end),
            cycle,
        },
        class: waiting.class.as_str(),
        wchan: (!wait.wchan.is_empty()).then(|| escape::display(&wait.wchan)),
    })
}

pub(super) fn json(out: &mut dyn Write, map: &Map, answer: &query::Waits) -> Result<()> {
    let cycle = |cycle: &query::Cycle| Cycle {
        steps: cycle.steps.iter().map(|one| step(map, one)).collect(),
        processes: ids(map, &cycle.processes),
        deadlock: cycle.deadlock,
        certain: cycle.certain,
    };
    let document = Document {
        schema: "whotalks-waits/1",
        waits: answer
            .waits
            .iter()
            .filter_map(|waiting| row(map, waiting))
            .collect(),
        cycles: answer.cycles.iter().map(cycle).collect(),
        captured: !map.waits.is_empty(),
        running: answer.running,
        unread: answer.unread,
        complete: answer.unread == 0 && map.hosts.iter().all(|host| host.coverage.complete),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    Ok(writeln!(out)?)
}

const COLUMNS: [&str; 16] = [
    "process",
    "pid",
    "comm",
    "tid",
    "call",
    "fd",
    "object",
    "need",
    "name_kind",
    "name",
    "queue_bytes",
    "peers",
    "chain",
    "end",
    "end_text",
    "class",
];

pub(super) fn csv(out: &mut dyn Write, map: &Map, answer: &query::Waits) -> Result<()> {
    csv::row(out, &COLUMNS)?;
    for waiting in &answer.waits {
        let Some(row) = row(map, waiting) else {
            continue;
        };
        let (name_kind, name) = csv::name(&waiting.via);
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
