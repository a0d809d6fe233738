//! Finds the processes of the capture itself: the collector, its launchers, and the readers of its
//! output.

use super::host_processes::{HostProcesses, LAUNCHERS};
use crate::graph::program;
use crate::model::ProcessId;

/// The collector, the launchers above it that have no other purpose, and the readers of its output.
pub(super) fn capture_processes(host: &HostProcesses<'_>) -> Vec<ProcessId> {
    let collector = match host.host().collector_pid {
        Some(pid) => host.by_pid(pid),
        // The pid is lost: find it by name.
        None => host
            .iter()
            .find(|(_, process)| program(process) == "whotalks-collect")
            .map(|(id, _)| id),
    };
    let Some(collector) = collector else {
        return Vec::new();
    };
    let mut found = vec![collector];
    let mut child = collector;
    while let Some(parent) = host.by_pid(host.map.process(child).ppid) {
        if found.contains(&parent) || !is_launcher(host, parent) {
            break;
        }
        found.push(parent);
        child = parent;
    }
    let readers = sibling_readers(host, collector);
    found.extend(readers.filter(|id| host.is_new(*id)));
    found
}

/// Whether a process is a shell or the like that is not in the other map and does not listen.
fn is_launcher(host: &HostProcesses<'_>, id: ProcessId) -> bool {
    let program = program(host.map.process(id));
    let launches = LAUNCHERS.contains(&program.as_str()) || program == "whotalks";
    launches && host.is_new(id) && !host.listening[id.index()]
}

/// Siblings of the collector that read what it writes: `| zstd`, `| whotalks …`.
fn sibling_readers<'a>(
    host: &HostProcesses<'a>,
    collector: ProcessId,
) -> impl Iterator<Item = ProcessId> + use<'a> {
    let map = host.map;
    let parent = map.process(collector).ppid;
    let written = map.pipes.iter().filter(move |pipe| {
        let mut writers = pipe.writers.iter();
        writers.any(|holder| holder.process == collector)
    });
    let readers = written.flat_map(|pipe| pipe.readers.iter().map(|holder| holder.process));
    readers.filter(move |id| *id != collector && map.process(*id).ppid == parent)
}
