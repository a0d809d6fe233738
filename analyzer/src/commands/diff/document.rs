//! The comparison for programs: `whotalks-diff/1`.

use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use whotalks::diff::{Change, ListenerChange, ProcessChange, Side};
use whotalks::export::{ExactText, hex_of, hex_of_name, rfc3339};
use whotalks::id;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::text::escape;

use super::Compared;
use crate::cli::Diff;

/// Ids of hosts go on from the first map's to the second's.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    by: String,
    old: Vec<Host>,
    new: Vec<Host>,
    comparable: bool,
    /// One capture with itself.
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
    /// Null, as the others: it was not captured, or is lost.
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

pub(super) fn write(out: &mut dyn Write, compared: &Compared, options: &Diff) -> Result<()> {
    let diff = &compared.diff;
    let processes = |change| {
        let rows = diff
            .processes
            .iter()
            .filter(move |row| row.change == change);
        rows.map(|row| process(compared, row)).collect()
    };
    let listeners = |change| {
        let rows = diff
            .listeners
            .iter()
            .filter(move |row| row.change == change);
        rows.filter_map(|row| listener(compared, row)).collect()
    };
    let links = |change| {
        let rows = diff.links.iter().filter(move |row| row.change == change);
        rows.map(|row| Link {
            client: &row.client,
            client_hex: hex_of(&row.client),
            via: (!row.via.text.is_empty()).then_some(&row.via.text),
            via_hex: hex_of_name(&row.via),
            server: &row.server,
            server_hex: hex_of(&row.server),
            kind: row.kind.as_str(),
            old: row.old,
            new: row.new,
        })
        .collect()
    };
    let rebound = diff.listeners.iter().filter_map(|row| {
        let (old, new) = (row.old?, row.new?);
        Some(Rebound {
            name: &row.name.text,
            name_hex: hex_of_name(&row.name),
            name_kind: row.name.kind.as_str(),
            protocol: row.protocol,
            role: &row.role,
            role_hex: hex_of(&row.role),
            old: socket(compared, Side::Old, old),
            new: socket(compared, Side::New, new),
        })
    });
    let by = options.comparison.by.to_possible_value();
    let document = Document {
        schema: "whotalks-diff/1",
        by: by.map_or_else(String::new, |value| value.get_name().to_owned()),
        old: hosts(&compared.old, 0),
        new: hosts(&compared.new, compared.old.hosts.len()),
        comparable: diff.coverage.comparable,
        identical: compared.identical,
        caveats: &diff.coverage.caveats,
        processes: Processes {
            added: processes(Change::Added),
            removed: processes(Change::Removed),
            changed: processes(Change::Changed),
            replaced: processes(Change::Replaced),
        },
        listeners: Listeners {
            added: listeners(Change::Added),
            removed: listeners(Change::Removed),
            replaced: rebound.collect(),
        },
        links: Links {
            added: links(Change::Added),
            removed: links(Change::Removed),
            changed: links(Change::Changed),
        },
        descriptors: diff
            .descriptors
            .iter()
            .map(|row| Descriptors {
                role: &row.role,
                role_hex: hex_of(&row.role),
                kind: &row.kind,
                old: row.old,
                new: row.new,
            })
            .collect(),
        unlinked: diff
            .unlinked
            .iter()
            .map(|row| Listener {
                name: &row.name.text,
                name_hex: hex_of_name(&row.name),
                name_kind: row.name.kind.as_str(),
                protocol: None,
                role: &row.role,
                role_hex: hex_of(&row.role),
                socket: socket(compared, Side::New, row.socket),
            })
            .collect(),
        ignored: Ignored {
            short_lived: diff.ignored.short_lived,
            capture: diff.ignored.capture,
            coverage: diff.ignored.coverage,
            small: diff.ignored.small,
        },
        matching: options.why.then(|| matching(compared)),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    Ok(writeln!(out)?)
}

fn hosts(map: &Map, before: usize) -> Vec<Host> {
    let hosts = map.hosts.iter().enumerate();
    hosts
        .map(|(at, host)| {
            let hostname = ExactText::new(&host.hostname);
            Host {
                id: format!("h{}", before + at),
                hostname: (!host.hostname.is_empty()).then_some(hostname.text),
                hostname_hex: hostname.hex,
                boot_id: (!host.boot_id.is_empty()).then(|| escape::display(&host.boot_id)),
                started_at: (host.started_at_ns != 0).then(|| rfc3339(host.started_at_ns)),
            }
        })
        .collect()
}

fn process<'a>(compared: &Compared, row: &'a ProcessChange) -> Process<'a> {
    let ids = |side, of: &[ProcessId]| -> Vec<String> {
        of.iter()
            .map(|id| process_id(compared, side, *id))
            .collect()
    };
    Process {
        role: &row.role,
        role_hex: hex_of(&row.role),
        old: ids(Side::Old, &row.old),
        new: ids(Side::New, &row.new),
    }
}

fn listener<'a>(compared: &Compared, row: &'a ListenerChange) -> Option<Listener<'a>> {
    let old = row.old.map(|id| socket(compared, Side::Old, id));
    let new = row.new.map(|id| socket(compared, Side::New, id));
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

fn matching(compared: &Compared) -> Vec<Match> {
    let pairs = compared.diff.matching.pairs.iter();
    pairs
        .map(|pair| Match {
            old: process_id(compared, Side::Old, pair.old),
            new: process_id(compared, Side::New, pair.new),
            why: pair.why.as_str(),
        })
        .collect()
}

fn process_id(compared: &Compared, side: Side, process: ProcessId) -> String {
    match side {
        Side::Old => id::process(&compared.old, process),
        Side::New => id::process_beside(&compared.new, process, compared.old.hosts.len()),
    }
}

fn socket(compared: &Compared, side: Side, socket: SocketId) -> String {
    match side {
        Side::Old => id::socket(&compared.old, socket),
        Side::New => id::socket_beside(&compared.new, socket, compared.old.hosts.len()),
    }
}
