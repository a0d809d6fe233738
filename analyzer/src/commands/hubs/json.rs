//! JSON output of `hubs`: `whotalks-hubs/1`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::object;
use whotalks::id;
use whotalks::query::{Hub, OutsideHub, outside_hubs};

use super::ranking::Ranking;
use crate::commands::coverage::is_complete;
use crate::output;

pub(super) fn write(out: &mut dyn Write, ranking: &Ranking<'_>) -> Result<()> {
    let map = ranking.map;
    let row = |hub: &Hub| {
        let comm = ranking.name(hub);
        object()
            .field("process", id::process(map, hub.process))
            .field("pid", map.process(hub.process).pid)
            .exact("comm", comm.text, comm.hex)
            // Of a group: its number of processes.
            .known("members", ranking.members(hub))
            .field("peers", hub.peers)
            .field("connections", hub.connections)
            .field("listens", ranking.listener_names(hub))
    };
    let outside_row = |outside: &OutsideHub| {
        object()
            .field("address", outside.address.clone())
            .field("peers", outside.peers)
            .field("connections", outside.connections)
    };
    let outside = outside_hubs(map);
    let document = object()
        .field("schema", "whotalks-hubs/1")
        .list("hubs", ranking.hubs.iter().map(row))
        .list("outside", outside.iter().map(outside_row))
        .field("complete", is_complete(map));
    output::json(out, &document)
}
