//! JSON output of `show`: `whotalks-show/1`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use whotalks::export;
use whotalks::id;
use whotalks::load::tcp_info::TcpInfo;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::query::is_queued;

use super::source::Source;
use super::subject::Subject;
use crate::commands::check::{FindingRow, finding_row};
use crate::commands::coverage::is_complete;
use crate::commands::list::{LinkRow, link_row};
use crate::commands::waits::{WaitRow, wait_row};
use crate::output;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    matches: usize,
    pages: Vec<Value>,
    others: Vec<Other>,
    complete: bool,
}

/// A match without a page.
#[derive(Serialize)]
struct Other {
    kind: &'static str,
    /// Id of a process or socket.
    id: Option<String>,
    /// Name of a unit or container.
    name: Option<String>,
    processes: usize,
}

/// A process, unit or container.
#[derive(Serialize)]
struct ProcessPage<'a> {
    kind: &'static str,
    name: Option<&'a str>,
    /// Null for a unit or container.
    process: Option<export::Process<'a>>,
    processes: Vec<String>,
    parent: Option<String>,
    children: Vec<String>,
    listens: Vec<export::Socket>,
    talks_to: Vec<LinkRow<'a>>,
    called_by: Vec<LinkRow<'a>>,
    among_themselves: usize,
    fd_counts: &'a BTreeMap<Box<str>, u64>,
    queues: Vec<export::Socket>,
    waits: Vec<WaitRow<'a>>,
    awaited_by: Vec<WaitRow<'a>>,
    findings: Vec<FindingRow<'a>>,
}

#[derive(Serialize)]
struct SocketPage<'a> {
    kind: &'static str,
    socket: export::Socket,
    connections: Vec<ConnectionRow>,
    tcp_info: Option<TcpRow>,
    queued: bool,
    waits: Vec<WaitRow<'a>>,
    findings: Vec<FindingRow<'a>>,
}

#[derive(Serialize)]
struct ConnectionRow {
    #[serde(flatten)]
    connection: export::Connection,
    a_processes: Vec<String>,
    b_processes: Vec<String>,
}

#[derive(Serialize)]
struct TcpRow {
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
        _ => process_page(source, subject),
    };
    let document = Document {
        schema: "whotalks-show/1",
        matches: pages.len() + others.len(),
        pages: pages.iter().map(page).collect::<Result<_>>()?,
        others: others
            .iter()
            .map(|subject| other(source.map, subject))
            .collect(),
        complete: is_complete(source.map),
    };
    output::json(out, &document)
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
        processes: subject.processes().len(),
    }
}

fn process_page(source: &Source<'_>, subject: &Subject) -> Result<serde_json::Value> {
    let map = source.map;
    let overview = source.overview(subject);
    let summary = &overview.summary;
    let (kind, name, process) = match subject {
        Subject::Group(kind, name, _) => (*kind, Some(name.as_str()), None),
        Subject::Process(process) => ("process", None, Some(*process)),
        Subject::Socket(_) => ("socket", None, None),
    };
    let link = |index: &usize| link_row(&overview.map, &overview.links[*index]);
    let sockets = |ids: &[SocketId]| -> Vec<export::Socket> {
        ids.iter()
            .map(|id| export::socket(&overview.map, *id))
            .collect()
    };
    let ids = subject.process_ids(map);
    let page = ProcessPage {
        kind,
        name,
        process: process.map(|process| export::process(map, process)),
        parent: process
            .and_then(|process| source.parent(process))
            .map(|parent| id::process(map, parent)),
        children: process.map_or_else(Vec::new, |process| children(map, process)),
        listens: sockets(&summary.listens),
        talks_to: summary.talks_to.iter().map(link).collect(),
        called_by: summary.called_by.iter().map(link).collect(),
        among_themselves: summary.among_themselves,
        fd_counts: &summary.fd_counts,
        queues: sockets(&summary.queues),
        waits: wait_rows(source, &summary.waits),
        awaited_by: wait_rows(source, &summary.awaited_by),
        findings: finding_rows(source, &ids),
        processes: process_ids(map, subject.processes()),
    };
    Ok(serde_json::to_value(page)?)
}

fn socket_page(source: &Source<'_>, socket: SocketId) -> Result<serde_json::Value> {
    let map = source.map;
    let holders = |end: Option<SocketId>| {
        let processes = end.map_or_else(Vec::new, |end| map.holding_processes(end));
        process_ids(map, processes)
    };
    let connection = |index: usize| ConnectionRow {
        connection: export::connection(map, index),
        a_processes: holders(Some(map.connections[index].a)),
        b_processes: holders(map.connections[index].b),
    };
    let page = SocketPage {
        kind: "socket",
        socket: export::socket(map, socket),
        connections: source
            .connections(socket)
            .into_iter()
            .map(connection)
            .collect(),
        tcp_info: source.tcp_info(socket).map(tcp_row),
        queued: is_queued(map, socket),
        waits: wait_rows(source, &source.waits_on(socket)),
        findings: finding_rows(source, &BTreeSet::from([id::socket(map, socket)])),
    };
    Ok(serde_json::to_value(page)?)
}

fn tcp_row(tcp: TcpInfo) -> TcpRow {
    TcpRow {
        rtt_us: tcp.rtt_us,
        rtt_variation_us: tcp.rtt_variation_us,
        rto_us: tcp.rto_us,
        retransmits: tcp.retransmits,
        total_retransmits: tcp.total_retransmits,
        unacknowledged: tcp.unacknowledged,
        congestion_window: tcp.congestion_window,
        last_sent_ms: tcp.last_sent_ms,
        last_received_ms: tcp.last_received_ms,
    }
}

fn process_ids(map: &Map, processes: impl IntoIterator<Item = ProcessId>) -> Vec<String> {
    let processes = processes.into_iter();
    processes.map(|process| id::process(map, process)).collect()
}

fn wait_rows<'a>(source: &'a Source<'_>, indices: &[usize]) -> Vec<WaitRow<'a>> {
    let row = |index: &usize| wait_row(source.map, &source.waits.waits[*index]);
    indices.iter().filter_map(row).collect()
}

fn finding_rows<'a>(source: &'a Source<'_>, ids: &BTreeSet<String>) -> Vec<FindingRow<'a>> {
    source.findings(ids).into_iter().map(finding_row).collect()
}

fn children(map: &Map, process: ProcessId) -> Vec<String> {
    let process = map.process(process);
    let all = map.processes.iter().enumerate();
    all.filter(|(_, other)| other.host == process.host && other.ppid == process.pid)
        .map(|(at, _)| id::process(map, ProcessId::new(at)))
        .collect()
}
