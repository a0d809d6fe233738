//! `whotalks info`: what a snapshot holds, and how far it can be trusted.

mod series;
mod text;
mod verify;

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;
use sha2::{Digest, Sha256};
use whotalks::export::{ExactText, rfc3339};
use whotalks::load::Loaded;
use whotalks::load::index::{Entry, index};
use whotalks::model::{At, FdsStatus, Map, Readable, build_at};
use whotalks::text::escape;
use whotalks_snapshot::Reader;

use crate::Outcome;
use crate::cli::{Format, Info};
use crate::input::Snapshot;
use crate::table::plural;
use crate::{input, output};
use series::series;
use text::text;
use verify::verify;

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
        note: host.note.as_deref().map(|note| ExactText::new(note).text),
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

#[cfg(test)]
mod tests {
    use whotalks::load::Capture as Loads;
    use whotalks_snapshot::records::BoundPath;

    use super::*;

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
