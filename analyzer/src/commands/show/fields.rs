//! Lines and tables that the pages of processes and of sockets share.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use whotalks::id;
use whotalks::model::{Map, SocketId};
use whotalks::query::socket_via;

use super::source::PageSource;
use crate::commands::waits::{HEADING, wait_cells};
use crate::terminal::{self, fit, thousands};

/// Rows of a table, and elements of a list.
pub(super) const ROWS: usize = 20;

/// A socket's name or addresses, or else its id.
pub(super) fn socket_name(map: &Map, id: SocketId) -> String {
    match (socket_via(map, id), map.socket(id).remote) {
        (Some(via), Some(remote)) => format!("{} ⇄ {}", via.text, remote),
        (Some(via), None) => via.text,
        (None, _) => format!("unnamed {}", id::socket(map, id)),
    }
}

/// Writes a line with a short heading; nothing if the value is empty.
pub(super) fn write_field(out: &mut dyn Write, name: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    Ok(writeln!(out, "{}", fit(&format!("{name:10}  {value}")))?)
}

/// Writes how many of the rows are not shown.
pub(super) fn write_more(out: &mut dyn Write, count: usize) -> Result<()> {
    if count > ROWS {
        writeln!(out, "  (and {} more)", thousands(count - ROWS))?;
    }
    Ok(())
}

/// Writes the first rows of a table, and a title above; nothing if there are no rows.
pub(super) fn write_table(
    out: &mut dyn Write,
    title: &str,
    heading: &str,
    rows: impl ExactSizeIterator<Item = Vec<String>>,
) -> Result<()> {
    let count = rows.len();
    if count == 0 {
        return Ok(());
    }
    let indented = |mut cells: Vec<String>| {
        cells[0].insert_str(0, "  ");
        cells
    };
    let rows: Vec<_> = rows.take(ROWS).map(indented).collect();
    writeln!(out, "{title}")?;
    terminal::print(out, &format!("  {heading}"), &rows)?;
    write_more(out, count)
}

/// Writes a table of waits, given by their indices.
pub(super) fn write_waits(
    out: &mut dyn Write,
    source: &PageSource<'_>,
    title: &str,
    indices: &[usize],
) -> Result<()> {
    let waits = indices.iter().map(|index| &source.waits.waits[*index]);
    let rows = waits.map(|waiting| wait_cells(source.map, &source.waits, waiting));
    write_table(out, title, HEADING, rows)
}

/// Writes the findings about any of these ids.
pub(super) fn write_findings(
    out: &mut dyn Write,
    source: &PageSource<'_>,
    ids: &BTreeSet<String>,
) -> Result<()> {
    let findings = source.findings(ids);
    for finding in findings.iter().take(ROWS) {
        let severity = finding.severity.name().to_uppercase();
        let text = format!("{severity} {}  {}", finding.code, finding.title);
        write_field(out, "finding", &text)?;
    }
    write_more(out, findings.len())
}
