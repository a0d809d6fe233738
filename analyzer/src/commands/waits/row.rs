//! A thread that waits, as JSON has it, and the parts of it that CSV has too.

use serde::Serialize;
use whotalks::export::{hex_of, hex_of_name, object};
use whotalks::id;
use whotalks::model::{Call, FdTarget, Map, SocketId};
use whotalks::query::{BlockedThread, ChainEnd, ChainStep};
use whotalks::text::escape;

use super::on::{OBJECTS, call_of, memory_word, named, object_id, on_rows};
use super::phrase::end_text;
use crate::commands::names::process_ids;

/// The row of a thread.
pub(crate) fn wait_row(map: &Map, waiting: &BlockedThread) -> impl Serialize {
    let wait = waiting.wait.map(|thread| &map.waits[thread]);
    let call = waiting.wait.and_then(|thread| call_of(map, thread));
    let process = map.process(waiting.process);
    let target = call.map(|call| &call.target);
    let file = target.and_then(file);
    let file_hex = file.as_deref().and_then(hex_of);
    let named = call.and_then(named);
    let named_hex = named.as_ref().and_then(hex_of_name);
    let more = waiting.on.len().saturating_sub(OBJECTS);
    object()
        .field("problem", waiting.problem)
        .field("process", id::process(map, waiting.process))
        .field("pid", process.pid)
        .bytes("comm", &process.comm)
        .bytes_or_null("title", process.title())
        // Of a stopped process the main thread's.
        .field("tid", wait.map_or(process.pid, |wait| wait.tid))
        .bytes("thread", wait.map_or(&process.comm, |wait| &wait.comm))
        .field("call", call.and_then(|call| call.name))
        .field("call_number", call.map(|call| call.number))
        .field("fd", call.and_then(|call| call.fd))
        // Id of the socket or pipe; of any other file the link in /proc/PID/fd.
        .field("object", target.and_then(|target| object_id(map, target)))
        .exact("file", file, file_hex)
        .field("on", on_rows(map, waiting))
        .known("on_more", (more > 0).then_some(more))
        // Whether the memory of the thread tells what it waits on.
        .known("memory", call.and_then(memory_word))
        // The address or path in the arguments of a connect, send or open.
        .known("named", named.map(|named| named.text))
        .known("named_hex", named_hex)
        // The thread that holds the lock which this one waits for.
        .field("owner_tid", call.and_then(Call::owner_tid))
        .field("need", waiting.need.as_str())
        .name("via", &waiting.via)
        .field(
            "queue_bytes",
            target.and_then(|target| queue_bytes(map, target)),
        )
        .field("late_ms", waiting.late_ms)
        .list(
            "neglects",
            waiting.neglects.iter().map(|id| neglected_row(map, *id)),
        )
        .field("peers", process_ids(map, &waiting.peers))
        .list(
            "chain",
            waiting.chain.iter().map(|step| step_row(map, step)),
        )
        .field("chain_length", waiting.length)
        .field("end", end_row(map, waiting))
        .field("class", waiting.class.as_str())
        .field(
            "wchan",
            wait.filter(|wait| !wait.wchan.is_empty())
                .map(|wait| escape::display(&wait.wchan)),
        )
}

/// A socket in which clients or data wait.
fn neglected_row(map: &Map, id: SocketId) -> impl Serialize {
    let socket = map.socket(id);
    object()
        .field("socket", id::socket(map, id))
        .field("pending", socket.pending)
        .field("backlog", socket.backlog)
        .field("recv_queue_bytes", socket.recv_queue_bytes)
}

fn end_row(map: &Map, waiting: &BlockedThread) -> impl Serialize {
    let cycle = match waiting.end {
        ChainEnd::Cycle(number) => Some(number),
        _ => None,
    };
    let text = end_text(map, waiting);
    let last = waiting
        .chain
        .last()
        .map_or(waiting.process, |step| step.process);
    object()
        .field("kind", waiting.end.as_str())
        .field("process", id::process(map, last))
        .field("text", text)
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
        .bytes_or_null("title", map.process(step.process).title())
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
