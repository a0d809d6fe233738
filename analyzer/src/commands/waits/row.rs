//! A thread that waits, as documents have it.

use serde::Serialize;
use whotalks::export::{ExactText, hex_of, hex_of_name};
use whotalks::id;
use whotalks::model::{FdTarget, Map};
use whotalks::query::{BlockedThread, ChainEnd, ChainStep};
use whotalks::text::escape;

use super::call::call_of;
use crate::commands::names::process_ids;

/// A thread that waits.
#[derive(Serialize)]
pub(crate) struct WaitRow<'a> {
    pub(super) process: String,
    pub(super) pid: u32,
    pub(super) comm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comm_hex: Option<String>,
    pub(super) tid: u32,
    pub(super) thread: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thread_hex: Option<String>,
    pub(super) call: Option<&'static str>,
    pub(super) call_number: i64,
    pub(super) fd: Option<u32>,
    /// Id of the socket or pipe.
    pub(super) object: Option<String>,
    /// The link in /proc/PID/fd, of any other file.
    pub(super) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_hex: Option<String>,
    pub(super) need: &'static str,
    pub(super) via: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) via_hex: Option<String>,
    pub(super) queue_bytes: Option<u64>,
    pub(super) peers: Vec<String>,
    pub(super) chain: Vec<StepRow>,
    pub(super) chain_length: usize,
    pub(super) end: EndRow,
    pub(super) class: &'static str,
    pub(super) wchan: Option<String>,
}

#[derive(Serialize)]
pub(super) struct StepRow {
    pub(super) process: String,
    pub(super) tid: Option<u32>,
    pub(super) call: Option<&'static str>,
    pub(super) object: Option<String>,
}

#[derive(Serialize)]
pub(super) struct EndRow {
    pub(super) kind: &'static str,
    /// An address, a file, a call.
    pub(super) text: Option<String>,
    /// Index into `cycles`.
    pub(super) cycle: Option<usize>,
}

/// The row of a thread; `None` if it is in no call.
pub(crate) fn wait_row<'a>(map: &Map, waiting: &'a BlockedThread) -> Option<WaitRow<'a>> {
    let wait = &map.waits[waiting.wait];
    let call = call_of(map, waiting.wait)?;
    let process = map.process(wait.process);
    let cycle = match &waiting.end {
        ChainEnd::Cycle(number) => Some(*number),
        _ => None,
    };
    let (comm, thread) = (ExactText::new(&process.comm), ExactText::new(&wait.comm));
    let file = file(&call.target);
    Some(WaitRow {
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
        peers: process_ids(map, &waiting.peers),
        chain: waiting
            .chain
            .iter()
            .map(|step| step_row(map, step))
            .collect(),
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

pub(super) fn step_row(map: &Map, step: &ChainStep) -> StepRow {
    let call = step.wait.and_then(|wait| call_of(map, wait));
    StepRow {
        process: id::process(map, step.process),
        tid: step.wait.map(|wait| map.waits[wait].tid),
        call: call.and_then(|call| call.name),
        object: call.and_then(|call| object(map, &call.target)),
    }
}

fn object(map: &Map, target: &FdTarget) -> Option<String> {
    match target {
        FdTarget::Socket(socket) => Some(id::socket(map, *socket)),
        FdTarget::Pipe(pipe) => Some(id::pipe(map, *pipe)),
        FdTarget::Other(_) | FdTarget::Unknown => None,
    }
}

fn file(target: &FdTarget) -> Option<String> {
    match target {
        FdTarget::Other(text) => Some(ExactText::new(text).text),
        _ => None,
    }
}

/// Bytes sent through a socket and not read by the peer.
fn queue_bytes(map: &Map, target: &FdTarget) -> Option<u64> {
    match target {
        FdTarget::Socket(socket) => Some(map.socket(*socket).send_queue_bytes),
        _ => None,
    }
}

/// The address, file or call of an end.
fn end_text(end: &ChainEnd) -> Option<String> {
    match end {
        ChainEnd::Outside(text) | ChainEnd::File(text) => Some(text.clone()),
        ChainEnd::Call(name) => name.map(str::to_owned),
        _ => None,
    }
}
