//! Text output of `info`: a line for each fact.

use std::io::Write;

use anyhow::Result;
use whotalks::model::{Host, HostId, Map, NetnsCoverage, Readable};

use super::file_summary::FileSummary;
use super::series::seconds;
use crate::terminal::{plural, thousands};

pub(super) fn write(out: &mut dyn Write, file: &FileSummary, map: &Map) -> Result<()> {
    let host = &map.hosts[HostId(0).index()];
    let state = if file.intact { "intact" } else { "DAMAGED" };
    let size = size(file.size_bytes);
    writeln!(
        out,
        "file      {size}, format {}, {state}, sha256 {}",
        file.format, file.sha256
    )?;
    writeln!(
        out,
        "host      {}, {}, Linux {} {}, boot {}",
        or_else(&file.hostname, "(unknown)"),
        or_else(&file.os, "(unknown system)"),
        or_else(&file.kernel, "(unknown)"),
        file.arch,
        or_else(&file.boot_id, "(unknown)")
    )?;
    writeln!(out, "captured  {}", captured(file, host))?;
    if file.captures > 1 {
        let captures = thousands(file.captures);
        let which = if map.seen.is_some() {
            "these are all"
        } else {
            "this is one (--at)"
        };
        writeln!(out, "series    {captures} captures; {which}")?;
    }
    if let Some(note) = &file.note {
        writeln!(out, "note      {note}")?;
    }
    writeln!(
        out,
        "holds     {}, {}, {}, {}, {}",
        plural(file.processes, "process", "processes"),
        plural(file.descriptors, "fd", "fds"),
        plural(file.sockets, "socket", "sockets"),
        plural(file.connections, "connection", "connections"),
        plural(file.pipes, "pipe", "pipes")
    )?;
    writeln!(out, "netns     {} of {} read", file.netns_read, file.netns)?;
    for damage in &file.damage {
        writeln!(out, "damage    {damage}")?;
    }
    for warning in file
        .warnings
        .iter()
        .filter(|text| !file.damage.contains(text))
    {
        writeln!(out, "warning   {warning}")?;
    }
    writeln!(out, "complete  {}", completeness(file, host))?;
    Ok(())
}

fn or_else<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn captured(file: &FileSummary, host: &Host) -> String {
    let Some(start) = &file.started_at else {
        return "(unknown: the block that says so is lost)".to_owned();
    };
    let start = seconds(start);
    let took = host.ended_at_ns.map_or_else(
        || ", never ended".to_owned(),
        |end| {
            let ms = end.saturating_sub(host.started_at_ns) / 1_000_000;
            format!(" in {}.{:02} s", ms / 1_000, ms % 1_000 / 10)
        },
    );
    let user = match file.euid {
        Some(0) => "root".to_owned(),
        Some(uid) => format!("uid {uid}"),
        None => "by nobody knows whom".to_owned(),
    };
    format!(
        "{start}{took}, {user}, collector {}",
        or_else(&file.collector, "(unknown)")
    )
}

fn completeness(file: &FileSummary, host: &Host) -> String {
    let coverage = &host.coverage;
    let mut reasons = Vec::new();
    let mut add = |count: usize, what: &str| {
        if count > 0 {
            reasons.push(format!("{} {what}", thousands(count)));
        }
    };
    add(file.processes_denied, "processes denied");
    add(file.processes_partial, "partly read");
    add(
        coverage.netns.iter().filter(|ns| unread(ns)).count(),
        "network namespaces not fully read",
    );
    add(file.damage.len(), "places damaged");
    if coverage.hidepid {
        reasons.push("/proc hides other users' processes (hidepid)".to_owned());
    }
    if !coverage.initial_pidns {
        reasons.push("not in the initial pid namespace: processes outside are unseen".to_owned());
    }
    let vanished = match file.processes_vanished {
        0 => String::new(),
        count => format!(", {} vanished", thousands(count)),
    };
    let holders = match file.sockets_without_known_holder {
        0 => String::new(),
        count => format!("; owners of {} unknown", plural(count, "socket", "sockets")),
    };
    match coverage.complete {
        true => format!("yes{vanished}"),
        false if reasons.is_empty() => format!("no{vanished}{holders}"),
        false => format!("no: {}{vanished}{holders}", reasons.join(", ")),
    }
}

fn unread(netns: &NetnsCoverage) -> bool {
    netns.diag != Readable::Ok
}

/// `412 kB`, in decimal units.
fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
