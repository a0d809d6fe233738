//! CSV output of `list`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::{csv, rfc3339};
use whotalks::model::Map;
use whotalks::query::{Link, LinkSeen};

use crate::commands::names::process_ids;

pub(super) fn write(out: &mut dyn Write, map: &Map, links: &[Link]) -> Result<()> {
    csv::heading(
        out,
        "client,server,name_kind,name,kind,connections,pending,clients,servers,\
         direction,connecting,seen,captures,first_seen_at,last_seen_at",
    )?;
    for link in links {
        let (name_kind, name) = csv::name_cells(&link.via);
        let seen = link.seen.as_ref();
        let time = |of: fn(&LinkSeen) -> Option<u64>| seen.and_then(of).map(rfc3339);
        csv::row(
            out,
            &[
                &link.client,
                &link.server,
                &name_kind,
                &name,
                &link.kind.as_str(),
                &link.connections,
                &link.pending,
                &process_ids(map, &link.clients).join(" "),
                &process_ids(map, &link.servers).join(" "),
                &(if link.is_directed { "" } else { "none" }),
                &link.connecting,
                &seen.map(LinkSeen::count),
                &seen.map(|seen| seen.of),
                &time(|seen| seen.first_ns),
                &time(|seen| seen.last_ns),
            ],
        )?;
    }
    Ok(())
}
