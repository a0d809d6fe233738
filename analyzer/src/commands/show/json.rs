//! JSON output of `show`: `whotalks-show/1`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};
use whotalks::export;
use whotalks::id;
use whotalks::load::tcp_info::TcpInfo;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::query::is_queued;

use super::source::PageSource;
use super::subject::PageSubject;
use crate::commands::check::{FindingRow, finding_row};
use crate::commands::coverage::is_complete;
use crate::commands::list::link_row;
use crate::commands::names::process_ids;
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

#[derive(Serialize)]
struct ConnectionRow {
    #[serde(flatten)]
    connection: export::ConnectionDocument,
    a_processes: Vec<String>,
    b_processes: Vec<String>,
}

pub(super) fn write(
    out: &mut dyn Write,
    source: &PageSource<'_>,
    pages: &[PageSubject],
    others: &[PageSubject],
) -> Result<()> {
    let page = |subject: &PageSubject| match subject {
        PageSubject::Socket(socket) => socket_page(source, *socket),
        _ => process_page(source, subject),
    };
    let document = Document {
        schema: "whotalks-show/1",
        matches: pages.len() + others.len(),
        pages: pages.iter().map(page).collect(),
        others: others
            .iter()
            .map(|subject| other(source.map, subject))
            .collect(),
        complete: is_complete(source.map),
    };
    output::json(out, &document)
}

fn other(map: &Map, subject: &PageSubject) -> Other {
    let (kind, id, name) = match subject {
        PageSubject::Process(process) => ("process", Some(id::process(map, *process)), None),
        PageSubject::Group(kind, name, _) => (*kind, None, Some(name.clone())),
        PageSubject::Socket(socket) => ("socket", Some(id::socket(map, *socket)), None),
    };
    Other {
        kind,
        id,
        name,
        processes: subject.processes().len(),
    }
}

/// A page on a process, unit or container.
fn process_page(source: &PageSource<'_>, subject: &PageSubject) -> Value {
    let map = source.map;
    let overview = source.overview(subject);
    let summary = &overview.summary;
    let (kind, name, process) = match subject {
        PageSubject::Group(kind, name, _) => (*kind, Some(name.as_str()), None),
        PageSubject::Process(process) => ("process", None, Some(*process)),
        PageSubject::Socket(_) => ("socket", None, None),
    };
    let links = |indices: &[usize]| -> Vec<_> {
        let links = indices.iter().map(|index| &overview.links[*index]);
        links.map(|link| link_row(&overview.map, link)).collect()
    };
    let sockets = |ids: &[SocketId]| -> Vec<_> {
        let ids = ids.iter();
        ids.map(|id| export::socket(&overview.map, *id)).collect()
    };
    let parent = process.and_then(|process| source.parent(process));
    json!({
        "kind": kind,
        "name": name,
        "process": process.map(|process| export::process(map, process)),
        "processes": process_ids(map, &subject.processes()),
        "parent": parent.map(|parent| id::process(map, parent)),
        "children": process.map_or_else(Vec::new, |process| children(map, process)),
        "listens": sockets(&summary.listens),
        "talks_to": links(&summary.talks_to),
        "called_by": links(&summary.called_by),
        "among_themselves": summary.among_themselves,
        "fd_counts": summary.fd_counts,
        "queues": sockets(&summary.queues),
        "waits": wait_rows(source, &summary.waits),
        "awaited_by": wait_rows(source, &summary.awaited_by),
        "findings": finding_rows(source, &subject.process_ids(map)),
    })
}

fn socket_page(source: &PageSource<'_>, socket: SocketId) -> Value {
    let map = source.map;
    let holders = |end: SocketId| process_ids(map, &map.holding_processes(end));
    let connection = |index: usize| ConnectionRow {
        connection: export::connection(map, index),
        a_processes: holders(map.connections[index].a),
        b_processes: map.connections[index].b.map_or_else(Vec::new, holders),
    };
    let connections = source.connections(socket).into_iter().map(connection);
    json!({
        "kind": "socket",
        "socket": export::socket(map, socket),
        "connections": connections.collect::<Vec<_>>(),
        "tcp_info": source.tcp_info(socket).as_ref().map(tcp_info),
        "queued": is_queued(map, socket),
        "waits": wait_rows(source, &source.waits_on(socket)),
        "findings": finding_rows(source, &BTreeSet::from([id::socket(map, socket)])),
    })
}

fn tcp_info(tcp: &TcpInfo) -> Value {
    json!({
        "rtt_us": tcp.rtt_us,
        "rtt_variation_us": tcp.rtt_variation_us,
        "rto_us": tcp.rto_us,
        "retransmits": tcp.retransmits,
        "total_retransmits": tcp.total_retransmits,
        "unacknowledged": tcp.unacknowledged,
        "congestion_window": tcp.congestion_window,
        "last_sent_ms": tcp.last_sent_ms,
        "last_received_ms": tcp.last_received_ms,
    })
}

fn wait_rows<'a>(source: &'a PageSource<'_>, indices: &[usize]) -> Vec<WaitRow<'a>> {
    let row = |index: &usize| wait_row(source.map, &source.waits.waits[*index]);
    indices.iter().filter_map(row).collect()
}

fn finding_rows<'a>(source: &'a PageSource<'_>, ids: &BTreeSet<String>) -> Vec<FindingRow<'a>> {
    source.findings(ids).into_iter().map(finding_row).collect()
}

fn children(map: &Map, process: ProcessId) -> Vec<String> {
    let process = map.process(process);
    let all = map.processes.iter().enumerate();
    all.filter(|(_, other)| other.host == process.host && other.ppid == process.pid)
        .map(|(index, _)| id::process(map, ProcessId::new(index)))
        .collect()
}
