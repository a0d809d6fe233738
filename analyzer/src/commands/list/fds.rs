//! `whotalks list --fds`: lists the number of descriptors of each kind by process.

use std::cmp::Reverse;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::{csv, object};
use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Map, Process, ProcessId};
use whotalks::query::SelectorSet;
use whotalks::text::escape;

use crate::cli::TableFormat;
use crate::commands::map::matching_process_ids;
use crate::output;
use crate::terminal::{self, count};

/// The descriptors of a process.
struct Row<'a> {
    id: String,
    process: &'a Process,
    comm: String,
    program: String,
    fds_status: &'static str,
    total: u64,
}

pub(super) fn write(map: &Map, only: &SelectorSet, format: TableFormat) -> Result<()> {
    let processes = matching_process_ids(map, only);
    let mut rows: Vec<Row<'_>> = processes.iter().map(|id| row(map, *id)).collect();
    output::stdout(|out| match format {
        TableFormat::Text => {
            rows.sort_by_key(|row| Reverse(row.total));
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            terminal::print(out, "FDS>|PROCESS|KINDS", &cells)
        }
        TableFormat::Json => {
            let document = object()
                .field("schema", "whotalks-fds/1")
                .list("processes", rows.iter().map(json_row));
            output::json(out, &document)
        }
        TableFormat::Csv => write_csv(out, &rows),
    })
}

fn row(map: &Map, id: ProcessId) -> Row<'_> {
    let process = map.process(id);
    let counts = process.fd_counts.values();
    Row {
        id: id::process(map, id),
        process,
        comm: escape::display(&process.comm),
        program: program(process),
        fds_status: process.fds_status.as_str(),
        total: counts.map(|count| u64::from(*count)).sum(),
    }
}

fn json_row(row: &Row<'_>) -> impl Serialize {
    object()
        .field("process", &row.id)
        .field("pid", row.process.pid)
        .field("comm", &row.comm)
        .field("fds_status", row.fds_status)
        .field("total", row.total)
        .field("fd_counts", &row.process.fd_counts)
}

/// Writes a row for each process and kind, and one for a process without known descriptors.
fn write_csv(out: &mut dyn Write, rows: &[Row<'_>]) -> Result<()> {
    csv::heading(out, "process,pid,comm,fds_status,kind,count")?;
    for row in rows {
        let counts = &row.process.fd_counts;
        let none = counts.is_empty().then_some(("", 0));
        let counts = counts.iter().map(|(kind, count)| (&**kind, *count));
        for (kind, count) in counts.chain(none) {
            let (pid, status) = (row.process.pid, row.fds_status);
            csv::row(out, &[&row.id, &pid, &row.comm, &status, &kind, &count])?;
        }
    }
    Ok(())
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let mut kinds: Vec<(&Box<str>, &u32)> = row.process.fd_counts.iter().collect();
    kinds.sort_by_key(|(_, count)| Reverse(**count));
    let kinds = kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
    let unread = (row.fds_status != "read").then(|| format!("({})", row.fds_status));
    vec![
        count(row.total),
        format!("{} [{}]", row.program, row.process.pid),
        kinds.chain(unread).collect::<Vec<_>>().join(", "),
    ]
}
