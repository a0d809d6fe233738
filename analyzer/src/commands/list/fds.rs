//! `whotalks list --fds`: lists the number of descriptors of each kind by process.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::csv;
use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Map, ProcessId};
use whotalks::text::escape;

use super::args::ListArgs;
use crate::cli::TableFormat;
use crate::commands::map::matching_process_ids;
use crate::output;
use crate::terminal::{self, Align, count};

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
    #[serde(skip)]
    program: String,
    fds_status: &'static str,
    total: u64,
    fd_counts: &'a BTreeMap<Box<str>, u32>,
}

pub(super) fn write(map: &Map, args: &ListArgs) -> Result<()> {
    let processes = matching_process_ids(map, &args.selection.filter()?.only);
    let mut rows: Vec<Row<'_>> = processes.iter().map(|id| row(map, *id)).collect();
    if args.format == TableFormat::Text {
        rows.sort_by_key(|row| std::cmp::Reverse(row.total));
    }
    output::stdout(|out| match args.format {
        TableFormat::Text => write_text(out, &rows),
        TableFormat::Json => {
            let document = Document {
                schema: "whotalks-fds/1",
                processes: rows,
            };
            output::json(out, &document)
        }
        TableFormat::Csv => write_csv(out, &rows),
    })
}

fn row(map: &Map, id: ProcessId) -> Row<'_> {
    let process = map.process(id);
    let counts = process.fd_counts.values();
    Row {
        process: id::process(map, id),
        pid: process.pid,
        comm: escape::display(&process.comm),
        program: program(process),
        fds_status: process.fds_status.as_str(),
        total: counts.map(|count| u64::from(*count)).sum(),
        fd_counts: &process.fd_counts,
    }
}

/// Writes a row for each process and kind, and one for a process without known descriptors.
fn write_csv(out: &mut dyn Write, rows: &[Row<'_>]) -> Result<()> {
    output::csv_heading(out, "process,pid,comm,fds_status,kind,count")?;
    for row in rows {
        let pid = row.pid.to_string();
        let process = [&row.process, pid.as_str(), &row.comm, row.fds_status];
        if row.fd_counts.is_empty() {
            csv::row(out, &[&process[..], &["", "0"]].concat())?;
        }
        for (kind, count) in row.fd_counts {
            csv::row(
                out,
                &[&process[..], &[&**kind, &count.to_string()]].concat(),
            )?;
        }
    }
    Ok(())
}

fn write_text(out: &mut dyn Write, rows: &[Row<'_>]) -> Result<()> {
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let heading = [
        ("FDS", Align::Right),
        ("PROCESS", Align::Left),
        ("KINDS", Align::Left),
    ];
    terminal::print(out, &heading, &cells)
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let mut kinds: Vec<(&Box<str>, &u32)> = row.fd_counts.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let kinds = kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
    let unread = (row.fds_status != "read").then(|| format!("({})", row.fds_status));
    vec![
        count(row.total),
        format!("{} [{}]", row.program, row.pid),
        kinds.chain(unread).collect::<Vec<_>>().join(", "),
    ]
}
