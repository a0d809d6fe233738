//! Captures of one boot, in the order of time.

use std::collections::BTreeMap;

use whotalks_snapshot::Damage;
use whotalks_snapshot::records::Host;

use super::At;
use crate::load::{Capture, Loaded};

/// A capture, and the damages of the file that it is in.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// The capture.
    pub capture: &'a Capture,
    /// Its file's damages.
    pub damages: &'a [Damage],
}

/// All captures of one boot among the files: never empty, in the order of time.
#[derive(Debug, Clone)]
pub struct Series<'a>(Vec<Taken<'a>>);

/// The captures of files by their boots, in the order in which the files have them.
pub fn series(files: &[Loaded]) -> Vec<Series<'_>> {
    let mut series: Vec<Series<'_>> = Vec::new();
    let mut places: BTreeMap<(&[u8], u64, &[u8]), usize> = BTreeMap::new();
    for file in files {
        for capture in &file.captures {
            let next = series.len();
            let place = identity(capture).map_or(next, |boot| *places.entry(boot).or_insert(next));
            let damages = &file.damages;
            let taken = Taken { capture, damages };
            if place == next {
                series.push(Series(vec![taken]));
            } else {
                series[place].0.push(taken);
            }
        }
    }
    for one in &mut series {
        one.0.sort_by_key(|taken| started(taken.capture));
    }
    series
}

impl<'a> Series<'a> {
    /// The captures.
    pub fn captures(&self) -> &[Taken<'a>] {
        &self.0
    }

    /// The place of the capture that is meant.
    pub fn place(&self, at: At) -> Option<usize> {
        let count = self.0.len();
        let place = match at {
            At::Last | At::All => count.checked_sub(1)?,
            At::Number(number) => {
                let back = usize::try_from(number.unsigned_abs()).ok()?;
                if number > 0 {
                    back - 1
                } else {
                    count.checked_sub(back)?
                }
            }
            At::Time(ns) => self.by(ns)?,
            At::Day(ns) => {
                let last = started(self.0.last()?.capture);
                let midnight = last - last % DAY_NS;
                let today = self.by(midnight.saturating_add(ns));
                today.or_else(|| self.by(midnight.checked_sub(DAY_NS)?.saturating_add(ns)))?
            }
        };
        (place < count).then_some(place)
    }

    /// The latest that had begun by then.
    fn by(&self, ns: u64) -> Option<usize> {
        self.0
            .iter()
            .rposition(|taken| started(taken.capture) <= ns)
    }
}

/// Nanoseconds of a day.
const DAY_NS: u64 = 86_400_000_000_000;

/// What the captures of one series share. Containers share their host's boot, not its processes.
fn identity(capture: &Capture) -> Option<(&[u8], u64, &[u8])> {
    let host: &Host = capture.host.as_ref()?;
    (!host.boot_id.is_empty()).then_some((&host.boot_id, host.pidns, &host.hostname))
}

fn started(capture: &Capture) -> u64 {
    capture
        .host
        .as_ref()
        .map_or(0, |host| host.started_realtime_ns)
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
        assert_eq!([place(2), place(3), place(22)], [Some(1), Some(2), Some(2)]);
        // Not yet on the last day: the day before.
        assert_eq!(place(0), None);
        let file = at(&[5 * 24 + 17, 6 * 24 + 1]);
        let all = series(std::slice::from_ref(&file));
        assert_eq!(all[0].place(At::Day(0)), None);
        let file = at(&[4 * 24, 5 * 24 + 17, 6 * 24 + 1]);
        let all = series(std::slice::from_ref(&file));
        assert_eq!(all[0].place(At::Day(0)), Some(0));
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
