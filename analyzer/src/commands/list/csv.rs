//! CSV output of `list`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::id;
use whotalks::model::{Map, ProcessId};
use whotalks::query::Link;

const COLUMNS: [&str; 9] = [
    "client",
    "server",
    "name_kind",
    "name",
    "kind",
    "connections",
    "pending",
    "clients",
    "servers",
];

pub(super) fn write(out: &mut dyn Write, map: &Map, links: &[Link]) -> Result<()> {
    let ids = |processes: &BTreeSet<ProcessId>| {
        let ids = processes.iter().map(|process| id::process(map, *process));
        ids.collect::<Vec<_>>().join(" ")
    };
    csv::row(out, &COLUMNS)?;
    for link in links {
        let (name_kind, name) = csv::name(&link.via);
        let cells = [
            &link.client,
            &link.server,
            name_kind,
            name,
            link.kind.as_str(),
            &link.connections.to_string(),
            &link.pending.to_string(),
            &ids(&link.clients),
            &ids(&link.servers),
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}
