//! The facts about a file that `info` prints, which are also its JSON output (`whotalks-info/1`).

use std::collections::BTreeSet;

use serde::Serialize;
use sha2::{Digest, Sha256};
use whotalks::export::{ExactText, rfc3339};
use whotalks::load::Loaded;
use whotalks::load::index::{IndexEntry, index};
use whotalks::model::{At, FdsStatus, Map, Readable, SocketId, build_at};
use whotalks::text::escape;
use whotalks_snapshot::Reader;

use crate::input::{self, Snapshot};
use crate::terminal::plural;

/// A file, and one of its captures.
#[derive(Serialize)]
pub(super) struct FileSummary {
    pub(super) name: String,
    pub(super) size_bytes: usize,
    pub(super) sha256: String,
    pub(super) format: String,
    pub(super) intact: bool,
    pub(super) damage: Vec<String>,
    pub(super) captures: usize,
    /// All captures of the file.
    pub(super) series: Vec<CaptureSummary>,
    pub(super) blocks: usize,
    pub(super) hostname: String,
    pub(super) os: String,
    pub(super) kernel: String,
    pub(super) arch: String,
    pub(super) boot_id: String,
    pub(super) started_at: Option<String>,
    pub(super) ended_at: Option<String>,
    pub(super) collector: String,
    pub(super) euid: Option<u32>,
    pub(super) note: Option<String>,
    pub(super) processes: usize,
    pub(super) descriptors: usize,
    pub(super) sockets: usize,
    pub(super) connections: usize,
    pub(super) pipes: usize,
    pub(super) processes_read: usize,
    pub(super) processes_partial: usize,
    pub(super) processes_denied: usize,
    pub(super) processes_vanished: usize,
    pub(super) netns: usize,
    pub(super) netns_read: usize,
    pub(super) sockets_without_known_holder: usize,
    pub(super) warnings: Vec<String>,
    pub(super) complete: bool,
}

/// A capture of the file, as far as its header and end block describe it.
#[derive(Serialize)]
pub(super) struct CaptureSummary {
    pub(super) number: usize,
    pub(super) started_at: Option<String>,
    pub(super) ended_at: Option<String>,
    /// Size in the file.
    pub(super) stored_bytes: u64,
    /// Whether another capture must be decoded first.
    pub(super) based: bool,
    /// Number of process ids, including kernel threads.
    pub(super) pids: Option<u64>,
    pub(super) descriptors: Option<u64>,
    pub(super) unix_sockets: Option<u64>,
    /// Whether its first and last blocks exist. What was denied does not matter.
    pub(super) whole: bool,
}

impl FileSummary {
    /// Describes a file and the capture at `at`. `None` if there is no such capture.
    pub(super) fn new(snapshot: &Snapshot, loaded: Loaded, at: At) -> Option<(Self, Map)> {
        let damage: Vec<String> = loaded.damages.iter().map(ToString::to_string).collect();
        let format = Reader::new(&snapshot.bytes, &input::limits()).map_or_else(
            |_| String::new(),
            |reader| format!("{}.{}", reader.header().major, reader.header().minor),
        );
        let (captures, blocks) = (loaded.captures.len(), loaded.blocks);
        let entries = index(&snapshot.bytes, &input::limits()).unwrap_or_default();
        let series = entries.iter().zip(1..).map(capture_summary).collect();
        let stopped = stopped_search(&loaded);
        let map = build_at(&[loaded], at)?;
        let host = &map.hosts[0];
        let coverage = &host.coverage;
        let count_status = |status| {
            let processes = map.processes.iter();
            processes.filter(|p| p.fds_status == status).count()
        };
        let fd_counts = map.processes.iter().flat_map(|p| p.fd_counts.values());
        let has_no_known_holder =
            |id: &SocketId| !map.socket(*id).holders_complete && map.holders(*id).is_empty();
        let summary = Self {
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
            descriptors: fd_counts.map(|count| *count as usize).sum(),
            sockets: map.sockets.len(),
            connections: map.connections.len(),
            pipes: map.pipes.len(),
            processes_read: coverage.read,
            processes_partial: count_status(FdsStatus::Partial),
            processes_denied: count_status(FdsStatus::Denied),
            processes_vanished: coverage.vanished,
            netns: coverage.netns.len(),
            netns_read: coverage
                .netns
                .iter()
                .filter(|ns| ns.diag == Readable::Ok)
                .count(),
            sockets_without_known_holder: (0..map.sockets.len())
                .map(SocketId::new)
                .filter(has_no_known_holder)
                .count(),
            warnings: map
                .warnings
                .iter()
                .map(|warning| warning.text.clone())
                .chain(stopped)
                .collect(),
            complete: coverage.complete,
        };
        Some((summary, map))
    }
}

/// A warning if the search for socket files in the file system stopped at its limits.
fn stopped_search(loaded: &Loaded) -> Option<String> {
    let paths = loaded.captures.iter().flat_map(|capture| &capture.paths);
    let stopped = paths.filter(|path| path.path.is_empty() && path.found_by == b"walk");
    let namespaces: BTreeSet<u64> = stopped.map(|path| path.mntns).collect();
    let count = plural(namespaces.len(), "mount namespace", "mount namespaces");
    (!namespaces.is_empty()).then(|| {
        format!("the search for socket files stopped at its limits in {count}: stale ones may be missing")
    })
}

fn capture_summary((entry, number): (&IndexEntry, usize)) -> CaptureSummary {
    let end = entry.end.as_ref();
    CaptureSummary {
        number,
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
    use whotalks::load::Capture;
    use whotalks_snapshot::records::BoundPath;

    use super::*;

    #[test]
    fn a_stopped_search_is_a_warning() {
        let bound_path = |mntns, path: &[u8]| BoundPath {
            mntns,
            path: path.to_vec(),
            found_by: b"walk".to_vec(),
            ..BoundPath::default()
        };
        let loaded = |paths| Loaded {
            captures: vec![Capture {
                paths,
                ..Capture::default()
            }],
            ..Loaded::default()
        };
        assert_eq!(
            stopped_search(&loaded(vec![bound_path(1, b"/run/a")])),
            None
        );
        let warning = stopped_search(&loaded(vec![
            bound_path(1, b""),
            bound_path(2, b""),
            bound_path(1, b"/run/a"),
        ]));
        assert!(warning.is_some_and(|warning| warning.contains("in 2 mount namespaces")));
    }
}
