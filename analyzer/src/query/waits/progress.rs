//! Which processes can proceed, and which only wait for others.

use super::analysis::ChainEnd;
use super::targets::ResolvedWait;
use crate::model::Map;

/// Why each process can proceed; `None` where all of its threads wait for other processes.
pub(super) fn progress(map: &Map, resolved: &[ResolvedWait]) -> Vec<Option<ChainEnd>> {
    // Processes without a row in the map's waits were not inspected.
    let mut progress: Vec<Option<ChainEnd>> = vec![Some(ChainEnd::Unknown); map.processes.len()];
    let mut first = 0;
    for threads in map.waits.chunk_by(|a, b| a.process == b.process) {
        let resolved = &resolved[first..first + threads.len()];
        first += threads.len();
        progress[threads[0].process.index()] = process_progress(resolved);
    }
    for (process, progress) in map.processes.iter().zip(&mut progress) {
        if process.is_stopped() {
            *progress = Some(ChainEnd::Stopped);
        }
    }
    progress
}

/// Why a process with these threads can proceed. A passive thread counts only if all are passive.
fn process_progress(threads: &[ResolvedWait]) -> Option<ChainEnd> {
    let ends = |passive: bool| {
        let threads = threads
            .iter()
            .filter(move |thread| thread.passive == passive);
        threads.filter_map(|thread| thread.end.clone())
    };
    if threads.iter().all(|thread| thread.end.is_some()) {
        return ends(false).min().or_else(|| ends(true).min());
    }
    ends(false).min()
}
