//! CSV output of `hubs`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::id;

use super::ranking::Ranking;

/// Writes a row for each process or group: the name of its first listener, then the names of all listeners,
/// in which spaces are escaped.
pub(super) fn write(out: &mut dyn Write, ranking: &Ranking<'_>) -> Result<()> {
    let map = ranking.map;
    csv::heading(
        out,
        "process,pid,comm,peers,connections,name_kind,name,listens,members",
    )?;
    for hub in &ranking.hubs {
        let listeners = ranking.listeners(hub);
        let (name_kind, name) = listeners.first().map_or(("", ""), csv::name_cells);
        let names = listeners.iter();
        let names: Vec<_> = names.map(|via| via.text.replace(' ', "\\x20")).collect();
        csv::row(
            out,
            &[
                &id::process(map, hub.process),
                &map.process(hub.process).pid,
                &ranking.name(hub).text,
                &hub.peers,
                &hub.connections,
                &name_kind,
                &name,
                &names.join(" "),
                &ranking.members(hub).unwrap_or(1),
            ],
        )?;
    }
    Ok(())
}
