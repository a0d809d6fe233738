//! Counts over a series: what rises, and what only starts.

use std::collections::BTreeMap;

use crate::check::Severity;
use crate::load::{Capture, proc_pid};
use crate::model::{Map, SocketId};

/// A rise between two captures that is worth a line: so many more, and half as many again.
const RISE: u64 = 100;
/// A rise over several captures, in every step but one.
const STEADY_RISE: u64 = 24;
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

/// Whether a course of counts is growth: a steady one, or a jump of a process that had settled. One
/// that still starts opens things as it goes.
pub(crate) fn rise(course: &[u64], settled: bool) -> Option<Severity> {
    let (first, last) = (*course.first()?, *course.last()?);
    let more = last.saturating_sub(first);
    if course.len() >= 3 {
        let steps = course.len() - 1;
        let rising = course.windows(2).filter(|two| two[1] > two[0]).count();
        let falling = course.windows(2).any(|two| two[1] < two[0]);
        // Once up and then level is a start; it must still be rising at the end.
        let still = course[steps] > course[steps - 1] || course[steps - 1] > course[steps - 2];
        let steady = rising >= 2 && rising * 2 >= steps && !falling && still;
        let severity = if settled {
            Severity::Medium
        } else {
            Severity::Low
        };
        return (steady && more >= STEADY_RISE).then_some(severity);
    }
    (settled && more >= RISE && more * 2 >= first).then_some(Severity::Low)
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
    fn growth_is_not_a_start() {
        for (course, settled, expected) in [
            (&[20, 60, 90, 120][..], true, Some(Severity::Medium)),
            (&[20, 60, 90, 120], false, Some(Severity::Low)),
            (&[20, 120, 120, 120], true, None),
            (&[20, 60, 30, 70], true, None),
            (&[20, 22, 24, 26], true, None),
            (&[20, 300], true, Some(Severity::Low)),
            (&[20, 300], false, None),
            (&[1_000, 1_100], true, None),
            (&[], true, None),
        ] {
            assert_eq!(rise(course, settled), expected, "{course:?}");
        }
    }
}
