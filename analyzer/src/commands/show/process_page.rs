//! The page of a process, unit or container as text.

use std::io::Write;

use anyhow::Result;
use whotalks::export::rfc3339;
use whotalks::model::{Map, Process, ProcessId, SocketId};
use whotalks::query::{Link, Summary};
use whotalks::text::escape;

use super::fields::{ROWS, socket_name, write_field, write_findings, write_more, write_waits};
use super::source::PageSource;
use super::subject::PageSubject;
use crate::commands::list::link_cells;
use crate::commands::names::label;
use crate::terminal::{self, Align, count, fit, plural};

/// Columns of [`link_cells`] of which one is the subject of the page.
#[derive(Debug, Clone, Copy)]
enum Column {
    Client = 0,
    Server = 1,
}

pub(super) fn write(
    out: &mut dyn Write,
    source: &PageSource<'_>,
    subject: &PageSubject,
) -> Result<()> {
    let map = source.map;
    match subject {
        PageSubject::Process(process) => write_identity(out, source, *process)?,
        PageSubject::Group(kind, name, processes) => {
            writeln!(out, "{kind} {}", escape::display(name.as_bytes()))?;
            let members: Vec<String> = processes
                .iter()
                .map(|process| label(map, *process))
                .collect();
            write_field(out, "processes", &truncated(&members))?;
        }
        PageSubject::Socket(_) => {}
    }
    let overview = source.overview(subject);
    let summary = &overview.summary;
    let unread = unread(map, subject);
    write_field(out, "fds", &format!("{}{unread}", fd_counts(summary)))?;
    if !summary.listens.is_empty() {
        let names: Vec<String> = summary
            .listens
            .iter()
            .map(|socket| listener(&overview.map, *socket))
            .collect();
        write_field(out, "listens", &truncated(&names))?;
    }
    let link = |index: &usize| &overview.links[*index];
    let talks_to: Vec<_> = summary.talks_to.iter().map(link).collect();
    write_links(out, "talks to", &talks_to, Column::Client)?;
    let called_by: Vec<_> = summary.called_by.iter().map(link).collect();
    write_links(out, "called by", &called_by, Column::Server)?;
    if summary.among_themselves > 0 {
        let count = plural(summary.among_themselves, "conversation", "conversations");
        write_field(
            out,
            "inside",
            &match subject {
                PageSubject::Process(_) => format!("{count} with itself"),
                _ => format!("{count} among themselves"),
            },
        )?;
    }
    for socket in summary.queues.iter().take(ROWS) {
        write_field(out, "queue", &queue(&overview.map, *socket))?;
    }
    write_waits(out, source, "waits", &summary.waits)?;
    write_waits(out, source, "awaited by", &summary.awaited_by)?;
    write_findings(out, source, &subject.process_ids(map))
}

fn write_identity(out: &mut dyn Write, source: &PageSource<'_>, id: ProcessId) -> Result<()> {
    let map = source.map;
    let process = map.process(id);
    let deleted = if process.exe_deleted {
        " (deleted)"
    } else {
        ""
    };
    let exe = escape::display(&process.exe);
    let exe = if exe.is_empty() { "(unknown)" } else { &exe };
    let title = format!("process {}  {exe}{deleted}", label(map, id));
    writeln!(out, "{}", fit(&title))?;
    let arguments: Vec<String> = process.arguments().map(escape::display).collect();
    // Programs that rewrite their arguments pad them with spaces.
    write_field(out, "cmdline", arguments.join(" ").trim_end())?;
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
fn unread(map: &Map, subject: &PageSubject) -> String {
    let processes = subject.processes();
    let status = |process: &ProcessId| map.process(*process).fds_status.as_str();
    let unread = processes.iter().filter(|process| status(process) != "read");
    match (unread.clone().count(), subject) {
        (0, _) => String::new(),
        (_, PageSubject::Process(process)) => format!(" ({})", status(process)),
        (count, _) => format!(" ({} unreadable)", plural(count, "process", "processes")),
    }
}

/// `/run/docker.sock (3 of 128 pending)`
fn listener(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    let name = socket_name(map, id);
    let shut = if socket.accepting == Some(false) {
        ", shut down"
    } else {
        ""
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

/// Writes a table of links without the column that is the page's subject.
fn write_links(out: &mut dyn Write, title: &str, links: &[&Link], omitted: Column) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    let shown = links.iter().take(ROWS);
    let rows: Vec<Vec<String>> = shown
        .map(|link| {
            let mut cells = link_cells(link);
            cells.remove(omitted as usize);
            cells[0] = format!("  {}", cells[0]);
            cells
        })
        .collect();
    let first = match omitted {
        Column::Client => "  SERVER",
        Column::Server => "  CLIENT",
    };
    let heading = [
        (first, Align::Left),
        ("CONNS", Align::Right),
        ("NOTE", Align::Left),
        ("VIA", Align::Left),
    ];
    terminal::print(out, &heading, &rows)?;
    write_more(out, links.len())
}
