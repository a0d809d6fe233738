//! JSON output of `diff`: `whotalks-diff/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::diff::{Change, LinkChange, ListenerChange, ProcessChange, Side};
use whotalks::export::{ExactText, hex_of, hex_of_name, rfc3339};
use whotalks::model::{Map, ProcessId};
use whotalks::text::escape;

use super::args::DiffArgs;
use super::comparison::Comparison;
use crate::cli::value_name;
use crate::output;

/// Host ids of the new map continue those of the old map.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    by: String,
    old: Vec<Host>,
    new: Vec<Host>,
    comparable: bool,
    /// A capture was compared with itself.
    identical: bool,
    caveats: &'a [String],
    processes: Processes<'a>,
    listeners: Listeners<'a>,
    links: Links<'a>,
    descriptors: Vec<Descriptors<'a>>,
    unlinked: Vec<Listener<'a>>,
    ignored: Ignored,
    #[serde(skip_serializing_if = "Option::is_none")]
    matching: Option<Vec<Match>>,
}

#[derive(Serialize)]
struct Host {
    id: String,
    /// Null, as the others, if it was not captured or is lost.
    hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname_hex: Option<String>,
    boot_id: Option<String>,
    started_at: Option<String>,
}

#[derive(Serialize)]
struct Processes<'a> {
    added: Vec<Process<'a>>,
    removed: Vec<Process<'a>>,
    changed: Vec<Process<'a>>,
    replaced: Vec<Process<'a>>,
}

#[derive(Serialize)]
struct Process<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_hex: Option<String>,
    old: Vec<String>,
    new: Vec<String>,
}

#[derive(Serialize)]
struct Listeners<'a> {
    added: Vec<Listener<'a>>,
    removed: Vec<Listener<'a>>,
    replaced: Vec<Rebound<'a>>,
}

#[derive(Serialize)]
struct Listener<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    name_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_hex: Option<String>,
    socket: String,
}

#[derive(Serialize)]
struct Rebound<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    name_kind: &'static str,
    protocol: &'static str,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_hex: Option<String>,
    old: String,
    new: String,
}

#[derive(Serialize)]
struct Links<'a> {
    added: Vec<Link<'a>>,
    removed: Vec<Link<'a>>,
    changed: Vec<Link<'a>>,
}

#[derive(Serialize)]
struct Link<'a> {
    client: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_hex: Option<String>,
    via: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via_hex: Option<String>,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_hex: Option<String>,
    kind: &'static str,
    old: usize,
    new: usize,
}

#[derive(Serialize)]
struct Descriptors<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_hex: Option<String>,
    kind: &'a str,
    old: u64,
    new: u64,
}

#[derive(Serialize)]
struct Ignored {
    short_lived: usize,
    capture: usize,
    coverage: usize,
    small: usize,
}

#[derive(Serialize)]
struct Match {
    old: String,
    new: String,
    why: &'static str,
}

pub(super) fn write(out: &mut dyn Write, comparison: &Comparison, args: &DiffArgs) -> Result<()> {
    let diff = &comparison.diff;
    let unlinked = diff.unlinked.iter().map(|row| Listener {
        name: &row.name.text,
        name_hex: hex_of_name(&row.name),
        name_kind: row.name.kind.as_str(),
        protocol: None,
        role: &row.role,
        role_hex: hex_of(&row.role),
        socket: comparison.socket_id(Side::New, row.socket),
    });
    let descriptors = diff.descriptors.iter().map(|row| Descriptors {
        role: &row.role,
        role_hex: hex_of(&row.role),
        kind: &row.kind,
        old: row.old,
        new: row.new,
    });
    let document = Document {
        schema: "whotalks-diff/1",
        by: value_name(args.comparison.by),
        old: hosts(&comparison.old, 0),
        new: hosts(&comparison.new, comparison.old.hosts.len()),
        comparable: diff.coverage.comparable,
        identical: comparison.is_identical,
        caveats: &diff.coverage.caveats,
        processes: processes(comparison),
        listeners: listeners(comparison),
        links: links(&diff.links),
        descriptors: descriptors.collect(),
        unlinked: unlinked.collect(),
        ignored: Ignored {
            short_lived: diff.ignored.short_lived,
            capture: diff.ignored.capture,
            coverage: diff.ignored.coverage,
            small: diff.ignored.small,
        },
        matching: args.why.then(|| matching_processes(comparison)),
    };
    output::json(out, &document)
}

fn hosts(map: &Map, first: usize) -> Vec<Host> {
    let hosts = map.hosts.iter().enumerate();
    hosts
        .map(|(index, host)| {
            let hostname = ExactText::new(&host.hostname);
            Host {
                id: format!("h{}", first + index),
                hostname: (!host.hostname.is_empty()).then_some(hostname.text),
                hostname_hex: hostname.hex,
                boot_id: (!host.boot_id.is_empty()).then(|| escape::display(&host.boot_id)),
                started_at: (host.started_at_ns != 0).then(|| rfc3339(host.started_at_ns)),
            }
        })
        .collect()
}

fn processes(comparison: &Comparison) -> Processes<'_> {
    let of = |change| {
        let rows = comparison.diff.processes.iter();
        let rows = rows.filter(|row| row.change == change);
        rows.map(|row| process(comparison, row)).collect()
    };
    Processes {
        added: of(Change::Added),
        removed: of(Change::Removed),
        changed: of(Change::Changed),
        replaced: of(Change::Replaced),
    }
}

fn process<'a>(comparison: &Comparison, row: &'a ProcessChange) -> Process<'a> {
    let ids = |side, processes: &[ProcessId]| -> Vec<String> {
        processes
            .iter()
            .map(|id| comparison.process_id(side, *id))
            .collect()
    };
    Process {
        role: &row.role,
        role_hex: hex_of(&row.role),
        old: ids(Side::Old, &row.old),
        new: ids(Side::New, &row.new),
    }
}

fn listeners(comparison: &Comparison) -> Listeners<'_> {
    let rows = &comparison.diff.listeners;
    let of = |change| {
        let rows = rows.iter().filter(|row| row.change == change);
        rows.filter_map(|row| listener(comparison, row)).collect()
    };
    Listeners {
        added: of(Change::Added),
        removed: of(Change::Removed),
        replaced: rows
            .iter()
            .filter_map(|row| rebound(comparison, row))
            .collect(),
    }
}

fn listener<'a>(comparison: &Comparison, row: &'a ListenerChange) -> Option<Listener<'a>> {
    let old = row.old.map(|id| comparison.socket_id(Side::Old, id));
    let new = row.new.map(|id| comparison.socket_id(Side::New, id));
    Some(Listener {
        name: &row.name.text,
        name_hex: hex_of_name(&row.name),
        name_kind: row.name.kind.as_str(),
        protocol: Some(row.protocol),
        role: &row.role,
        role_hex: hex_of(&row.role),
        socket: new.or(old)?,
    })
}

/// A listener that was bound anew; `None` if it exists in one of the maps only.
fn rebound<'a>(comparison: &Comparison, row: &'a ListenerChange) -> Option<Rebound<'a>> {
    let (old, new) = (row.old?, row.new?);
    Some(Rebound {
        name: &row.name.text,
        name_hex: hex_of_name(&row.name),
        name_kind: row.name.kind.as_str(),
        protocol: row.protocol,
        role: &row.role,
        role_hex: hex_of(&row.role),
        old: comparison.socket_id(Side::Old, old),
        new: comparison.socket_id(Side::New, new),
    })
}

fn links(rows: &[LinkChange]) -> Links<'_> {
    let of = |change| {
        let rows = rows.iter().filter(|row| row.change == change);
        rows.map(link).collect()
    };
    Links {
        added: of(Change::Added),
        removed: of(Change::Removed),
        changed: of(Change::Changed),
    }
}

fn link(row: &LinkChange) -> Link<'_> {
    Link {
        client: &row.client,
        client_hex: hex_of(&row.client),
        via: (!row.via.text.is_empty()).then_some(&row.via.text),
        via_hex: hex_of_name(&row.via),
        server: &row.server,
        server_hex: hex_of(&row.server),
        kind: row.kind.as_str(),
        old: row.old,
        new: row.new,
    }
}

fn matching_processes(comparison: &Comparison) -> Vec<Match> {
    let pairs = comparison.diff.matching.pairs.iter();
    pairs
        .map(|pair| Match {
            old: comparison.process_id(Side::Old, pair.old),
            new: comparison.process_id(Side::New, pair.new),
            why: pair.why.as_str(),
        })
        .collect()
}
