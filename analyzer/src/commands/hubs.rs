//! `whotalks hubs`: who talks to the most others.

use std::io::Write;
use std::mem::ManuallyDrop;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::{ExactText, csv};
use whotalks::id;
use whotalks::model::{Map, SocketId};
use whotalks::query::{
    GroupedMap, Hub, OutsideHub, Via, hubs, matching_processes, merge_groups, outside_hubs,
};

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
    outside: Vec<Elsewhere>,
    complete: bool,
}

/// An address outside the capture.
#[derive(Serialize)]
struct Elsewhere {
    address: String,
    peers: usize,
    connections: usize,
}

#[derive(Serialize)]
struct Row {
    process: String,
    pid: u32,
    comm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm_hex: Option<String>,
    /// Of a group: how many processes it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
    peers: usize,
    connections: usize,
    listens: Vec<String>,
}

pub(super) fn run(options: &Hubs) -> Result<Outcome> {
    let mut snapshots = input::open_at(&options.selection.files(), options.selection.at)?;
    let Some(single) = map(&mut snapshots, &options.selection)? else {
        return Ok(Outcome::Found);
    };
    let wanted = options.selection.filter()?.only;
    let meant = (!wanted.is_empty()).then(|| matching_processes(&single, &wanted));
    let by = options.by.into();
    let GroupedMap { map, members } = merge_groups(ManuallyDrop::into_inner(single), by);
    let map = ManuallyDrop::new(map);
    let mut ranked = hubs(&map);
    // Their partners are in the map as well; the question was about these.
    if let Some(matches) = meant.filter(|_| members.is_empty()) {
        ranked.retain(|hub| matches[hub.process.index()]);
    }
    let ranking = Ranking {
        map: &map,
        members,
        hubs: ranked,
    };
    output::stdout(|out| match options.format {
        TableFormat::Text => ranking.text(out),
        TableFormat::Json => ranking.json(out),
        TableFormat::Csv => ranking.csv(out),
    })?;
    Ok(Outcome::Done)
}

/// The answer.
struct Ranking<'a> {
    map: &'a Map,
    /// How many processes each of the map's stands for; empty: itself.
    members: Vec<usize>,
    hubs: Vec<Hub>,
}

impl Ranking<'_> {
    /// Whether a row is one process, not a group.
    fn single(&self) -> bool {
        self.members.is_empty()
    }

    /// How many processes a row stands for; `None` where each is one.
    fn members(&self, hub: &Hub) -> Option<usize> {
        self.members.get(hub.process.index()).copied()
    }

    /// What a row is called; a group's name is printable already.
    fn name(&self, hub: &Hub) -> ExactText {
        let comm = &self.map.process(hub.process).comm;
        match self.single() {
            true => ExactText::new(comm),
            false => ExactText {
                text: String::from_utf8_lossy(comm).into_owned(),
                hex: None,
            },
        }
    }

    fn text(&self, out: &mut dyn Write) -> Result<()> {
        let (map, single) = (self.map, self.single());
        let hubs = self.hubs.iter().map(|hub| {
            let process = map.process(hub.process);
            let name = self.name(hub).text;
            let name = match self.members(hub) {
                None => format!("{name} [{}]", process.pid),
                Some(1) => name,
                Some(members) => format!("{name} ×{members}"),
            };
            let listens = texts(listening(map, &hub.listens)).join(" ");
            (hub.peers, hub.connections, name, listens)
        });
        // Addresses outside are no processes, but whoever many talk to is a hub.
        let elsewhere = outside_hubs(map).into_iter().map(|one| {
            let name = format!("(outside) {}", one.address);
            (one.peers, one.connections, name, String::new())
        });
        let mut all: Vec<(usize, usize, String, String)> = hubs.chain(elsewhere).collect();
        all.sort_by_key(|(peers, connections, ..)| std::cmp::Reverse((*peers, *connections)));
        let rows: Vec<Vec<String>> = all
            .into_iter()
            .map(|(peers, connections, name, listens)| {
                vec![peers.to_string(), connections.to_string(), name, listens]
            })
            .collect();
        let heading = [
            ("PEERS", Align::Right),
            ("CONNS", Align::Right),
            (if single { "PROCESS" } else { "GROUP" }, Align::Left),
            ("LISTENS", Align::Left),
        ];
        table::print(out, &heading, &rows)?;
        let silent = map.processes.len() - self.hubs.len();
        let talk = match single {
            true => plural(self.hubs.len(), "process talks", "processes talk"),
            false => plural(self.hubs.len(), "group talks", "groups talk"),
        };
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
                match single {
                    true => plural(self.hubs.len(), "process", "processes"),
                    false => plural(self.hubs.len(), "group", "groups"),
                }
            )?;
        } else {
            writeln!(out, "{talk}, {silent} {not}. {exact}")?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> Result<()> {
        let map = self.map;
        let row = |hub: &Hub| {
            let process = map.process(hub.process);
            let comm = self.name(hub);
            Row {
                process: id::process(map, hub.process),
                pid: process.pid,
                comm: comm.text,
                comm_hex: comm.hex,
                members: self.members(hub),
                peers: hub.peers,
                connections: hub.connections,
                listens: texts(listening(map, &hub.listens)),
            }
        };
        let hubs = self.hubs.iter().map(row).collect();
        let elsewhere = |one: OutsideHub| Elsewhere {
            address: one.address,
            peers: one.peers,
            connections: one.connections,
        };
        let document = Document {
            schema: "whotalks-hubs/1",
            hubs,
            outside: outside_hubs(map).into_iter().map(elsewhere).collect(),
            complete: is_complete(map),
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)?;
        Ok(())
    }

    /// One row for each process: its first listener's name, and all of them with their spaces escaped.
    fn csv(&self, out: &mut dyn Write) -> Result<()> {
        let map = self.map;
        csv::row(out, &COLUMNS)?;
        for hub in &self.hubs {
            let process = map.process(hub.process);
            let listens = listening(map, &hub.listens);
            let (name_kind, name) = listens.first().map_or(("", ""), csv::name_cells);
            let all: Vec<String> = listens
                .iter()
                .map(|via| via.text.replace(' ', "\\x20"))
                .collect();
            let cells = [
                &id::process(map, hub.process),
                &process.pid.to_string(),
                &self.name(hub).text,
                &hub.peers.to_string(),
                &hub.connections.to_string(),
                name_kind,
                name,
                &all.join(" "),
                &self.members(hub).unwrap_or(1).to_string(),
            ];
            csv::row(out, &cells)?;
        }
        Ok(())
    }
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
            let name = socket.name.as_ref().map(Via::from);
            name.or_else(|| socket.local.map(Via::from))
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn texts(names: Vec<Via>) -> Vec<String> {
    names.into_iter().map(|name| name.text).collect()
}

const COLUMNS: [&str; 9] = [
    "process",
    "pid",
    "comm",
    "peers",
    "connections",
    "name_kind",
    "name",
    "listens",
    "members",
];
