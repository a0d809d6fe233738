//! How answers name processes and sockets.

use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Map, ProcessId};

/// `nginx [812]`
pub(super) fn label(map: &Map, process: ProcessId) -> String {
    let process = map.process(process);
    format!("{} [{}]", program(process), process.pid)
}

/// Ids of processes in documents.
pub(super) fn process_ids<'a>(
    map: &Map,
    processes: impl IntoIterator<Item = &'a ProcessId>,
) -> Vec<String> {
    let processes = processes.into_iter();
    processes
        .map(|process| id::process(map, *process))
        .collect()
}
