//! Processes.

use serde::Serialize;

use super::object::{Fields, Object, object};
use crate::export::exact_text::ExactText;
use crate::export::time::rfc3339;
use crate::id;
use crate::model::{Container, Map, ProcessId};
use crate::text::escape;

/// Describes a process.
pub fn process(map: &Map, id: ProcessId) -> impl Serialize {
    let process = map.process(id);
    let arguments = process.arguments().map(ExactText::new);
    let arguments = arguments.map(|argument| (argument.text, argument.hex.is_some()));
    let (cmdline, are_escaped): (Vec<_>, Vec<_>) = arguments.unzip();
    // All arguments, if escaping changed one of them.
    let cmdline_hex = are_escaped.contains(&true).then(|| {
        let arguments = process.arguments().map(escape::hex);
        arguments.collect::<Vec<_>>()
    });
    let title = process.title().map(ExactText::new);
    let (title, title_hex) = title.map_or((None, None), |title| (Some(title.text), title.hex));
    let state = (process.state != 0).then(|| escape::display(&[process.state]));
    object()
        .field("id", id::process(map, id))
        .field("host", id::host(process.host))
        .field("pid", process.pid)
        .field("ns_pid", process.ns_pid)
        .field("start_ticks", process.start_ticks)
        .field("started_at", rfc3339(process.started_at_ns))
        .field("ppid", process.ppid)
        // The letter of ps(1).
        .known("state", state)
        .known("tracer_pid", process.tracer_pid)
        .bytes("comm", &process.comm)
        .bytes_or_null("exe", Some(&*process.exe).filter(|exe| !exe.is_empty()))
        .field("exe_deleted", process.exe_deleted)
        .field("cmdline", cmdline)
        .known("cmdline_hex", cmdline_hex)
        // What the process has written over its arguments.
        .known("title", title)
        .known("title_hex", title_hex)
        .field("uid", process.uid)
        .field("user", process.user.as_deref().map(escape::display))
        .field("unit", process.unit.as_deref())
        .field("container", process.container.as_ref().map(container))
        .bytes("cgroup", &process.cgroup)
        .field("netns", process.netns)
        .field("mntns", process.mntns)
        .field("pidns", process.pidns)
        .field("fds_status", process.fds_status.as_str())
        .field("fd_counts", &process.fd_counts)
        // In a union of captures: in how many it was seen.
        .known(
            "seen",
            map.seen
                .as_ref()
                .map(|seen| seen.processes[id.index()].count()),
        )
}

fn container(container: &Container) -> impl Serialize {
    let within: Vec<_> = container.within.iter().map(identity).collect();
    // The containers around it, outermost first.
    identity(container).known("within", (!within.is_empty()).then_some(within))
}

fn identity(container: &Container) -> Object<impl Fields> {
    object()
        .field("id", &container.id)
        .field("name", &container.name)
        .field("runtime", container.runtime)
}
