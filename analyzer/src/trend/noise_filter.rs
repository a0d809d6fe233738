//! A series without noise, as `diff` knows it: without short-lived processes and the capture itself.
//!
//! Each capture is judged beside the one before and the one after it; of two whole ones at most, and
//! of what is damaged between them, more is not held. Who is noise to both neighbours is left out, with
//! everything that it alone holds.

use std::collections::BTreeSet;

use crate::diff::{Transience, explained, is_closing, transience};
use crate::graph::Conversation;
use crate::model::{Map, ProcessId};
use crate::query::exclude;

/// Captures go in, and come out without noise.
#[derive(Debug, Default)]
pub struct NoiseFilter {
    waiting: Option<Waiting>,
    /// Damaged, and later than the one that waits: nothing can be said of who is in them.
    damaged: Vec<Map>,
    ignored: BTreeSet<(u32, u64)>,
}

/// A capture whose successor is not known yet.
#[derive(Debug)]
struct Waiting {
    map: Map,
    before: Option<Vec<Transience>>,
}

impl NoiseFilter {
    /// Nothing was added yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a capture. Returns those before it that are known now, in order.
    pub fn add(&mut self, map: Map) -> Vec<Map> {
        let whole = |map: &Map| {
            let mut hosts = map.hosts.iter();
            !map.hosts.is_empty() && hosts.all(|host| host.coverage.damage.is_empty())
        };
        if !whole(&map) {
            self.damaged.push(map);
            return Vec::new();
        }
        let (judged, before) = match &self.waiting {
            Some(waiting) => {
                let both = transience(&waiting.map, &map);
                (Some(both.old), Some(both.new))
            }
            None => (None, None),
        };
        let known = self.known(judged);
        self.waiting = Some(Waiting { map, before });
        known
    }

    /// The rest.
    pub fn finish(&mut self) -> Vec<Map> {
        self.known(None)
    }

    /// How many processes lived for a moment.
    pub fn short_lived(&self) -> usize {
        self.ignored.len()
    }

    fn known(&mut self, after: Option<Vec<Transience>>) -> Vec<Map> {
        let mut known = Vec::new();
        if let Some(Waiting { map, before }) = self.waiting.take() {
            known.push(self.quiet(map, before, after));
        }
        known.append(&mut self.damaged);
        known
    }

    fn quiet(
        &mut self,
        mut map: Map,
        before: Option<Vec<Transience>>,
        after: Option<Vec<Transience>>,
    ) -> Map {
        let mut noise = vec![false; map.processes.len()];
        for (at, noise) in noise.iter_mut().enumerate() {
            let of = |side: &Option<Vec<Transience>>| side.as_ref().map(|all| all[at]);
            let (capture, short_lived) = match (of(&before), of(&after)) {
                (None, None) => (false, false),
                (Some(one), None) | (None, Some(one)) => (one.capture, one.short_lived),
                (Some(one), Some(two)) => {
                    let either = |of: Transience| of.short_lived || of.capture;
                    let once = one.seen_once && two.seen_once;
                    let capture = one.capture && two.capture;
                    (capture, either(one) && either(two) || once)
                }
            };
            *noise = capture || short_lived;
            if *noise && !capture {
                let process = &map.processes[at];
                self.ignored.insert((process.pid, process.start_ticks));
            }
        }
        // What others hold for the sake of noise alone.
        let of_noise = explained(&map, |id: ProcessId| !noise[id.index()]).noise;
        for (at, process) in map.processes.iter_mut().enumerate() {
            for kind in ["socket", "pipe"] {
                let count = of_noise.get(&(ProcessId::new(at), kind));
                if let (Some(count), Some(known)) = (count, process.fd_counts.get_mut(kind)) {
                    *known = known.saturating_sub(u32::try_from(*count).unwrap_or(u32::MAX));
                }
            }
        }
        let connections = 0..map.connections.len();
        let closing: Vec<bool> = connections
            .map(|at| is_closing(&map, Conversation::Connection(at)))
            .collect();
        exclude(map, &noise, &closing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::By;
    use crate::model::fixture::{self, connect, listener, pipe, process};
    use crate::trend::{Metric, Trend};

    const SECOND: u64 = 1_000_000_000;

    /// A capture at so many seconds, with who began at which second.
    fn machine(at: u64, others: &[(u32, &[u8], u64)]) -> Map {
        let mut map = fixture::map();
        map.hosts[0].boot_id = b"boot"[..].into();
        map.hosts[0].started_at_ns = (1_000 + at) * SECOND;
        map.hosts[0].collector_pid = Some(900 + at as u32);
        let server = process(&mut map, 1, b"server");
        map.processes[0].fd_counts.insert("pipe".into(), 3);
        let bus = listener(&mut map, &[server], b"/run/bus\0");
        process(&mut map, 900 + at as u32, b"whotalks-collect");
        for (pid, comm, began) in others {
            let id = process(&mut map, *pid, comm);
            let process = &mut map.processes[id.index()];
            process.start_ticks = *began;
            process.started_at_ns = (1_000 + began) * SECOND;
            process.fd_counts.insert("file".into(), 3);
            if comm == b"asks" {
                // It is asked over a pipe, and answered over the bus.
                connect(&mut map, &[id], &[server], Some(bus));
                pipe(&mut map, &[server], &[id]);
                map.processes[0].fd_counts.insert("pipe".into(), 4);
            }
        }
        map
    }

    fn moving(maps: Vec<Map>) -> (Vec<(String, Metric)>, usize) {
        let mut quiet = NoiseFilter::new();
        let mut trend = Trend::new(By::Role);
        let mut captures = 0;
        for map in maps {
            for map in quiet.add(map) {
                captures += 1;
                trend.add(&map);
            }
        }
        quiet.finish().iter().for_each(|map| trend.add(map));
        let rows = trend.rows().into_iter().filter(crate::trend::Row::moves);
        assert_eq!(trend.captures().len(), captures + 1);
        (
            rows.map(|row| (row.role, row.what)).collect(),
            quiet.short_lived(),
        )
    }

    #[test]
    fn what_is_seen_once_and_young_is_noise_and_what_stays_is_none() {
        // Who asks has begun in the very second in which it is seen.
        let maps = (0..5).map(|at| match at {
            2 => machine(20, &[(50, b"asks", 19)]),
            at => machine(10 * at, &[]),
        });
        assert_eq!(moving(maps.collect()), (Vec::new(), 1));
        // It is there in the next one too.
        let maps = (0..5).map(|at| match at {
            2 | 3 => machine(10 * at, &[(50, b"asks", 19)]),
            at => machine(10 * at, &[]),
        });
        let (rows, short_lived) = moving(maps.collect());
        assert!(
            rows.contains(&("asks".to_owned(), Metric::Processes)),
            "{rows:?}"
        );
        assert_eq!(short_lived, 0);
        // It had been there for long.
        let maps = (0..5).map(|at| match at {
            2 => machine(20, &[(50, b"asks", 12)]),
            at => machine(10 * at, &[]),
        });
        assert_eq!(moving(maps.collect()).1, 0);
    }

    #[test]
    fn what_is_damaged_keeps_its_turn() {
        let mut maps: Vec<Map> = (0..4).map(|at| machine(10 * at, &[])).collect();
        maps[2].hosts[0].coverage.damage = vec!["a block".to_owned()];
        maps[1] = machine(10, &[(50, b"asks", 10)]);
        let mut quiet = NoiseFilter::new();
        let mut out: Vec<Map> = maps.into_iter().flat_map(|map| quiet.add(map)).collect();
        out.extend(quiet.finish());
        let times: Vec<u64> = out
            .iter()
            .map(|map| map.hosts[0].started_at_ns / SECOND)
            .collect();
        assert_eq!(times, [1_000, 1_010, 1_020, 1_030]);
        assert!(out[1].processes.iter().all(|process| process.pid == 1));
    }
}
