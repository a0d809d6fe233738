//! The page of a process, unit or container as text.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use whotalks::export::rfc3339;
use whotalks::model::{Channel, ChannelEnd, Map, Process, ProcessId, SocketId};
use whotalks::query::Summary;
use whotalks::text::escape;

use super::fields::{ROWS, socket_name, write_field, write_findings, write_table, write_waits};
use super::source::PageSource;
use super::subject::ProcessGroup;
use crate::commands::list::link_cells;
use crate::commands::names::{label, process_ids};
use crate::commands::waits::stopped_text;
use crate::terminal::{count, fit, plural};

pub(super) fn write(
    out: &mut dyn Write,
    source: &PageSource<'_>,
    group: &ProcessGroup,
) -> Result<()> {
    let map = source.map;
    if let Some(process) = group.process() {
        write_identity(out, source, process)?;
    } else {
        let name = group.name.as_deref().unwrap_or_default();
        writeln!(out, "{} {}", group.kind, escape::display(name.as_bytes()))?;
        let members = group.processes.iter().map(|process| label(map, *process));
        write_field(out, "processes", &truncated(&members.collect::<Vec<_>>()))?;
    }
    let overview = source.overview(group);
    let summary = &overview.summary;
    let unread = unread(map, group);
    write_field(out, "fds", &format!("{}{unread}", fd_counts(summary)))?;
    let listeners = summary.listens.iter();
    let listeners = listeners.map(|socket| listener(&overview.map, *socket));
    write_field(out, "listens", &truncated(&listeners.collect::<Vec<_>>()))?;
    // Without the column that is the page's subject.
    let cells = |index: &usize, omitted: usize| {
        let mut cells = link_cells(&overview.map, &overview.links[*index]);
        cells.remove(omitted);
        cells
    };
    let rows = summary.talks_to.iter().map(|index| cells(index, 0));
    write_table(out, "talks to", "SERVER|CONNS>|NOTE|VIA", rows)?;
    let rows = summary.called_by.iter().map(|index| cells(index, 1));
    write_table(out, "called by", "CLIENT|CONNS>|NOTE|VIA", rows)?;
    let rows = channels(map, group).map(|(channel, end)| channel_cells(map, channel, end));
    let rows: Vec<Vec<String>> = rows.collect();
    write_table(out, "shares", "WHAT|ROLE|FD>|WITH|NAME", rows.into_iter())?;
    if summary.among_themselves > 0 {
        let count = plural(summary.among_themselves, "conversation", "conversations");
        let whom = match group.process() {
            Some(_) => "with itself",
            None => "among themselves",
        };
        write_field(out, "inside", &format!("{count} {whom}"))?;
    }
    for socket in summary.queues.iter().take(ROWS) {
        write_field(out, "queue", &queue(&overview.map, *socket))?;
    }
    write_waits(out, source, "waits", &summary.waits)?;
    write_waits(out, source, "awaited by", &summary.awaited_by)?;
    let ids = process_ids(map, &group.processes);
    write_findings(out, source, &ids.into_iter().collect())
}

/// The channels at which one of the processes is, with its end.
pub(super) fn channels<'a>(
    map: &'a Map,
    group: &'a ProcessGroup,
) -> impl Iterator<Item = (&'a Channel, &'a ChannelEnd)> {
    let ends = |channel: &'a Channel| channel.ends.iter().map(move |end| (channel, end));
    let all = map.channels.iter().flat_map(ends);
    all.filter(|(_, end)| group.processes.contains(&end.process))
}

/// Kind, role, descriptor, how many others, name.
fn channel_cells(map: &Map, channel: &Channel, end: &ChannelEnd) -> Vec<String> {
    let others: BTreeSet<ProcessId> = channel.ends.iter().map(|other| other.process).collect();
    let mut others = others.into_iter().filter(|other| *other != end.process);
    let first = others
        .next()
        .map_or_else(String::new, |first| label(map, first));
    let with = match others.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    };
    let keeps = if end.keeps { " (keeps)" } else { "" };
    vec![
        channel.kind.as_str().to_owned(),
        format!("{}{keeps}", end.role.as_str()),
        end.fd.map_or_else(String::new, |fd| fd.to_string()),
        with,
        escape::display(&channel.name),
    ]
}

fn write_identity(out: &mut dyn Write, source: &PageSource<'_>, id: ProcessId) -> Result<()> {
    let map = source.map;
    let process = map.process(id);
    let deleted = match process.exe_deleted {
        true => " (deleted)",
        false => "",
    };
    let exe = match process.exe.is_empty() {
        true => "(unknown)".to_owned(),
        false => escape::display(&process.exe),
    };
    let title = format!("process {}  {exe}{deleted}", label(map, id));
    writeln!(out, "{}", fit(&title))?;
    let arguments: Vec<String> = process.arguments().map(escape::display).collect();
    // Programs that rewrite their arguments pad them with spaces.
    write_field(out, "cmdline", arguments.join(" ").trim_end())?;
    write_field(out, "state", &state(source, process))?;
    let user = match (&process.user, process.uid) {
        (Some(name), Some(uid)) => format!("{} ({uid})", escape::display(name)),
        (_, Some(uid)) => format!("uid {uid}"),
        _ => "(unknown)".to_owned(),
    };
    write_field(out, "user", &user)?;
    let started = match process.started_at_ns {
        0 => "(unknown)".to_owned(),
        ns => {
            let seconds: String = rfc3339(ns).chars().take(19).collect();
            seconds.replace('T', " ") + "Z"
        }
    };
    write_field(out, "started", &started)?;
    if process.is_stopped() {
        write_field(out, "state", &stopped_text(map, id))?;
    }
    let parent = match source.parent(id) {
        Some(parent) => label(map, parent),
        None => format!("[{}]", process.ppid),
    };
    write_field(out, "parent", &parent)?;
    if let Some(unit) = &process.unit {
        write_field(out, "unit", &escape::display(unit.as_bytes()))?;
    }
    if let Some(container) = &process.container {
        let name = container.name.as_deref().unwrap_or(&container.id);
        let name = escape::display(name.as_bytes());
        write_field(out, "container", &format!("{name} ({})", container.runtime))?;
    }
    write_field(out, "cgroup", &escape::display(&process.cgroup))?;
    write_field(out, "namespaces", &namespaces(process))
}

/// Whether the process is stopped or traced, and what resumes it; empty: neither.
fn state(source: &PageSource<'_>, process: &Process) -> String {
    let tracer = process.tracer_pid.map(|pid| {
        let mut ids = (0..source.map.processes.len()).map(ProcessId::new);
        let is_tracer = |id: &ProcessId| {
            let other = source.map.process(*id);
            other.host == process.host && other.pid == pid
        };
        ids.find(is_tracer)
            .map_or_else(|| format!("[{pid}]"), |id| label(source.map, id))
    });
    match (process.is_stopped(), tracer) {
        (true, Some(tracer)) => format!("stopped by its debugger {tracer}"),
        (true, None) => format!(
            "stopped by a signal: answers nobody until it gets SIGCONT (kill -CONT {})",
            process.pid
        ),
        (false, Some(tracer)) => format!("traced by {tracer}"),
        (false, None) => String::new(),
    }
}

/// `net 4026531840, mnt 4026531841, pid …, user … (there 12)`, the last if the pid differs inside.
fn namespaces(process: &Process) -> String {
    let namespace = |inode: Option<u64>| inode.map_or("(unknown)".to_owned(), |n| n.to_string());
    let namespaces = [
        ("net", process.netns),
        ("mnt", process.mntns),
        ("pid", process.pidns),
        ("user", process.userns),
    ];
    let namespaces = namespaces.map(|(kind, inode)| format!("{kind} {}", namespace(inode)));
    let inside = match process.ns_pid == process.pid {
        true => String::new(),
        false => format!(" (there {})", process.ns_pid),
    };
    format!("{}{inside}", namespaces.join(", "))
}

/// `14: socket 9, pipe 5`
fn fd_counts(summary: &Summary) -> String {
    let mut kinds: Vec<_> = summary.fd_counts.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let total: u64 = kinds.iter().map(|(_, count)| **count).sum();
    let kinds = kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
    format!("{total}: {}", kinds.collect::<Vec<_>>().join(", "))
}

/// The first texts, and how many more there are.
fn truncated(texts: &[String]) -> String {
    let shown = texts[..texts.len().min(ROWS)].join(", ");
    match texts.len().saturating_sub(ROWS) {
        0 => shown,
        more => format!("{shown} (and {more} more)"),
    }
}

/// ` (partial)`, ` (12 processes unreadable)`
fn unread(map: &Map, group: &ProcessGroup) -> String {
    let status = |process: &ProcessId| map.process(*process).fds_status.as_str();
    let unread = group.processes.iter();
    let unread = unread.filter(|process| status(process) != "read");
    match (unread.count(), group.process()) {
        (0, _) => String::new(),
        (_, Some(process)) => format!(" ({})", status(&process)),
        (count, None) => format!(" ({} unreadable)", plural(count, "process", "processes")),
    }
}

/// `/run/docker.sock (3 of 128 pending)`
fn listener(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    let name = socket_name(map, id);
    let shut = match socket.accepting {
        Some(false) => ", shut down",
        _ => "",
    };
    match (socket.pending, socket.backlog) {
        (Some(pending), Some(backlog)) if pending > 0 || !shut.is_empty() => {
            format!("{name} ({pending} of {backlog} pending{shut})")
        }
        _ => name,
    }
}

/// `4,096 bytes to read, 0 sent and not read: /run/x.sock`
fn queue(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    let what = match socket.pending {
        Some(pending) => format!("{pending} pending"),
        None => format!(
            "{} bytes to read, {} sent and not read",
            count(socket.recv_queue_bytes),
            count(socket.send_queue_bytes)
        ),
    };
    format!("{what}: {}", socket_name(map, id))
}
