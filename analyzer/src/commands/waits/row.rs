//! A thread that waits, as JSON has it, and the parts of it that CSV has too.

use serde::Serialize;
use whotalks::export::{ExactText, hex_of, hex_of_name, object};
use whotalks::id;
use whotalks::model::{Call, FdTarget, Map, ThreadState};
use whotalks::query::{BlockedThread, ChainEnd, ChainStep};
use whotalks::text::escape;

use super::on::{memory_word, named, object_id, on_rows};
use crate::commands::names::process_ids;

/// The row of a thread; `None` if it is in no call.
pub(crate) fn wait_row(map: &Map, waiting: &BlockedThread) -> Option<impl Serialize> {
    let wait = &map.waits[waiting.wait];
    let call = call_of(map, waiting.wait)?;
    let process = map.process(wait.process);
    let file = file(&call.target);
    let file_hex = file.as_deref().and_then(hex_of);
    let named = named(call);
    let named_hex = named.as_ref().and_then(hex_of_name);
    let title = process.title().map(ExactText::new);
    let (title, title_hex) = title.map_or((None, None), |title| (Some(title.text), title.hex));
    let row = object()
        .field("process", id::process(map, wait.process))
        .field("pid", process.pid)
        .bytes("comm", &process.comm)
        .known("title", title)
        .known("title_hex", title_hex)
        .field("tid", wait.tid)
        .bytes("thread", &wait.comm)
        .field("call", call.name)
        .field("call_number", call.number)
        .field("fd", call.fd)
        // Id of the socket or pipe; of any other file the link in /proc/PID/fd.
        .field("object", object_id(map, &call.target))
        .exact("file", file, file_hex)
        .field("on", on_rows(map, call))
        // Whether the memory of the thread tells what it waits on.
        .known("memory", memory_word(call))
        // The address or path in the arguments of a connect, send or open.
        .known("named", named.map(|named| named.text))
        .known("named_hex", named_hex)
        // The thread that holds the lock which this one waits for.
        .field("owner_tid", call.owner_tid())
        .field("need", waiting.need.as_str())
        .name("via", &waiting.via)
        .field("queue_bytes", queue_bytes(map, &call.target))
        .field("peers", process_ids(map, &waiting.peers))
        .list(
            "chain",
            waiting.chain.iter().map(|step| step_row(map, step)),
        )
        .field("chain_length", waiting.length)
        .field("end", end_row(&waiting.end))
        .field("class", waiting.class.as_str())
        .field(
            "wchan",
            (!wait.wchan.is_empty()).then(|| escape::display(&wait.wchan)),
        );
    Some(row)
}

fn end_row(end: &ChainEnd) -> impl Serialize {
    let cycle = match end {
        ChainEnd::Cycle(number) => Some(*number),
        _ => None,
    };
    object()
        .field("kind", end.as_str())
        .field("text", end_text(end))
        // Index into `cycles`.
        .field("cycle", cycle)
}

pub(super) fn step_row(map: &Map, step: &ChainStep) -> impl Serialize {
    let call = step.wait.and_then(|wait| call_of(map, wait));
    object()
        .field("process", id::process(map, step.process))
        .field("tid", step.wait.map(|wait| map.waits[wait].tid))
        .field("call", call.and_then(|call| call.name))
        .field("object", call.and_then(|call| object_id(map, &call.target)))
}

/// The call that a thread is in. Threads that are in no call have no row.
pub(crate) fn call_of(map: &Map, wait: usize) -> Option<&Call> {
    match &map.waits[wait].state {
        ThreadState::Call(call) => Some(call),
        _ => None,
    }
}

/// The link in `/proc/PID/fd` of a file that is no socket or pipe.
pub(super) fn file(target: &FdTarget) -> Option<String> {
    match target {
        FdTarget::Other(text) => Some(escape::display(text)),
        _ => None,
    }
}

/// Bytes sent through a socket and not read by the peer.
pub(super) fn queue_bytes(map: &Map, target: &FdTarget) -> Option<u64> {
    match target {
        FdTarget::Socket(socket) => Some(map.socket(*socket).send_queue_bytes),
        _ => None,
    }
}

/// The address, file or call of an end.
pub(super) fn end_text(end: &ChainEnd) -> Option<String> {
    match end {
        ChainEnd::Outside(text) | ChainEnd::File(text) => Some(text.clone()),
        ChainEnd::Call(name) => name.map(str::to_owned),
        _ => None,
    }
}
