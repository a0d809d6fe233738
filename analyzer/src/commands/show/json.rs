//! JSON output of `show`: `whotalks-show/1`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};
use whotalks::export::{self, object};
use whotalks::graph::Conversation;
use whotalks::id;
use whotalks::load::tcp_info::TcpInfo;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::query::is_queued;

use super::process_page::channels;
use super::source::PageSource;
use super::subject::{PageSubject, ProcessGroup};
use crate::commands::check::finding_row;
use crate::commands::coverage::is_complete;
use crate::commands::list::link_row;
use crate::commands::names::process_ids;
use crate::commands::waits::wait_row;
use crate::output;

pub(super) fn write(
    out: &mut dyn Write,
    source: &PageSource<'_>,
    pages: &[PageSubject],
    others: &[PageSubject],
) -> Result<()> {
    let page = |subject: &PageSubject| match subject {
        PageSubject::Socket(socket) => socket_page(source, *socket),
        PageSubject::Channel(channel) => channel_page(source.map, *channel),
        PageSubject::Processes(group) => process_page(source, group),
    };
    let document = object()
        .field("schema", "whotalks-show/1")
        .field("matches", pages.len() + others.len())
        .list("pages", pages.iter().map(page))
        .list(
            "others",
            others.iter().map(|subject| other(source.map, subject)),
        )
        .field("complete", is_complete(source.map));
    output::json(out, &document)
}

/// A match without a page: a process or socket has an id, a unit or container a name.
fn other(map: &Map, subject: &PageSubject) -> impl Serialize {
    let (kind, id, name, processes) = match subject {
        PageSubject::Processes(group) => {
            let id = group.process().map(|process| id::process(map, process));
            (group.kind, id, group.name.as_ref(), group.processes.len())
        }
        PageSubject::Socket(socket) => ("socket", Some(id::socket(map, *socket)), None, 0),
        PageSubject::Channel(Conversation::Channel(channel)) => {
            let row = &map.channels[channel.index()];
            ("channel", Some(id::channel(row)), None, row.ends.len())
        }
        PageSubject::Channel(Conversation::Pipe(pipe)) => {
            ("pipe", Some(id::pipe(map, *pipe)), None, 0)
        }
        PageSubject::Channel(Conversation::Connection(_)) => ("connection", None, None, 0),
    };
    object()
        .field("kind", kind)
        .field("id", id)
        .field("name", name)
        .field("processes", processes)
}

/// A page on a process, unit or container.
fn process_page(source: &PageSource<'_>, group: &ProcessGroup) -> Value {
    let map = source.map;
    let overview = source.overview(group);
    let summary = &overview.summary;
    let links = |indices: &[usize]| -> Vec<_> {
        let links = indices.iter().map(|index| &overview.links[*index]);
        links.map(|link| link_row(&overview.map, link)).collect()
    };
    let sockets = |ids: &[SocketId]| -> Vec<_> {
        let ids = ids.iter();
        ids.map(|id| export::socket(&overview.map, *id)).collect()
    };
    let process = group.process();
    let parent = process.and_then(|process| source.parent(process));
    let processes = process_ids(map, &group.processes);
    json!({
        "kind": group.kind,
        "name": group.name,
        "process": process.map(|process| export::process(map, process)),
        "processes": processes,
        "parent": parent.map(|parent| id::process(map, parent)),
        "children": process.map_or_else(Vec::new, |process| children(map, process)),
        "listens": sockets(&summary.listens),
        "talks_to": links(&summary.talks_to),
        "called_by": links(&summary.called_by),
        "channels": channels(map, group)
            .map(|(row, _)| export::channel(map, row))
            .collect::<Vec<_>>(),
        "among_themselves": summary.among_themselves,
        "fd_counts": summary.fd_counts,
        "queues": sockets(&summary.queues),
        "waits": wait_rows(source, &summary.waits),
        "awaited_by": wait_rows(source, &summary.awaited_by),
        "findings": finding_rows(source, &processes.iter().cloned().collect()),
    })
}

fn channel_page(map: &Map, channel: Conversation) -> Value {
    match channel {
        Conversation::Channel(channel) => {
            json!({"kind": "channel", "channel": export::channel(map, &map.channels[channel.index()])})
        }
        Conversation::Pipe(pipe) => json!({"kind": "pipe", "pipe": export::pipe(map, pipe)}),
        Conversation::Connection(_) => Value::Null,
    }
}

fn socket_page(source: &PageSource<'_>, socket: SocketId) -> Value {
    let map = source.map;
    let holders = |end: SocketId| process_ids(map, &map.holding_processes(end));
    let connection = |index: usize| {
        let ends = &map.connections[index];
        export::connection(map, index)
            .field("a_processes", holders(ends.a))
            .field("b_processes", ends.b.map_or_else(Vec::new, holders))
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

fn wait_rows(source: &PageSource<'_>, indices: &[usize]) -> Vec<impl Serialize> {
    let row = |index: &usize| wait_row(source.map, &source.waits.waits[*index]);
    indices.iter().map(row).collect()
}

fn finding_rows(source: &PageSource<'_>, ids: &BTreeSet<String>) -> Vec<impl Serialize> {
    source.findings(ids).into_iter().map(finding_row).collect()
}

fn children(map: &Map, process: ProcessId) -> Vec<String> {
    let process = map.process(process);
    let all = map.processes.iter().enumerate();
    all.filter(|(_, other)| other.host == process.host && other.ppid == process.pid)
        .map(|(index, _)| id::process(map, ProcessId::new(index)))
        .collect()
}
