//! CSV output of `trend`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv::{self, Cell};
use whotalks::trend::{Metric, Row};

use super::row::DocumentRow;
use crate::output;

const COLUMNS: &str = "what,role,client,name_kind,name,kind,first,last,growth,rising,values";

/// Writes the rows. `values` are separated by spaces, `?` if unknown.
pub(super) fn write(out: &mut dyn Write, rows: &[Row]) -> Result<()> {
    output::csv_heading(out, COLUMNS)?;
    for row in rows {
        let (name_kind, name) = match &row.what {
            Metric::Listener(via, _) | Metric::Pending(via, _) | Metric::Link(_, via, _) => {
                csv::name_cells(via)
            }
            Metric::Processes | Metric::Descriptors(_) => ("", ""),
        };
        let row = DocumentRow::new(row);
        let value = |value: &Option<u64>| number(*value, "?");
        let values: Vec<String> = row.values.iter().map(value).collect();
        let cells = [
            Cell::Text(row.what),
            Cell::Text(&row.role),
            Cell::Text(row.client.as_deref().unwrap_or_default()),
            Cell::Text(name_kind),
            Cell::Text(name),
            Cell::Text(row.kind.as_deref().unwrap_or_default()),
            Cell::Text(&number(row.first, "")),
            Cell::Text(&number(row.last, "")),
            row.growth.map_or(Cell::Text(""), Cell::Number),
            Cell::Text(&row.rising.to_string()),
            Cell::Text(&values.join(" ")),
        ];
        csv::cells(out, &cells)?;
    }
    Ok(())
}

fn number(number: Option<u64>, unknown: &str) -> String {
    number.map_or_else(|| unknown.to_owned(), |number| number.to_string())
}
