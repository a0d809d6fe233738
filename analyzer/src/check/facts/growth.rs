//! Counts over a series of captures, and the severity of their growth.

use std::collections::BTreeMap;

use crate::check::Severity;
use crate::load::{Capture, proc_pid};
use crate::model::{Map, SocketId};
use crate::trend::{Growth, growth};

/// Age from which a process is no longer starting.
const SETTLED_NS: u64 = 60_000_000_000;

/// Whether a process of this age, at the beginning of a series, has finished starting.
pub(crate) fn is_settled(age_ns: u64) -> bool {
    age_ns >= SETTLED_NS
}

/// Counts the descriptors of each process (pid, start in ticks) in a capture's tables.
pub(crate) fn descriptor_counts(capture: &Capture) -> BTreeMap<(u32, u64), u64> {
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
    // The tables of a later pass come after those of an earlier one, and replace them.
    let counts = tables
        .iter()
        .filter_map(|((pid, _), count)| Some(((*pid, *starts.get(pid)?), *count)));
    counts.collect()
}

/// The severity of growth: a steady one, or a jump of a settled process. A process that is still
/// starting opens descriptors as it goes.
pub(crate) fn severity(values: &[u64], settled: bool) -> Option<Severity> {
    match (growth(values)?, settled) {
        (Growth::Steady, true) => Some(Severity::Medium),
        (Growth::Steady, false) | (Growth::Jump, true) => Some(Severity::Low),
        (Growth::Jump, false) => None,
    }
}

/// Counts the open connections of each listener.
pub(crate) fn connection_counts(map: &Map) -> BTreeMap<SocketId, u64> {
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
    fn a_starting_process_may_grow() {
        for (values, settled, expected) in [
            (&[20, 60, 90, 120][..], true, Some(Severity::Medium)),
            (&[20, 60, 90, 120], false, Some(Severity::Low)),
            (&[20, 120, 120, 120], true, None),
            (&[20, 300], true, Some(Severity::Low)),
            (&[20, 300], false, None),
        ] {
            assert_eq!(severity(values, settled), expected, "{values:?}");
        }
    }
}
