//! `whotalks hubs`: who talks to the most others.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::escape;
use whotalks::export::{csv, shown};
use whotalks::id;
use whotalks::model::{Map, SocketId};
use whotalks::query::{Hub, Via, addressed, hubs, matching, named};

use super::{map, unreadable};
use crate::Outcome;
use crate::cli::{Hubs, TableFormat};
use crate::style;
use crate::table::{self, Align, plural};
use crate::{input, output};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    hubs: Vec<Row>,
    complete: bool,
}

#[derive(Serialize)]
struct Row {
    process: String,
    pid: u32,
    comm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm_hex: Option<String>,
    peers: usize,
    connections: usize,
    listens: Vec<String>,
}

pub(super) fn run(options: &Hubs) -> Result<Outcome> {
    let mut snapshots = input::open_at(&options.selection.files(), options.selection.at)?;
    let Some(map) = map(&mut snapshots, &options.selection)? else {
        return Ok(Outcome::Found);
    };
    let mut ranked = hubs(&map);
    let wanted = options.selection.restriction()?.only;
    if !wanted.is_empty() {
        // Their partners are in the map as well; the question was about these.
        let matches = matching(&map, &wanted);
        ranked.retain(|hub| matches[hub.process.index()]);
    }
    output::stdout(|out| match options.format {
        TableFormat::Text => text(out, &map, &ranked),
        TableFormat::Json => json(out, &map, &ranked),
        TableFormat::Csv => csv(out, &map, &ranked),
    })?;
    Ok(Outcome::Done)
}

fn is_complete(map: &Map) -> bool {
    map.hosts.iter().all(|host| host.coverage.complete)
}

/// What a process listens on; unnamed sockets have nothing to show.
fn listening(map: &Map, listens: &[SocketId]) -> Vec<Via> {
    let mut names: Vec<Via> = listens
        .iter()
        .filter_map(|id| {
            let socket = map.socket(*id);
            let name = socket.name.as_ref().map(named);
            name.or_else(|| socket.local.map(addressed))
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn texts(names: Vec<Via>) -> Vec<String> {
    names.into_iter().map(|name| name.text).collect()
}

const COLUMNS: [&str; 8] = [
    "process",
    "pid",
    "comm",
    "peers",
    "connections",
    "name_kind",
    "name",
    "listens",
];

/// One row for each process: its first listener's name, and all of them with their spaces escaped.
fn csv(out: &mut dyn Write, map: &Map, ranked: &[Hub]) -> Result<()> {
    csv::row(out, &COLUMNS)?;
    for hub in ranked {
        let process = map.process(hub.process);
        let listens = listening(map, &hub.listens);
        let (name_kind, name) = listens.first().map_or(("", ""), csv::name);
        let all: Vec<String> = listens
            .iter()
            .map(|via| via.text.replace(' ', "\\x20"))
            .collect();
        let cells = [
            &id::process(map, hub.process),
            &process.pid.to_string(),
            &escape::display(&process.comm),
            &hub.peers.to_string(),
            &hub.connections.to_string(),
            name_kind,
            name,
            &all.join(" "),
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}

fn json(out: &mut dyn Write, map: &Map, ranked: &[Hub]) -> Result<()> {
    let row = |hub: &Hub| {
        let process = map.process(hub.process);
        let comm = shown(&process.comm);
        Row {
            process: id::process(map, hub.process),
            pid: process.pid,
            comm: comm.text,
            comm_hex: comm.hex,
            peers: hub.peers,
            connections: hub.connections,
            listens: texts(listening(map, &hub.listens)),
        }
    };
    let hubs = ranked.iter().map(row).collect();
    let document = Document {
        schema: "whotalks-hubs/1",
        hubs,
        complete: is_complete(map),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)?;
    Ok(())
}

fn text(out: &mut dyn Write, map: &Map, ranked: &[Hub]) -> Result<()> {
    let rows: Vec<Vec<String>> = ranked
        .iter()
        .map(|hub| {
            let process = map.process(hub.process);
            vec![
                hub.peers.to_string(),
                hub.connections.to_string(),
                format!("{} [{}]", escape::display(&process.comm), process.pid),
                texts(listening(map, &hub.listens)).join(" "),
            ]
        })
        .collect();
    let heading = [
        ("PEERS", Align::Right),
        ("CONNS", Align::Right),
        ("PROCESS", Align::Left),
        ("LISTENS", Align::Left),
    ];
    table::print(out, &heading, &rows)?;
    let silent = map.processes.len() - ranked.len();
    let talk = plural(ranked.len(), "process talks", "processes talk");
    let exact = match unreadable(map) {
        None if is_complete(map) => "All readable: ranks exact.".to_owned(),
        None => "Coverage is incomplete (whotalks info): ranks are lower bounds.".to_owned(),
        Some(unread) => format!("{} Ranks are lower bounds.", style::note(&unread)),
    };
    let not = if silent == 1 { "doesn't" } else { "don't" };
    if map.restricted {
        // Only a part was asked for: who else talks was not counted.
        writeln!(
            out,
            "{} selected. {exact}",
            plural(ranked.len(), "process", "processes")
        )?;
    } else {
        writeln!(out, "{talk}, {silent} {not}. {exact}")?;
    }
    Ok(())
}
