//! Series: the captures of one boot, in order of time.

use std::collections::BTreeMap;

use whotalks_snapshot::Damage;
use whotalks_snapshot::records::Host;

use super::at::At;
use crate::load::{Capture, Loaded};

/// A capture with its damage and its start.
#[derive(Debug, Clone, Copy)]
pub struct TimedCapture<'a> {
    /// The capture.
    pub capture: &'a Capture,
    /// The damages of its file that concern it.
    pub damages: &'a [Damage],
    /// Start, wall clock, nanoseconds since 1970.
    started_ns: u64,
}

impl TimedCapture<'_> {
    /// Start, wall clock, nanoseconds since 1970; 0: lost.
    pub fn started_at_ns(&self) -> u64 {
        self.started_ns
    }
}

/// All captures of one boot: never empty, in order of time.
#[derive(Debug, Clone)]
pub struct Series<'a>(Vec<TimedCapture<'a>>);

/// Groups the captures of files by boot, in the order of the files.
pub fn series(files: &[Loaded]) -> Vec<Series<'_>> {
    let mut series: Vec<Series<'_>> = Vec::new();
    let mut by_boot: BTreeMap<(&[u8], u64, &[u8]), usize> = BTreeMap::new();
    for file in files {
        // A capture whose host record is lost or was not loaded belongs to the machine of its file.
        let machine = file.captures.iter().find_map(identity);
        let mut started_ns = 0;
        for capture in &file.captures {
            // The captures of a file are in order of time.
            started_ns = started(capture).unwrap_or(started_ns);
            let next = series.len();
            let boot = identity(capture).or(machine);
            let index = boot.map_or(next, |boot| *by_boot.entry(boot).or_insert(next));
            let capture = TimedCapture {
                capture,
                damages: &capture.damages,
                started_ns,
            };
            if index == next {
                series.push(Series(vec![capture]));
            } else {
                series[index].0.push(capture);
            }
        }
    }
    for Series(captures) in &mut series {
        captures.sort_by_key(|capture| capture.started_ns);
    }
    series
}

impl<'a> Series<'a> {
    /// The captures, in order of time.
    pub fn captures(&self) -> &[TimedCapture<'a>] {
        &self.0
    }

    /// The index of the selected capture.
    pub fn index_of(&self, at: At) -> Option<usize> {
        // The latest with a host record, if there is one.
        let has_host = |timed: &TimedCapture<'_>| timed.capture.host.is_some();
        if matches!(at, At::Last | At::All)
            && let Some(index) = self.0.iter().rposition(has_host)
        {
            return Some(index);
        }
        let times: Vec<u64> = self.0.iter().map(|timed| timed.started_ns).collect();
        at.pick(&times)
    }
}

/// What identifies a series: boot, pid namespace and hostname. A container shares the boot id of its
/// host, but not its processes.
fn identity(capture: &Capture) -> Option<(&[u8], u64, &[u8])> {
    let host: &Host = capture.host.as_ref()?;
    (!host.boot_id.is_empty()).then_some((&host.boot_id, host.pidns, &host.hostname))
}

/// Start of a capture; `None` where both records of it are lost.
fn started(capture: &Capture) -> Option<u64> {
    let host = capture.host.as_ref().map(|host| host.started_realtime_ns);
    let end = capture.end.as_ref().map(|end| end.started_realtime_ns);
    host.or(end.filter(|started_ns| *started_ns != 0))
}

#[cfg(test)]
mod tests {
    use super::super::at::DAY_NS;
    use super::*;

    const HOUR_NS: u64 = DAY_NS / 24;

    #[test]
    fn times_of_day() {
        let at = |hours: &[u64]| Loaded {
            captures: hours.iter().map(|hour| capture(*hour)).collect(),
            ..Loaded::default()
        };
        let file = at(&[5 * 24 + 23, 6 * 24 + 1, 6 * 24 + 3]);
        let all = series(std::slice::from_ref(&file));
        let index = |hour: u64| all[0].index_of(At::Day(hour * HOUR_NS));
        assert_eq!([index(0), index(2), index(3)], [Some(0), Some(1), Some(2)]);
        // Not reached on the last day: the day before, if anything was there by then.
        assert_eq!([index(23), index(22)], [Some(0), Some(2)]);
        let file = at(&[4 * 24, 5 * 24 + 17, 6 * 24 + 1]);
        let all = series(std::slice::from_ref(&file));
        let index = |hour: u64| all[0].index_of(At::Day(hour * HOUR_NS));
        assert_eq!(
            [index(0), index(16), index(17)],
            [Some(1), Some(0), Some(1)]
        );
        assert_eq!(all[0].index_of(At::All), Some(2));
    }

    fn capture(hour: u64) -> Capture {
        Capture {
            host: Some(Host {
                boot_id: b"boot".to_vec(),
                started_realtime_ns: hour * HOUR_NS,
                ..Host::default()
            }),
            ..Capture::default()
        }
    }
}
