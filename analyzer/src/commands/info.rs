//! `whotalks info`: what a snapshot holds, and how far it can be trusted.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use sha2::{Digest, Sha256};
use whotalks::escape;
use whotalks::export::{rfc3339, shown};
use whotalks::load::Loaded;
use whotalks::load::index::{Entry, index};
use whotalks::model::{At, FdsStatus, Host, HostId, Map, NetnsCoverage, Readable, build_at};
use whotalks_snapshot::block::NO_BASE;
use whotalks_snapshot::{DamageKind, Decoder, Event, Reader};

use crate::Outcome;
use crate::cli::{Format, Info};
use crate::input::Snapshot;
use crate::table::{self, Align, bytes, plural, thousands};
use crate::{input, output};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    name: String,
    size_bytes: usize,
    sha256: String,
    format: String,
    intact: bool,
    damage: Vec<String>,
    captures: usize,
    /// One for each capture in the file, in its order.
    series: Vec<Capture>,
    blocks: usize,
    hostname: String,
    os: String,
    kernel: String,
    arch: String,
    boot_id: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    collector: String,
    euid: Option<u32>,
    note: Option<String>,
    processes: usize,
    descriptors: usize,
    sockets: usize,
    connections: usize,
    pipes: usize,
    processes_read: usize,
    processes_partial: usize,
    processes_denied: usize,
    processes_vanished: usize,
    netns: usize,
    netns_read: usize,
    sockets_without_known_holder: usize,
    warnings: Vec<String>,
    complete: bool,
}

/// A capture of the file, as far as its end tells.
#[derive(Serialize)]
struct Capture {
    number: usize,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// What it costs in the file.
    stored_bytes: u64,
    /// Whether another capture must be decoded for it.
    based: bool,
    /// How many process ids there were, kernel threads included.
    pids: Option<u64>,
    descriptors: Option<u64>,
    unix_sockets: Option<u64>,
    /// Its first block and its last are there; what was denied is another question.
    whole: bool,
}

pub(super) fn run(options: &Info) -> Result<Outcome> {
    let mut snapshots = input::open_at(&options.snapshots.files, options.snapshots.at)?;
    let mut damaged = false;
    let mut files = Vec::new();
    let mut verified = Vec::new();
    for snapshot in &mut snapshots {
        if options.verify {
            let (lines, intact) = verify(snapshot);
            verified.push(lines);
            damaged |= !intact;
        }
        damaged |= !snapshot.loaded.damages.is_empty();
        let loaded = std::mem::take(&mut snapshot.loaded);
        let Some(described) = describe(snapshot, loaded, options.snapshots.at) else {
            eprintln!(
                "whotalks: --at: there is no such capture in {}",
                snapshot.name
            );
            return Ok(Outcome::Found);
        };
        files.push(described);
    }
    output::stdout(|out| {
        if options.format == Format::Json {
            let files = files.into_iter().map(|(file, _)| file).collect();
            let document = Document {
                schema: "whotalks-info/1",
                files,
            };
            serde_json::to_writer_pretty(&mut *out, &document)?;
            return Ok(writeln!(out)?);
        }
        for (at, (file, map)) in files.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            text(out, file, map)?;
            series(out, file)?;
            if let Some(lines) = verified.get(at) {
                write!(out, "{lines}")?;
            }
        }
        Ok(())
    })?;
    Ok(if options.verify && damaged {
        Outcome::Found
    } else {
        Outcome::Done
    })
}

/// What a file holds at that time; `None`: it has no such capture.
fn describe(snapshot: &Snapshot, loaded: Loaded, at: At) -> Option<(File, Map)> {
    let damage: Vec<String> = loaded.damages.iter().map(ToString::to_string).collect();
    let format = Reader::new(&snapshot.bytes, &input::limits()).map_or_else(
        |_| String::new(),
        |r| format!("{}.{}", r.header().major, r.header().minor),
    );
    let (captures, blocks) = (loaded.captures.len(), loaded.blocks);
    let entries = index(&snapshot.bytes, &input::limits()).unwrap_or_default();
    let series = entries.iter().enumerate().map(capture).collect();
    let stopped = stopped_searches(&loaded);
    let map = build_at(&[loaded], at)?;
    let host = &map.hosts[0];
    let coverage = &host.coverage;
    let status = |status| {
        map.processes
            .iter()
            .filter(|p| p.fds_status == status)
            .count()
    };
    let unheld = |id: &usize| {
        let socket = &map.sockets[*id];
        !socket.holders_complete && map.holders(whotalks::model::SocketId::new(*id)).is_empty()
    };
    let file = File {
        name: snapshot.name.clone(),
        size_bytes: snapshot.bytes.len(),
        sha256: escape::hex(&Sha256::digest(&snapshot.bytes)),
        format,
        intact: damage.is_empty(),
        damage,
        captures,
        series,
        blocks,
        hostname: escape::display(&host.hostname),
        os: escape::display(&host.os),
        kernel: escape::display(&host.kernel),
        arch: escape::display(&host.arch),
        boot_id: escape::display(&host.boot_id),
        started_at: (host.started_at_ns != 0).then(|| rfc3339(host.started_at_ns)),
        ended_at: host.ended_at_ns.map(rfc3339),
        collector: escape::display(&host.collector),
        euid: host.euid,
        note: host.note.as_deref().map(|note| shown(note).text),
        processes: map.processes.len(),
        descriptors: map
            .processes
            .iter()
            .flat_map(|process| process.fd_counts.values())
            .map(|count| *count as usize)
            .sum(),
        sockets: map.sockets.len(),
        connections: map.connections.len(),
        pipes: map.pipes.len(),
        processes_read: coverage.read,
        processes_partial: status(FdsStatus::Partial),
        processes_denied: status(FdsStatus::Denied),
        processes_vanished: coverage.vanished,
        netns: coverage.netns.len(),
        netns_read: coverage
            .netns
            .iter()
            .filter(|ns| ns.diag == Readable::Ok)
            .count(),
        sockets_without_known_holder: (0..map.sockets.len()).filter(unheld).count(),
        warnings: map
            .warnings
            .iter()
            .map(|warning| warning.text.clone())
            .chain(stopped)
            .collect(),
        complete: coverage.complete,
    };
    Some((file, map))
}

/// Where the collector gave up looking for socket files that nobody named: there may be more.
fn stopped_searches(loaded: &Loaded) -> Option<String> {
    let paths = loaded.captures.iter().flat_map(|capture| &capture.paths);
    let stopped = paths.filter(|look| look.path.is_empty() && look.found_by == b"walk");
    let spaces: BTreeSet<u64> = stopped.map(|look| look.mntns).collect();
    let where_to = plural(spaces.len(), "mount namespace", "mount namespaces");
    (!spaces.is_empty()).then(|| {
        format!("the search for socket files stopped at its limits in {where_to}: stale ones may be missing")
    })
}

fn capture((place, entry): (usize, &Entry)) -> Capture {
    let end = entry.end.as_ref();
    Capture {
        number: place + 1,
        started_at: entry.started_ns().map(rfc3339),
        ended_at: end.map(|end| rfc3339(end.ended_realtime_ns)),
        stored_bytes: entry.stored_bytes,
        based: !entry.alone,
        pids: end.map(|end| end.processes_seen),
        descriptors: end.map(|end| end.descriptors),
        unix_sockets: end.map(|end| end.unix_sockets),
        whole: end.is_some() && entry.host,
    }
}

/// The captures of a series, one on a line.
fn series(out: &mut dyn Write, file: &File) -> Result<()> {
    if file.series.len() < 2 {
        return Ok(());
    }
    let heading = [
        ("CAPTURE", Align::Right),
        ("STARTED", Align::Left),
        ("BYTES", Align::Right),
        ("PIDS", Align::Right),
        ("FDS", Align::Right),
        ("UNIX SOCKETS", Align::Right),
        ("NOTE", Align::Left),
    ];
    let times: Vec<&str> = file
        .series
        .iter()
        .filter_map(|capture| capture.started_at.as_deref())
        .collect();
    let digits = digits(&times);
    let some = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), grouped);
    let rows: Vec<Vec<String>> = file
        .series
        .iter()
        .map(|capture| {
            let note = match (capture.whole, capture.based) {
                (false, _) => "LOST, at least in part",
                (true, true) => "",
                (true, false) => "stands alone",
            };
            vec![
                capture.number.to_string(),
                capture
                    .started_at
                    .as_deref()
                    .map_or_else(|| "?".to_owned(), |time| until(time, digits)),
                grouped(capture.stored_bytes),
                some(capture.pids),
                some(capture.descriptors),
                some(capture.unix_sockets),
                note.to_owned(),
            ]
        })
        .collect();
    writeln!(out)?;
    table::print_marked(out, &heading, &rows, |column, cell| {
        column == 6 && cell.starts_with("LOST")
    })
}

fn grouped(number: u64) -> String {
    thousands(usize::try_from(number).unwrap_or(usize::MAX))
}

/// A time to the second: what people compare; the document has the rest.
fn seconds(time: &str) -> String {
    until(time, 0)
}

/// A time with so many digits of its fraction.
fn until(time: &str, digits: usize) -> String {
    let time = time.replace('T', " ");
    let time = time.trim_end_matches('Z');
    match time.split_once('.') {
        Some((whole, fraction)) if digits > 0 => {
            let fraction: String = fraction.chars().take(digits).collect();
            format!("{whole}.{fraction}Z")
        }
        Some((whole, _)) => format!("{whole}Z"),
        None => format!("{time}Z"),
    }
}

/// How many digits of a second tell times apart that follow each other: none, 3, 6 or 9.
fn digits(times: &[&str]) -> usize {
    let tells = |digits: &usize| {
        let mut pairs = times.windows(2);
        pairs.all(|pair| pair[0] == pair[1] || until(pair[0], *digits) != until(pair[1], *digits))
    };
    [0, 3, 6].into_iter().find(tells).unwrap_or(9)
}

fn text(out: &mut dyn Write, file: &File, map: &Map) -> Result<()> {
    let host = &map.hosts[HostId(0).index()];
    let whole = if file.intact {
        "intact".to_owned()
    } else {
        "DAMAGED".to_owned()
    };
    let size = bytes(file.size_bytes);
    writeln!(
        out,
        "file      {size}, format {}, {whole}, sha256 {}",
        file.format, file.sha256
    )?;
    writeln!(
        out,
        "host      {}, {}, Linux {} {}, boot {}",
        or(&file.hostname, "(unknown)"),
        or(&file.os, "(unknown system)"),
        or(&file.kernel, "(unknown)"),
        file.arch,
        or(&file.boot_id, "(unknown)")
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

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn captured(file: &File, host: &Host) -> String {
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
    let who = match file.euid {
        Some(0) => "root".to_owned(),
        Some(uid) => format!("uid {uid}"),
        None => "by nobody knows whom".to_owned(),
    };
    format!(
        "{start}{took}, {who}, collector {}",
        or(&file.collector, "(unknown)")
    )
}

fn completeness(file: &File, host: &Host) -> String {
    let coverage = &host.coverage;
    let mut reasons = Vec::new();
    let mut say = |count: usize, what: &str| {
        if count > 0 {
            reasons.push(format!("{} {what}", thousands(count)));
        }
    };
    say(file.processes_denied, "processes denied");
    say(file.processes_partial, "partly read");
    say(
        coverage.netns.iter().filter(|ns| unread(ns)).count(),
        "network namespaces not fully read",
    );
    say(file.damage.len(), "places damaged");
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
    let owners = match file.sockets_without_known_holder {
        0 => String::new(),
        count => format!("; owners of {} unknown", plural(count, "socket", "sockets")),
    };
    match coverage.complete {
        true => format!("yes{vanished}"),
        false if reasons.is_empty() => format!("no{vanished}{owners}"),
        false => format!("no: {}{vanished}{owners}", reasons.join(", ")),
    }
}

fn unread(netns: &NetnsCoverage) -> bool {
    netns.diag != Readable::Ok
}

/// Block by block: what each is, and whether it is whole; and whether all are.
fn verify(snapshot: &Snapshot) -> (String, bool) {
    let limits = input::limits();
    let Ok(reader) = Reader::new(&snapshot.bytes, &limits) else {
        return (String::new(), false);
    };
    let mut decoder = Decoder::new(&limits);
    let (mut lines, mut intact) = (String::new(), true);
    for event in reader {
        let line = match event {
            Event::Damage(damage) => {
                intact = false;
                format!("block     {damage}")
            }
            Event::Block(block) => {
                let header = block.header;
                let base = match header.base {
                    NO_BASE => String::new(),
                    base => format!(" after block {base}"),
                };
                let about = format!(
                    "block     {} at byte {}: {}, {} bytes of {}{base}",
                    header.sequence,
                    block.offset,
                    header.kind.name(),
                    header.stored_bytes,
                    header.decoded_bytes
                );
                match decoder.members(&block) {
                    Ok(_) => format!("{about}, ok"),
                    Err(damage) => {
                        intact = false;
                        format!("{about}, {}", cause(&damage.kind))
                    }
                }
            }
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    (lines, intact)
}

fn cause(kind: &DamageKind) -> String {
    format!("LOST: {kind}")
}

#[cfg(test)]
mod tests {
    use whotalks::load::Capture as Loads;
    use whotalks_snapshot::records::BoundPath;

    use super::*;

    #[test]
    fn times_are_as_long_as_tells_them_apart() {
        let (one, two) = (
            "2026-11-22T17:00:00.123456789Z",
            "2026-11-22T17:00:01.123456789Z",
        );
        let (soon, at_once) = (
            "2026-11-22T17:00:00.223456789Z",
            "2026-11-22T17:00:00.123456790Z",
        );
        assert_eq!(digits(&[one, two]), 0);
        assert_eq!(digits(&[one, soon, two]), 3);
        assert_eq!(digits(&[one, at_once]), 9);
        assert_eq!(digits(&[one, one]), 0);
        assert_eq!(until(one, 0), "2026-11-22 17:00:00Z");
        assert_eq!(until(one, 3), "2026-11-22 17:00:00.123Z");
        assert_eq!(until("@99999999999", 3), "@99999999999Z");
    }

    #[test]
    fn a_search_that_stopped_is_said() {
        let look = |mntns, path: &[u8]| BoundPath {
            mntns,
            path: path.to_vec(),
            found_by: b"walk".to_vec(),
            ..BoundPath::default()
        };
        let loaded = |paths| Loaded {
            captures: vec![Loads {
                paths,
                ..Loads::default()
            }],
            ..Loaded::default()
        };
        assert_eq!(stopped_searches(&loaded(vec![look(1, b"/run/a")])), None);
        let told = stopped_searches(&loaded(vec![
            look(1, b""),
            look(2, b""),
            look(1, b"/run/a"),
        ]));
        assert!(told.is_some_and(|told| told.contains("in 2 mount namespaces")));
    }
}
