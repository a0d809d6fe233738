//! Words for what threads do, and for what chains end at.

use whotalks::graph::program;
use whotalks::load::syscall::CallKind;
use whotalks::model::{Call, Map, ProcessId, ThreadState};
use whotalks::query::{BlockedThread, ChainEnd, socket_via};
use whotalks::text::escape;

use super::on::call_of;
use crate::commands::names::label;
use crate::terminal::{count, plural};

/// `stopped by a signal: kill -CONT 812 continues it`, or by its tracer.
pub(crate) fn stopped_text(map: &Map, process: ProcessId) -> String {
    let process = map.process(process);
    let tracer = process.tracer_pid.map(|tracer| {
        let mut all = map.processes.iter();
        let found = all.position(|other| (other.host, other.pid) == (process.host, tracer));
        match found.map(ProcessId::new) {
            Some(tracer) => label(map, tracer),
            None => format!("[{tracer}]"),
        }
    });
    match (tracer, process.state) {
        (Some(tracer), b't') => format!("stopped by its tracer {tracer}, which alone continues it"),
        (Some(tracer), _) => format!(
            "stopped by a signal, and traced by {tracer}: kill -CONT {} continues it",
            process.pid
        ),
        (None, _) => {
            let inside = match process.ns_pid == process.pid {
                true => String::new(),
                false => format!(" ({} in its pid namespace)", process.ns_pid),
            };
            format!(
                "stopped by a signal: kill -CONT {}{inside} continues it",
                process.pid
            )
        }
    }
}

/// What the last process of a row's chain does, or why it is the last.
pub(crate) fn end_text(map: &Map, row: &BlockedThread) -> String {
    let last = row.chain.last();
    let process = last.map_or(row.process, |step| step.process);
    let thread = last.map_or(row.wait, |step| step.wait);
    let call = thread.and_then(|thread| call_of(map, thread));
    phrase(map, &row.end, process, call)
}

fn phrase(map: &Map, end: &ChainEnd, process: ProcessId, call: Option<&Call>) -> String {
    let in_call = call.map_or_else(String::new, |call| format!(" in {}", call_name(call)));
    match end {
        ChainEnd::Cycle(_) => "each waits for the next".to_owned(),
        ChainEnd::Stopped => stopped_text(map, process),
        ChainEnd::Transaction(end) => {
            let does = phrase(map, end, process, call);
            format!("{does}, while its session is idle in a transaction (by its title)")
        }
        ChainEnd::Running => "on CPU".to_owned(),
        ChainEnd::NoCall => "asleep, in no system call".to_owned(),
        ChainEnd::Anyone => format!("idle{in_call}: waits for any client or event"),
        ChainEnd::Descriptors => format!("unknown: the descriptors{in_call} were not captured"),
        ChainEnd::Outside(address) => format!("waits for the network: {address}"),
        ChainEnd::Kernel => "waits for the kernel".to_owned(),
        ChainEnd::Lock(what) => format!("waits for {what}; its holder is not known"),
        ChainEnd::Disk(what) if what.is_empty() => "waits for the disk (state D)".to_owned(),
        ChainEnd::Disk(what) => format!("waits for the disk (state D): {what}"),
        ChainEnd::File(text) => format!("waits for {text}"),
        ChainEnd::Call(Some(name)) => format!("in {name}"),
        ChainEnd::Call(None) => "in an unknown call".to_owned(),
        ChainEnd::Timer => format!("asleep{in_call}"),
        ChainEnd::Itself => format!("waits for an event of its own{in_call}"),
        ChainEnd::Threads => format!("waits for another thread{in_call}, it is not known which"),
        ChainEnd::Signal => "waits for a signal".to_owned(),
        ChainEnd::Child => "waits for a child".to_owned(),
        ChainEnd::Nobody => match call.map(|call| call.kind) {
            Some(CallKind::Open) => "nobody opens the other end".to_owned(),
            _ => "nobody holds the other end".to_owned(),
        },
        ChainEnd::Unreadable => "unknown: its threads could not be read".to_owned(),
        ChainEnd::Unknown => "unknown: what it waits on was not captured".to_owned(),
    }
}

pub(crate) fn call_name(call: &Call) -> String {
    call.name
        .map_or_else(|| format!("call {}", call.number), str::to_owned)
}

/// What a thread does, in a word: its call, `on CPU`.
pub(super) fn doing(map: &Map, thread: Option<usize>) -> String {
    match thread.map(|thread| &map.waits[thread].state) {
        Some(ThreadState::Call(call)) => call_name(call),
        Some(ThreadState::Running) => "on CPU".to_owned(),
        Some(ThreadState::NoCall) => "in no call".to_owned(),
        Some(ThreadState::Unread(_)) => "unreadable".to_owned(),
        None => String::new(),
    }
}

/// `3 clients queued at /run/x.sock (backlog 2)`, `120 bytes unread over 127.0.0.1:80`.
pub(super) fn neglects(map: &Map, row: &BlockedThread) -> Vec<String> {
    let text = |id| {
        let socket = map.socket(id);
        let name = socket_via(map, id).map_or_else(|| "a socket".to_owned(), |via| via.text);
        match (socket.pending, socket.backlog) {
            (Some(pending), Some(backlog)) => {
                let clients = plural(pending as usize, "client", "clients");
                let full = match pending > backlog {
                    true => "full, ",
                    false => "",
                };
                format!("{clients} queued at {name} ({full}backlog {backlog})")
            }
            _ => format!("{} bytes unread at {name}", count(socket.recv_queue_bytes)),
        }
    };
    row.neglects.iter().map(|id| text(*id)).collect()
}

/// The title of a process without its own name, where it says more than that.
pub(crate) fn title(map: &Map, process: ProcessId) -> Option<String> {
    let process = map.process(process);
    let title = escape::display(process.title()?);
    let (first, rest) = title.split_once(' ')?;
    // `postgres: app shop [local] idle`, `/usr/bin/redis-server *:6379`
    let name = first
        .trim_end_matches(':')
        .rsplit('/')
        .next()
        .unwrap_or(first);
    let is_name = name == program(process) || name.as_bytes() == &*process.comm;
    Some(match is_name {
        true => rest.to_owned(),
        false => title,
    })
}
