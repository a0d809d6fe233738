//! Captures of one boot, in the order of time.

use std::collections::BTreeMap;

use whotalks_snapshot::Damage;
use whotalks_snapshot::records::Host;

use super::At;
use crate::load::{Capture, Loaded};

/// A capture, and what of it is damaged.
#[derive(Debug, Clone, Copy)]
pub struct TimedCapture<'a> {
    /// The capture.
    pub capture: &'a Capture,
    /// The damages of its file that concern it.
    pub damages: &'a [Damage],
    /// When it began, wall clock, nanoseconds since 1970.
    started_ns: u64,
}

/// All captures of one boot among the files: never empty, in the order of time.
#[derive(Debug, Clone)]
pub struct Series<'a>(Vec<TimedCapture<'a>>);

/// The captures of files by their boots, in the order in which the files have them.
pub fn series(files: &[Loaded]) -> Vec<Series<'_>> {
    let mut series: Vec<Series<'_>> = Vec::new();
    let mut places: BTreeMap<(&[u8], u64, &[u8]), usize> = BTreeMap::new();
    for file in files {
        // Captures of which that is lost, or was not wanted, are of the file's machine.
        let machine = file.captures.iter().find_map(identity);
        let mut started_ns = 0;
        for capture in &file.captures {
            // A file's captures are in the order in which they were made.
            started_ns = started(capture).unwrap_or(started_ns);
            let next = series.len();
            let boot = identity(capture).or(machine);
            let place = boot.map_or(next, |boot| *places.entry(boot).or_insert(next));
            let taken = TimedCapture {
                capture,
                damages: &capture.damages,
                started_ns,
            };
            if place == next {
                series.push(Series(vec![taken]));
            } else {
                series[place].0.push(taken);
            }
        }
    }
    for one in &mut series {
        one.0.sort_by_key(|taken| taken.started_ns);
    }
    series
}

impl<'a> Series<'a> {
    /// The captures.
    pub fn captures(&self) -> &[TimedCapture<'a>] {
        &self.0
    }

    /// The place of the capture that is meant.
    pub fn place(&self, at: At) -> Option<usize> {
        // The latest of which enough is left to know its machine, if there is one.
        let known = |taken: &TimedCapture<'_>| taken.capture.host.is_some();
        if matches!(at, At::Last | At::All)
            && let Some(place) = self.0.iter().rposition(known)
        {
            return Some(place);
        }
        let times: Vec<u64> = self.0.iter().map(|taken| taken.started_ns).collect();
        at.pick(&times)
    }
}

impl At {
    /// Which of the captures is meant that began at these times, in ascending order.
    pub fn pick(self, times: &[u64]) -> Option<usize> {
        // The latest that had begun by then.
        let by = |ns: u64| times.iter().rposition(|time| *time <= ns);
        let place = match self {
            Self::Last | Self::All => times.len().checked_sub(1)?,
            Self::Number(number) => {
                let back = usize::try_from(number.unsigned_abs()).ok()?;
                if number > 0 {
                    back - 1
                } else {
                    times.len().checked_sub(back)?
                }
            }
            Self::Time(ns) => by(ns)?,
            Self::Day(ns) => {
                let last = *times.last()?;
                let midnight = last - last % DAY_NS;
                let meant = midnight.saturating_add(ns);
                let before = || by(meant.checked_sub(DAY_NS)?);
                // A time that the last day had not reached is the day before's. The minute that was
                // asked for may have begun.
                let is_reached = meant <= last.saturating_add(MINUTE_NS);
                let found = if is_reached { None } else { before() };
                found.or_else(|| by(meant))?
            }
        };
        (place < times.len()).then_some(place)
    }
}

/// Nanoseconds of a day and of a minute.
const DAY_NS: u64 = 86_400_000_000_000;
const MINUTE_NS: u64 = 60_000_000_000;

/// What the captures of one series share. Containers share their host's boot, not its processes.
fn identity(capture: &Capture) -> Option<(&[u8], u64, &[u8])> {
    let host: &Host = capture.host.as_ref()?;
    (!host.boot_id.is_empty()).then_some((&host.boot_id, host.pidns, &host.hostname))
}

/// When a capture began; `None` where all that says so is lost.
fn started(capture: &Capture) -> Option<u64> {
    let host = capture.host.as_ref().map(|host| host.started_realtime_ns);
    let end = capture.end.as_ref().map(|end| end.started_realtime_ns);
    host.or(end.filter(|started_ns| *started_ns != 0))
}

#[cfg(test)]
mod tests {
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
        let place = |hour: u64| all[0].place(At::Day(hour * HOUR_NS));
        assert_eq!([place(0), place(2), place(3)], [Some(0), Some(1), Some(2)]);
        // Not reached on the last day: the day before, if anything was there by then.
        assert_eq!([place(23), place(22)], [Some(0), Some(2)]);
        let file = at(&[4 * 24, 5 * 24 + 17, 6 * 24 + 1]);
        let all = series(std::slice::from_ref(&file));
        let place = |hour: u64| all[0].place(At::Day(hour * HOUR_NS));
        assert_eq!(
            [place(0), place(16), place(17)],
            [Some(1), Some(0), Some(1)]
        );
        assert_eq!(all[0].place(At::All), Some(2));
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
