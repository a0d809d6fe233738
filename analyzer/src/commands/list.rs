//! `whotalks list`: who talks to whom.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use whotalks::export::{csv, hex_of, hex_of_name};
use whotalks::graph::Groups;
use whotalks::id;
use whotalks::model::{Map, ProcessId};
use whotalks::query::{Link, LinkFilter, LinkKind, count_self_conversations, links};

use super::{fds, incomplete, map, pick, sockets};
use crate::Outcome;
use crate::cli::{List, TableFormat};
use crate::selection::parse;
use crate::style;
use crate::table::{self, Align, plural};
use crate::{input, output};

/// Rows of text without `--all`.
const ROWS: usize = 40;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    by: String,
    links: Vec<Row<'a>>,
    /// Conversations of a process with nobody but itself: no links.
    within: usize,
}

/// A link for programs.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    client: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_hex: Option<String>,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_hex: Option<String>,
    via: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via_hex: Option<String>,
    kind: &'static str,
    connections: usize,
    pending: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
    clients: Vec<String>,
    servers: Vec<String>,
}

pub(super) fn run(options: &List) -> Result<Outcome> {
    let mut snapshots = input::open_at(&options.selection.files(), options.selection.at)?;
    let Some(map) = map(&mut snapshots, &options.selection)? else {
        return Ok(Outcome::Found);
    };
    if options.sockets {
        return sockets::run(&map, options);
    }
    if options.fds {
        return fds::run(&map, options);
    }
    let groups = Groups::new(&map, options.by.into());
    let between = LinkFilter {
        from: parse(options.from.iter().cloned())?,
        to: parse(options.to.iter().cloned())?,
    };
    let rows = links(&map, &groups, &between);
    if rows.is_empty() && !(between.from.is_empty() && between.to.is_empty()) {
        for selector in options.from.iter().chain(&options.to) {
            pick::say_unmatched(&map, selector)?;
        }
        eprintln!("whotalks: nobody talks that way");
        return Ok(Outcome::Found);
    }
    output::stdout(|out| match options.format {
        TableFormat::Text => {
            let everything = between.from.is_empty() && between.to.is_empty();
            text(out, &map, &rows, options.all, everything)
        }
        TableFormat::Json => json(out, &map, &rows, options),
        TableFormat::Csv => csv(out, &map, &rows),
    })?;
    Ok(Outcome::Done)
}

/// A link as documents have it.
pub(super) fn row<'a>(map: &Map, link: &'a Link) -> Row<'a> {
    let ids = |processes: &BTreeSet<ProcessId>| -> Vec<String> {
        let ids = processes.iter().map(|process| id::process(map, *process));
        ids.collect()
    };
    Row {
        client: &link.client,
        client_hex: hex_of(&link.client),
        server: &link.server,
        server_hex: hex_of(&link.server),
        via: (!link.via.text.is_empty()).then_some(&link.via.text),
        via_hex: hex_of_name(&link.via),
        kind: link.kind.as_str(),
        connections: link.connections,
        pending: link.pending,
        seen: link.seen,
        clients: ids(&link.clients),
        servers: ids(&link.servers),
    }
}

fn json(out: &mut dyn Write, map: &Map, rows: &[Link], options: &List) -> Result<()> {
    let by = options
        .by
        .to_possible_value()
        .map_or_else(String::new, |v| v.get_name().to_owned());
    let document = Document {
        schema: "whotalks-list/1",
        by,
        links: rows.iter().map(|link| row(map, link)).collect(),
        within: count_self_conversations(map),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)?;
    Ok(())
}

const COLUMNS: [&str; 9] = [
    "client",
    "server",
    "name_kind",
    "name",
    "kind",
    "connections",
    "pending",
    "clients",
    "servers",
];

fn csv(out: &mut dyn Write, map: &Map, rows: &[Link]) -> Result<()> {
    let ids = |processes: &BTreeSet<ProcessId>| {
        let ids: Vec<String> = processes.iter().map(|at| id::process(map, *at)).collect();
        ids.join(" ")
    };
    csv::row(out, &COLUMNS)?;
    for link in rows {
        let (name_kind, name) = csv::name_cells(&link.via);
        let cells = [
            &link.client,
            &link.server,
            name_kind,
            name,
            link.kind.as_str(),
            &link.connections.to_string(),
            &link.pending.to_string(),
            &ids(&link.clients),
            &ids(&link.servers),
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}

fn text(out: &mut dyn Write, map: &Map, rows: &[Link], all: bool, everything: bool) -> Result<()> {
    // What goes on to another program goes whole.
    let all = all || !std::io::stdout().is_terminal();
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
    table::print_marked(out, &heading, &cells, |column, cell| match column {
        0 | 1 => cell == "(unreadable)",
        3 => cell.contains("pending"),
        _ => false,
    })?;
    let hidden = rows.len() - shown;
    let more =
        (hidden > 0).then(|| format!("{} (--all).", plural(hidden, "more link", "more links")));
    let union = map.seen.as_ref().map(|seen| {
        let captures = plural(seen.captures as usize, "capture", "captures");
        format!("Of {captures}.")
    });
    // Only where nothing was asked for in particular: then all is to be accounted for.
    let within = count_self_conversations(map);
    let within = (within > 0 && !map.restricted && everything).then(|| {
        let conversations = plural(within, "conversation", "conversations");
        format!("{conversations} of a process with itself not shown.")
    });
    let last: Vec<String> = more
        .into_iter()
        .chain(within)
        .chain(union)
        .chain(incomplete(map).map(|text| style::note(&text)))
        .collect();
    if !last.is_empty() {
        writeln!(out, "{}", last.join(" "))?;
    }
    Ok(())
}

/// A link as people read it: client, server, connections, note, via.
pub(super) fn cells(link: &Link) -> Vec<String> {
    let several = |label: &str, processes: &BTreeSet<ProcessId>| match processes.len() {
        0 | 1 => label.to_owned(),
        count => format!("{label} ×{count}"),
    };
    let pending = (link.pending > 0).then(|| format!("{} pending", link.pending));
    let pipe = (link.kind == LinkKind::Pipe).then(|| "pipe".to_owned());
    let seen = link.seen.map(|seen| format!("seen {seen}×"));
    vec![
        several(&link.client, &link.clients),
        several(&link.server, &link.servers),
        link.connections.to_string(),
        pipe.into_iter()
            .chain(pending)
            .chain(seen)
            .collect::<Vec<_>>()
            .join(", "),
        link.via.text.clone(),
    ]
}
