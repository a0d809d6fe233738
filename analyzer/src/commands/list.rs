//! `whotalks list`: who talks to whom.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use whotalks::graph::Groups;
use whotalks::id;
use whotalks::model::{Map, ProcessId};
use whotalks::query::{Between, Link, LinkKind, links};

use super::{fds, map, sockets, unreadable};
use crate::Outcome;
use crate::cli::{Format, List};
use crate::selection::parse;
use crate::table::{self, Align, plural};
use crate::{input, output};

/// Rows of text without `--all`.
const ROWS: usize = 40;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    by: String,
    links: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    client: &'a str,
    server: &'a str,
    via: Option<&'a str>,
    kind: &'static str,
    connections: usize,
    pending: usize,
    clients: Vec<String>,
    servers: Vec<String>,
}

pub(super) fn run(options: &List) -> Result<Outcome> {
    let mut snapshots = input::open(&options.selection.files())?;
    let Some(map) = map(&mut snapshots, &options.selection)? else {
        return Ok(Outcome::Found);
    };
    if options.sockets {
        return sockets::run(&map, options);
    }
    if options.fds {
        return fds::run(&map, options);
    }
    let groups = Groups::of(&map, options.by.into());
    let between = Between {
        from: parse(options.from.iter().cloned())?,
        to: parse(options.to.iter().cloned())?,
    };
    let rows = links(&map, &groups, &between);
    if rows.is_empty() && !(between.from.is_empty() && between.to.is_empty()) {
        eprintln!("whotalks: nobody talks that way");
        return Ok(Outcome::Found);
    }
    output::stdout(|out| match options.format {
        Format::Text => text(out, &map, &rows, options.all),
        Format::Json => json(out, &map, &rows, options),
    })?;
    Ok(Outcome::Done)
}

fn json<'a>(out: &mut dyn Write, map: &Map, rows: &'a [Link], options: &List) -> Result<()> {
    let ids = |processes: &BTreeSet<ProcessId>| -> Vec<String> {
        processes
            .iter()
            .map(|process| id::process(map, *process))
            .collect()
    };
    let row = |link: &'a Link| Row {
        client: &link.client,
        server: &link.server,
        via: (!link.via.is_empty()).then_some(&link.via),
        kind: kind_name(link.kind),
        connections: link.connections,
        pending: link.pending,
        clients: ids(&link.clients),
        servers: ids(&link.servers),
    };
    let by = options
        .by
        .to_possible_value()
        .map_or_else(String::new, |v| v.get_name().to_owned());
    let document = Document {
        schema: "whotalks-list/1",
        by,
        links: rows.iter().map(row).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)?;
    Ok(())
}

fn kind_name(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Unix => "unix",
        LinkKind::Inet => "inet",
        LinkKind::Netlink => "netlink",
        LinkKind::Vsock => "vsock",
        LinkKind::Pipe => "pipe",
    }
}

fn text(out: &mut dyn Write, map: &Map, rows: &[Link], all: bool) -> Result<()> {
    let shown = if all {
        rows.len()
    } else {
        rows.len().min(ROWS)
    };
    let cells: Vec<Vec<String>> = rows[..shown].iter().map(cells).collect();
    let heading = [
        ("CLIENT", Align::Left),
        ("SERVER", Align::Left),
        ("CONNS", Align::Right),
        ("NOTE", Align::Left),
        ("VIA", Align::Left),
    ];
    table::print(out, &heading, &cells)?;
    let hidden = rows.len() - shown;
    let more =
        (hidden > 0).then(|| format!("{} (--all).", plural(hidden, "more link", "more links")));
    let last: Vec<String> = more.into_iter().chain(unreadable(map)).collect();
    if !last.is_empty() {
        writeln!(out, "{}", last.join(" "))?;
    }
    Ok(())
}

fn cells(link: &Link) -> Vec<String> {
    let several = |label: &str, processes: &BTreeSet<ProcessId>| match processes.len() {
        0 | 1 => label.to_owned(),
        count => format!("{label} ×{count}"),
    };
    let pending = (link.pending > 0).then(|| format!("{} pending", link.pending));
    let pipe = (link.kind == LinkKind::Pipe).then(|| "pipe".to_owned());
    vec![
        several(&link.client, &link.clients),
        several(&link.server, &link.servers),
        link.connections.to_string(),
        pipe.into_iter()
            .chain(pending)
            .collect::<Vec<_>>()
            .join(", "),
        link.via.clone(),
    ]
}
