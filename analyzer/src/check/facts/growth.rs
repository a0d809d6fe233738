//! Counts over a series, and how bad it is that they rise.

use std::collections::BTreeMap;

use crate::check::Severity;
use crate::load::{Capture, proc_pid};
use crate::model::{Map, SocketId};
use crate::trend::{Growth, growth};

/// Younger processes are still starting.
const SETTLED_NS: u64 = 60_000_000_000;

/// Whether a process of this age, at the beginning of a series, is done with starting.
pub(crate) fn is_settled(age_ns: u64) -> bool {
    age_ns >= SETTLED_NS
}

/// Descriptors of each process (pid, start), from a capture's tables.
pub(crate) fn counts(capture: &Capture) -> BTreeMap<(u32, u64), u64> {
    let mut starts: BTreeMap<u32, u64> = BTreeMap::new();
    for record in &capture.processes {
        if let Some(stat) = proc_pid::stat(&record.stat) {
            starts.insert(record.pid, stat.start_ticks);
        }
    }
    let mut tables: BTreeMap<(u32, u8), u64> = BTreeMap::new();
    for table in capture.tables.iter().filter(|table| table.tid == 0) {
        *tables.entry((table.pid, table.pass)).or_default() += table.kinds.len() as u64;
    }
    // A later look replaces an earlier one, and comes after it here.
    let known = tables
        .iter()
        .filter_map(|((pid, _), n)| Some(((*pid, *starts.get(pid)?), *n)));
    known.collect()
}

/// How bad growth is: a steady one, or a jump of a process that had settled. One that still starts
/// opens things as it goes.
pub(crate) fn rise(course: &[u64], settled: bool) -> Option<Severity> {
    match (growth(course)?, settled) {
        (Growth::Steady, true) => Some(Severity::Medium),
        (Growth::Steady, false) | (Growth::Jump, true) => Some(Severity::Low),
        (Growth::Jump, false) => None,
    }
}

/// Open connections of each listener.
pub(crate) fn connections(map: &Map) -> BTreeMap<SocketId, u64> {
    let mut counts = BTreeMap::new();
    for listener in map
        .connections
        .iter()
        .filter_map(|connection| connection.listener)
    {
        *counts.entry(listener).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_starts_may_grow() {
        for (course, settled, expected) in [
            (&[20, 60, 90, 120][..], true, Some(Severity::Medium)),
            (&[20, 60, 90, 120], false, Some(Severity::Low)),
            (&[20, 120, 120, 120], true, None),
            (&[20, 300], true, Some(Severity::Low)),
            (&[20, 300], false, None),
        ] {
            assert_eq!(rise(course, settled), expected, "{course:?}");
        }
    }
}
