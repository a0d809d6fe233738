//! CSV output of `trend`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::trend::Row;

use super::row::{parts, rounded};

const COLUMNS: &str =
    "what,role,client,name_kind,name,kind,first,last,growth,rising,values,per_hour";

/// Writes the rows. `values` are separated by spaces, `?` if unknown.
pub(super) fn write(out: &mut dyn Write, rows: &[Row]) -> Result<()> {
    csv::heading(out, COLUMNS)?;
    for row in rows {
        let (what, client, via, kind) = parts(&row.what);
        let (name_kind, name) = via.map_or(("", ""), csv::name_cells);
        let ends = row.ends();
        let values = row.values.iter();
        let values = values.map(|value| value.map_or("?".to_owned(), |value| value.to_string()));
        csv::row(
            out,
            &[
                &what,
                &row.role,
                &client,
                &name_kind,
                &name,
                &kind,
                &ends.map(|(first, _)| first),
                &ends.map(|(_, last)| last),
                &ends.map(|_| row.growth()),
                &row.is_rising(),
                &values.collect::<Vec<_>>().join(" "),
                &row.per_hour().map(|rate| rounded(rate).to_string()),
            ],
        )?;
    }
    Ok(())
}
