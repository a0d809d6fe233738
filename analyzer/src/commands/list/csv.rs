//! CSV output of `list`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::model::Map;
use whotalks::query::Link;

use crate::commands::names::process_ids;

pub(super) fn write(out: &mut dyn Write, map: &Map, links: &[Link]) -> Result<()> {
    csv::heading(
        out,
        "client,server,name_kind,name,kind,connections,pending,clients,servers,\
         direction,connecting",
    )?;
    for link in links {
        let (name_kind, name) = csv::name_cells(&link.via);
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
            ],
        )?;
    }
    Ok(())
}
