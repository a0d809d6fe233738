//! The page of a process, or of several that are one, as people read it.

use std::io::Write;

use anyhow::Result;
use whotalks::export::rfc3339;
use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::query::Via;
use whotalks::text::escape;

use super::{Source, Subject};
use crate::commands::{list, waits};
use crate::table::{self, Align, fit, plural, thousands};

/// Rows of a section.
const ROWS: usize = 20;

pub(super) fn write(out: &mut dyn Write, source: &Source<'_>, subject: &Subject) -> Result<()> {
    let map = source.map;
    match subject {
        Subject::Process(process) => identity(out, map, *process)?,
        Subject::Group(kind, name, processes) => {
            writeln!(out, "{kind} {}", escape::display(name.as_bytes()))?;
            let members: Vec<String> = processes.iter().map(|one| label(map, *one)).collect();
            field(out, "processes", &cut(&members))?;
        }
        Subject::Socket(_) => {}
    }
    let people = source.people(subject);
    let summary = &people.summary;
    let mut kinds: Vec<_> = summary.fd_counts.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let all: u64 = kinds.iter().map(|(_, count)| **count).sum();
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let unread = unread(map, subject);
    field(out, "fds", &format!("{all}: {}{unread}", kinds.join(", ")))?;
    if !summary.listens.is_empty() {
        let names: Vec<String> = summary
            .listens
            .iter()
            .map(|one| listener(&people.map, *one))
            .collect();
        field(out, "listens", &cut(&names))?;
    }
    let link = |at: &usize| &people.links[*at];
    let talks: Vec<_> = summary.talks_to.iter().map(link).collect();
    section(out, "talks to", &talks, 0)?;
    let called: Vec<_> = summary.called_by.iter().map(link).collect();
    section(out, "called by", &called, 1)?;
    if summary.among_themselves > 0 {
        let count = plural(summary.among_themselves, "conversation", "conversations");
        field(
            out,
            "inside",
            &match subject {
                Subject::Process(_) => format!("{count} with itself"),
                _ => format!("{count} among themselves"),
            },
        )?;
    }
    for socket in summary.queues.iter().take(ROWS) {
        field(out, "queue", &queue(&people.map, *socket))?;
    }
    waiting(out, source, "waits", &summary.waits)?;
    waiting(out, source, "awaited by", &summary.awaited_by)?;
    findings(out, source, &source.process_ids(subject))
}

/// Whoever has no page.
pub(super) fn others(out: &mut dyn Write, map: &Map, others: &[Subject]) -> Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{} more:", thousands(others.len()))?;
    for other in others.iter().take(ROWS) {
        let line = match other {
            Subject::Process(process) => {
                format!("pid:{} {}", map.process(*process).pid, label(map, *process))
            }
            Subject::Group(kind, name, processes) => {
                let count = plural(processes.len(), "process", "processes");
                format!("{kind}:{} {count}", escape::display(name.as_bytes()))
            }
            Subject::Socket(socket) => super::socket::title(map, *socket),
        };
        writeln!(out, "{}", fit(&format!("  {line}")))?;
    }
    if others.len() > ROWS {
        writeln!(out, "  (and {} more)", thousands(others.len() - ROWS))?;
    }
    Ok(())
}

fn identity(out: &mut dyn Write, map: &Map, at: ProcessId) -> Result<()> {
    let process = map.process(at);
    let deleted = if process.exe_deleted {
        " (deleted)"
    } else {
        ""
    };
    let exe = escape::display(&process.exe);
    let exe = if exe.is_empty() { "(unknown)" } else { &exe };
    writeln!(
        out,
        "{}",
        fit(&format!("process {}  {exe}{deleted}", label(map, at)))
    )?;
    let arguments: Vec<String> = process.arguments().map(escape::display).collect();
    // Programs that rewrite their arguments pad them.
    field(out, "cmdline", arguments.join(" ").trim_end())?;
    let user = match (&process.user, process.uid) {
        (Some(name), Some(uid)) => format!("{} ({uid})", escape::display(name)),
        (_, Some(uid)) => format!("uid {uid}"),
        _ => "(unknown)".to_owned(),
    };
    field(out, "user", &user)?;
    let started = match process.started_at_ns {
        0 => "(unknown)".to_owned(),
        at => {
            rfc3339(at)
                .chars()
                .take(19)
                .collect::<String>()
                .replace('T', " ")
                + "Z"
        }
    };
    field(out, "started", &started)?;
    let parent = map
        .processes
        .iter()
        .position(|other| other.host == process.host && other.pid == process.ppid);
    let parent = match parent {
        Some(parent) => label(map, ProcessId::new(parent)),
        None => format!("[{}]", process.ppid),
    };
    field(out, "parent", &parent)?;
    if let Some(unit) = &process.unit {
        field(out, "unit", &escape::display(unit.as_bytes()))?;
    }
    if let Some(container) = &process.container {
        let name = container.name.as_deref().unwrap_or(&container.id);
        let name = escape::display(name.as_bytes());
        field(out, "container", &format!("{name} ({})", container.runtime))?;
    }
    field(out, "cgroup", &escape::display(&process.cgroup))?;
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
    field(
        out,
        "namespaces",
        &format!("{}{inside}", namespaces.join(", ")),
    )
}

pub(super) fn label(map: &Map, process: ProcessId) -> String {
    let process = map.process(process);
    format!("{} [{}]", program(process), process.pid)
}

/// A line of its own under a short heading.
pub(super) fn field(out: &mut dyn Write, name: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    Ok(writeln!(out, "{}", fit(&format!("{name:10}  {value}")))?)
}

/// The first few, and how many more.
fn cut(texts: &[String]) -> String {
    let shown = texts
        .iter()
        .take(ROWS)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match texts.len().saturating_sub(ROWS) {
        0 => shown,
        more => format!("{shown} (and {more} more)"),
    }
}

/// ` (12 of its processes unreadable)`
fn unread(map: &Map, subject: &Subject) -> String {
    let processes = super::processes(subject);
    let status = |one: &ProcessId| (map.process(*one).fds_status).as_str();
    let unread = processes.iter().filter(|one| status(one) != "read");
    match (unread.clone().count(), subject) {
        (0, _) => String::new(),
        (_, Subject::Process(process)) => format!(" ({})", status(process)),
        (count, _) => format!(" ({} unreadable)", plural(count, "process", "processes")),
    }
}

/// `/run/docker.sock (3 of 128 pending)`
fn listener(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    let name = name(map, id);
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

/// A socket's name or addresses, else its id.
pub(super) fn name(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    let via = socket
        .name
        .as_ref()
        .map(Via::from)
        .or_else(|| socket.local.map(Via::from));
    match (via, socket.remote) {
        (Some(via), Some(remote)) => format!("{} ⇄ {}", via.text, remote.to_string()),
        (Some(via), None) => via.text,
        (None, _) => format!("unnamed {}", id::socket(map, id)),
    }
}

/// `4,096 bytes to read, 0 sent and not read: /run/x.sock`
fn queue(map: &Map, id: SocketId) -> String {
    let socket = map.socket(id);
    let count = |bytes: u64| thousands(usize::try_from(bytes).unwrap_or(usize::MAX));
    let what = match socket.pending {
        Some(pending) => format!("{pending} pending"),
        None => format!(
            "{} bytes to read, {} sent and not read",
            count(socket.recv_queue_bytes),
            count(socket.send_queue_bytes)
        ),
    };
    format!("{what}: {}", name(map, id))
}

/// Links without the column that is the page's own.
fn section(
    out: &mut dyn Write,
    title: &str,
    links: &[&whotalks::query::Link],
    other: usize,
) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    let shown = links.iter().take(ROWS);
    let rows: Vec<Vec<String>> = shown
        .map(|link| {
            let mut cells = list::cells(link);
            cells.remove(other);
            cells[0] = format!("  {}", cells[0]);
            cells
        })
        .collect();
    let first = if other == 0 { "  SERVER" } else { "  CLIENT" };
    let heading = [
        (first, Align::Left),
        ("CONNS", Align::Right),
        ("NOTE", Align::Left),
        ("VIA", Align::Left),
    ];
    table::print(out, &heading, &rows)?;
    more(out, links.len())
}

fn more(out: &mut dyn Write, all: usize) -> Result<()> {
    if all > ROWS {
        writeln!(out, "  (and {} more)", thousands(all - ROWS))?;
    }
    Ok(())
}

/// Waits, by their places.
pub(super) fn waiting(
    out: &mut dyn Write,
    source: &Source<'_>,
    title: &str,
    places: &[usize],
) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    let rows: Vec<Vec<String>> = places
        .iter()
        .take(ROWS)
        .map(|at| {
            let mut cells = waits::cells(source.map, &source.waits, &source.waits.waits[*at]);
            cells[0] = format!("  {}", cells[0]);
            cells
        })
        .collect();
    let mut heading = waits::heading();
    heading[0].0 = "  BLOCKED";
    table::print(out, &heading, &rows)?;
    more(out, places.len())
}

/// What `check` says of these.
pub(super) fn findings(
    out: &mut dyn Write,
    source: &Source<'_>,
    ids: &std::collections::BTreeSet<String>,
) -> Result<()> {
    let findings = source.findings(ids);
    for finding in findings.iter().take(ROWS) {
        let severity = finding.severity.name().to_uppercase();
        field(
            out,
            "finding",
            &format!("{severity} {}  {}", finding.code, finding.title),
        )?;
    }
    more(out, findings.len())
}
