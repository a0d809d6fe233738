//! Findings by the ids of the processes and sockets that they are about.

use std::collections::BTreeSet;

use whotalks::check::Finding;
use whotalks::id;
use whotalks::model::{Map, ProcessId, SocketId};

/// Whether a finding names one of these ids.
pub(super) fn is_about(finding: &Finding, ids: &BTreeSet<String>) -> bool {
    let named = finding.processes.iter().chain(&finding.sockets);
    named.chain([&finding.subject]).any(|id| ids.contains(id))
}

/// Ids of the processes and sockets whose indices are selected.
pub(super) fn ids_of(
    map: &Map,
    is_process: impl Fn(usize) -> bool,
    is_socket: impl Fn(usize) -> bool,
) -> BTreeSet<String> {
    let processes = (0..map.processes.len()).filter(|index| is_process(*index));
    let sockets = (0..map.sockets.len()).filter(|index| is_socket(*index));
    processes
        .map(|index| id::process(map, ProcessId::new(index)))
        .chain(sockets.map(|index| id::socket(map, SocketId::new(index))))
        .collect()
}
