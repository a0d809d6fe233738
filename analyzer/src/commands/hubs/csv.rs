//! CSV output of `hubs`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::id;

use super::ranking::Ranking;
use crate::output;

const COLUMNS: &str = "process,pid,comm,peers,connections,name_kind,name,listens,members";

/// Writes a row for each process or group: the name of its first listener, then the names of all listeners,
/// in which spaces are escaped.
pub(super) fn write(out: &mut dyn Write, ranking: &Ranking<'_>) -> Result<()> {
    let map = ranking.map;
    output::csv_heading(out, COLUMNS)?;
    for hub in &ranking.hubs {
        let listeners = ranking.listeners(hub);
        let (name_kind, name) = listeners.first().map_or(("", ""), csv::name_cells);
        let all: Vec<String> = listeners
            .iter()
            .map(|via| via.text.replace(' ', "\\x20"))
            .collect();
        let cells = [
            &id::process(map, hub.process),
            &map.process(hub.process).pid.to_string(),
            &ranking.name(hub).text,
            &hub.peers.to_string(),
            &hub.connections.to_string(),
            name_kind,
            name,
            &all.join(" "),
            &ranking.members(hub).unwrap_or(1).to_string(),
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}
