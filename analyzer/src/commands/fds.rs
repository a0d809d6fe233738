//! `whotalks list --fds`: how many descriptors of which kind each process has.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::csv;
use whotalks::id;
use whotalks::model::{Map, ProcessId};
use whotalks::query::matching_processes;
use whotalks::text::escape;

use crate::Outcome;
use crate::cli::{List, TableFormat};
use crate::output;
use crate::table::{self, Align, thousands};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    processes: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    process: String,
    pid: u32,
    comm: String,
    fds_status: &'static str,
    total: u64,
    fd_counts: &'a BTreeMap<Box<str>, u32>,
}

pub(super) fn run(map: &Map, options: &List) -> Result<Outcome> {
    let meant = matching_processes(map, &options.selection.filter()?.only);
    let mut rows: Vec<Row<'_>> = (0..map.processes.len())
        .filter(|at| meant[*at])
        .map(|at| row(map, ProcessId::new(at)))
        .collect();
    if options.format == TableFormat::Text {
        // The longest tables are what one looks for.
        rows.sort_by_key(|row| std::cmp::Reverse(row.total));
    }
    output::stdout(|out| match options.format {
        TableFormat::Text => text(out, &rows),
        TableFormat::Json => {
            let document = Document {
                schema: "whotalks-fds/1",
                processes: rows,
            };
            serde_json::to_writer_pretty(&mut *out, &document)?;
            Ok(writeln!(out)?)
        }
        TableFormat::Csv => csv(out, &rows),
    })?;
    Ok(Outcome::Done)
}

fn row(map: &Map, at: ProcessId) -> Row<'_> {
    let process = map.process(at);
    Row {
        process: id::process(map, at),
        pid: process.pid,
        comm: escape::display(&process.comm),
        fds_status: process.fds_status.as_str(),
        total: process
            .fd_counts
            .values()
            .map(|count| u64::from(*count))
            .sum(),
        fd_counts: &process.fd_counts,
    }
}

/// One row for each process and kind; a process without descriptors that were read has one row.
fn csv(out: &mut dyn Write, rows: &[Row<'_>]) -> Result<()> {
    csv::row(
        out,
        &["process", "pid", "comm", "fds_status", "kind", "count"],
    )?;
    for row in rows {
        let pid = row.pid.to_string();
        let about = [&row.process, pid.as_str(), &row.comm, row.fds_status];
        if row.fd_counts.is_empty() {
            csv::row(out, &[&about[..], &["", "0"]].concat())?;
        }
        for (kind, count) in row.fd_counts {
            csv::row(out, &[&about[..], &[&**kind, &count.to_string()]].concat())?;
        }
    }
    Ok(())
}

fn text(out: &mut dyn Write, rows: &[Row<'_>]) -> Result<()> {
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let heading = [
        ("FDS", Align::Right),
        ("PROCESS", Align::Left),
        ("KINDS", Align::Left),
    ];
    table::print(out, &heading, &cells)
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let mut kinds: Vec<(&Box<str>, &u32)> = row.fd_counts.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let kinds = kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
    let unread = (row.fds_status != "read").then(|| format!("({})", row.fds_status));
    vec![
        thousands(usize::try_from(row.total).unwrap_or(usize::MAX)),
        format!("{} [{}]", row.comm, row.pid),
        kinds.chain(unread).collect::<Vec<_>>().join(", "),
    ]
}
