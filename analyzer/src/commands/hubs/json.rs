//! JSON output of `hubs`: `whotalks-hubs/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::id;
use whotalks::query::{Hub, outside_hubs};

use super::ranking::Ranking;
use crate::commands::coverage::is_complete;
use crate::output;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    hubs: Vec<Row>,
    outside: Vec<OutsideRow>,
    complete: bool,
}

/// An address outside the capture.
#[derive(Serialize)]
struct OutsideRow {
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
    /// Of a group: its number of processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
    peers: usize,
    connections: usize,
    listens: Vec<String>,
}

pub(super) fn write(out: &mut dyn Write, ranking: &Ranking<'_>) -> Result<()> {
    let map = ranking.map;
    let row = |hub: &Hub| {
        let comm = ranking.name(hub);
        Row {
            process: id::process(map, hub.process),
            pid: map.process(hub.process).pid,
            comm: comm.text,
            comm_hex: comm.hex,
            members: ranking.members(hub),
            peers: hub.peers,
            connections: hub.connections,
            listens: ranking.listener_names(hub),
        }
    };
    let outside = outside_hubs(map).into_iter().map(|outside| OutsideRow {
        address: outside.address,
        peers: outside.peers,
        connections: outside.connections,
    });
    let document = Document {
        schema: "whotalks-hubs/1",
        hubs: ranking.hubs.iter().map(row).collect(),
        outside: outside.collect(),
        complete: is_complete(map),
    };
    output::json(out, &document)
}
