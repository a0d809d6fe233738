//! The pages for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export;
use whotalks::id;
use whotalks::load::tcp_info::TcpInfo;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::query::is_queued;

use super::{Source, Subject, processes, socket};
use crate::commands::{check, list, waits};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    matches: usize,
    pages: Vec<serde_json::Value>,
    others: Vec<Other>,
    complete: bool,
}

/// A match without a page.
#[derive(Serialize)]
struct Other {
    kind: &'static str,
    /// Of a process or socket.
    id: Option<String>,
    /// Of a unit or container.
    name: Option<String>,
    processes: usize,
}

#[derive(Serialize)]
struct People<'a> {
    kind: &'static str,
    name: Option<&'a str>,
    /// Of a page on one.
    process: Option<export::ProcessDocument<'a>>,
    processes: Vec<String>,
    parent: Option<String>,
    children: Vec<String>,
    listens: Vec<export::SocketDocument>,
    talks_to: Vec<list::Row<'a>>,
    called_by: Vec<list::Row<'a>>,
    among_themselves: usize,
    fd_counts: &'a BTreeMap<Box<str>, u64>,
    queues: Vec<export::SocketDocument>,
    waits: Vec<waits::Row<'a>>,
    awaited_by: Vec<waits::Row<'a>>,
    findings: Vec<check::Row<'a>>,
}

#[derive(Serialize)]
struct Socket<'a> {
    kind: &'static str,
    socket: export::SocketDocument,
    connections: Vec<Conversation>,
    tcp_info: Option<Tcp>,
    queued: bool,
    waits: Vec<waits::Row<'a>>,
    findings: Vec<check::Row<'a>>,
}

#[derive(Serialize)]
struct Conversation {
    #[serde(flatten)]
    connection: export::ConnectionDocument,
    a_processes: Vec<String>,
    b_processes: Vec<String>,
}

#[derive(Serialize)]
struct Tcp {
    rtt_us: u32,
    rtt_variation_us: u32,
    rto_us: u32,
    retransmits: u8,
    total_retransmits: u32,
    unacknowledged: u32,
    congestion_window: u32,
    last_sent_ms: u32,
    last_received_ms: u32,
}

pub(super) fn write(
    out: &mut dyn Write,
    source: &Source<'_>,
    pages: &[Subject],
    others: &[Subject],
) -> Result<()> {
    let page = |subject: &Subject| match subject {
        Subject::Socket(socket) => socket_page(source, *socket),
        _ => people_page(source, subject),
    };
    let document = Document {
        schema: "whotalks-show/1",
        matches: pages.len() + others.len(),
        pages: pages.iter().map(page).collect::<Result<_>>()?,
        others: others
            .iter()
            .map(|subject| other(source.map, subject))
            .collect(),
        complete: source.map.hosts.iter().all(|host| host.coverage.complete),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    Ok(writeln!(out)?)
}

fn other(map: &Map, subject: &Subject) -> Other {
    let (kind, id, name) = match subject {
        Subject::Process(process) => ("process", Some(id::process(map, *process)), None),
        Subject::Group(kind, name, _) => (*kind, None, Some(name.clone())),
        Subject::Socket(socket) => ("socket", Some(id::socket(map, *socket)), None),
    };
    Other {
        kind,
        id,
        name,
        processes: processes(subject).len(),
    }
}

fn people_page(source: &Source<'_>, subject: &Subject) -> Result<serde_json::Value> {
    let map = source.map;
    let people = source.people(subject);
    let summary = &people.summary;
    let (kind, name, process) = match subject {
        Subject::Group(kind, name, _) => (*kind, Some(name.as_str()), None),
        Subject::Process(process) => ("process", None, Some(*process)),
        Subject::Socket(_) => ("socket", None, None),
    };
    let link = |at: &usize| list::row(&people.map, &people.links[*at]);
    let sockets = |ids: &[SocketId]| -> Vec<export::SocketDocument> {
        ids.iter()
            .map(|one| export::socket(&people.map, *one))
            .collect()
    };
    let ids = source.process_ids(subject);
    let page = People {
        kind,
        name,
        process: process.map(|process| export::process(map, process)),
        parent: process.and_then(|process| parent(map, process)),
        children: process.map_or_else(Vec::new, |process| children(map, process)),
        listens: sockets(&summary.listens),
        talks_to: summary.talks_to.iter().map(link).collect(),
        called_by: summary.called_by.iter().map(link).collect(),
        among_themselves: summary.among_themselves,
        fd_counts: &summary.fd_counts,
        queues: sockets(&summary.queues),
        waits: rows(source, &summary.waits),
        awaited_by: rows(source, &summary.awaited_by),
        findings: findings(source, &ids),
        processes: processes(subject)
            .iter()
            .map(|one| id::process(map, *one))
            .collect(),
    };
    Ok(serde_json::to_value(page)?)
}

fn rows<'a>(source: &'a Source<'_>, places: &[usize]) -> Vec<waits::Row<'a>> {
    let row = |at: &usize| waits::row(source.map, &source.waits.waits[*at]);
    places.iter().filter_map(row).collect()
}

fn findings<'a>(source: &'a Source<'_>, ids: &BTreeSet<String>) -> Vec<check::Row<'a>> {
    source.findings(ids).into_iter().map(check::row).collect()
}

fn parent(map: &Map, process: ProcessId) -> Option<String> {
    let process = map.process(process);
    let is_it =
        |other: &whotalks::model::Process| other.host == process.host && other.pid == process.ppid;
    let at = map.processes.iter().position(is_it)?;
    Some(id::process(map, ProcessId::new(at)))
}

fn children(map: &Map, process: ProcessId) -> Vec<String> {
    let process = map.process(process);
    let all = map.processes.iter().enumerate();
    all.filter(|(_, other)| other.host == process.host && other.ppid == process.pid)
        .map(|(at, _)| id::process(map, ProcessId::new(at)))
        .collect()
}

fn socket_page(source: &Source<'_>, at: SocketId) -> Result<serde_json::Value> {
    let map = source.map;
    let held = |socket: Option<SocketId>| -> Vec<String> {
        let processes = socket.map_or_else(Vec::new, |socket| map.holding_processes(socket));
        processes
            .iter()
            .map(|process| id::process(map, *process))
            .collect()
    };
    let conversation = |place: usize| Conversation {
        connection: export::connection(map, place),
        a_processes: held(Some(map.connections[place].a)),
        b_processes: held(map.connections[place].b),
    };
    let tcp = |tcp: TcpInfo| Tcp {
        rtt_us: tcp.rtt_us,
        rtt_variation_us: tcp.rtt_variation_us,
        rto_us: tcp.rto_us,
        retransmits: tcp.retransmits,
        total_retransmits: tcp.total_retransmits,
        unacknowledged: tcp.unacknowledged,
        congestion_window: tcp.congestion_window,
        last_sent_ms: tcp.last_sent_ms,
        last_received_ms: tcp.last_received_ms,
    };
    let page = Socket {
        kind: "socket",
        socket: export::socket(map, at),
        connections: socket::connections(map, at)
            .into_iter()
            .map(conversation)
            .collect(),
        tcp_info: source.tcp(at).map(tcp),
        queued: is_queued(map, at),
        waits: rows(source, &socket::waits_on(source, at)),
        findings: findings(source, &BTreeSet::from([id::socket(map, at)])),
    };
    Ok(serde_json::to_value(page)?)
}
