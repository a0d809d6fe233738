//! CSV output of `list`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::model::Map;
use whotalks::query::Link;

use crate::commands::names::process_ids;
use crate::output;

const COLUMNS: &str = "client,server,name_kind,name,kind,connections,pending,clients,servers";

pub(super) fn write(out: &mut dyn Write, map: &Map, links: &[Link]) -> Result<()> {
    output::csv_heading(out, COLUMNS)?;
    for link in links {
        let (name_kind, name) = csv::name_cells(&link.via);
        let cells = [
            &link.client,
            &link.server,
            name_kind,
            name,
            link.kind.as_str(),
            &link.connections.to_string(),
            &link.pending.to_string(),
            &process_ids(map, &link.clients).join(" "),
            &process_ids(map, &link.servers).join(" "),
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}
