//! Removes noise from a series: short-lived processes and the capture itself, as `diff` defines them.
//!
//! Each capture is compared with the one before and the one after it. A process that is noise to both
//! neighbours is removed, with everything that it alone holds. At most two whole captures are in
//! memory, and the damaged ones between them.

use std::collections::BTreeSet;

use crate::diff::{Noise, Transience, explained, is_closing, transience};
use crate::graph::Conversation;
use crate::model::{Map, ProcessId};
use crate::query::exclude;

/// Takes captures in order and returns them without noise.
#[derive(Debug, Default)]
pub struct NoiseFilter {
    waiting: Option<Waiting>,
    /// Damaged captures later than the waiting one: they are compared with no other capture.
    damaged: Vec<Map>,
    /// Pid and start of the short-lived processes.
    short_lived: BTreeSet<(u32, u64)>,
}

/// A capture whose successor was not added yet.
#[derive(Debug)]
struct Waiting {
    map: Map,
    /// Each process compared with the capture before, by index.
    before: Option<Vec<Transience>>,
}

impl NoiseFilter {
    /// A filter without captures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a capture. Returns the filtered ones before it that are ready, in order.
    pub fn add(&mut self, map: Map) -> Vec<Map> {
        let mut hosts = map.hosts.iter();
        if map.hosts.is_empty() || hosts.any(|host| !host.coverage.damage.is_empty()) {
            self.damaged.push(map);
            return Vec::new();
        }
        let (after, before) = match &self.waiting {
            Some(waiting) => {
                let both = transience(&waiting.map, &map);
                (Some(both.old), Some(both.new))
            }
            None => (None, None),
        };
        let ready = self.take_ready(after);
        self.waiting = Some(Waiting { map, before });
        ready
    }

    /// Returns the remaining captures.
    pub fn finish(&mut self) -> Vec<Map> {
        self.take_ready(None)
    }

    /// The number of short-lived processes that were removed.
    pub fn short_lived(&self) -> usize {
        self.short_lived.len()
    }

    fn take_ready(&mut self, after: Option<Vec<Transience>>) -> Vec<Map> {
        let mut ready = Vec::new();
        if let Some(Waiting { map, before }) = self.waiting.take() {
            ready.push(self.filter(map, before, after));
        }
        ready.append(&mut self.damaged);
        ready
    }

    fn filter(
        &mut self,
        mut map: Map,
        before: Option<Vec<Transience>>,
        after: Option<Vec<Transience>>,
    ) -> Map {
        let mut noise = vec![false; map.processes.len()];
        for (index, process) in map.processes.iter().enumerate() {
            let of = |side: &Option<Vec<Transience>>| side.as_ref().map(|all| all[index]);
            let (capture, short_lived) = classify(of(&before), of(&after));
            noise[index] = capture || short_lived;
            if short_lived && !capture {
                let key = (process.pid, process.start_ticks);
                self.short_lived.insert(key);
            }
        }
        // Descriptors of others whose other ends noise alone holds.
        let explained = explained(&map, |id: ProcessId| !noise[id.index()]);
        for (index, process) in map.processes.iter_mut().enumerate() {
            for (kind, count) in &mut process.fd_counts {
                let of_noise = explained.noise.get(ProcessId::new(index), kind);
                *count = count.saturating_sub(u32::try_from(of_noise).unwrap_or(u32::MAX));
            }
        }
        let connections = (0..map.connections.len()).map(Conversation::Connection);
        let closing: Vec<bool> = connections.map(|one| is_closing(&map, one)).collect();
        let mut map = exclude(map, &noise, &closing);
        unkeep(&mut map);
        map
    }
}

/// Makes who only keeps a pipe its user where the users are gone as noise: a shell keeps what the
/// commands of its loop use, and uses it at other times.
fn unkeep(map: &mut Map) {
    for pipe in &mut map.pipes {
        for holders in [&mut pipe.readers, &mut pipe.writers] {
            if holders.iter().all(|holder| holder.keeps.is_some()) {
                for holder in holders.iter_mut() {
                    holder.keeps = None;
                }
            }
        }
    }
}

/// Whether a process belongs to the capture, and whether it is short-lived, by what the comparisons
/// with the capture before and after show.
fn classify(before: Option<Transience>, after: Option<Transience>) -> (bool, bool) {
    match (before, after) {
        (None, None) => (false, false),
        (Some(one), None) | (None, Some(one)) => (
            one.noise == Some(Noise::Capture),
            one.noise == Some(Noise::ShortLived),
        ),
        (Some(one), Some(two)) => (
            [one.noise, two.noise] == [Some(Noise::Capture); 2],
            one.noise.is_some() && two.noise.is_some() || one.seen_once && two.seen_once,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::By;
    use crate::trend::{Metric, Trend};

    const SECOND: u64 = 1_000_000_000;

    /// A capture at so many seconds, with other processes: pid, comm, and the second of their start.
    fn machine(at: u64, others: &[(u32, &[u8], u64)]) -> Map {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        map.hosts[0].started_at_ns = (1_000 + at) * SECOND;
        map.hosts[0].collector_pid = Some(900 + at as u32);
        let server = map.add_process(1, b"server");
        map.processes[0].fd_counts.insert("pipe".into(), 3);
        let bus = map.add_listener(&[server], b"/run/bus\0");
        map.add_process(900 + at as u32, b"whotalks-collect");
        for (pid, comm, start) in others {
            let id = map.add_process(*pid, comm);
            let process = &mut map.processes[id.index()];
            process.start_ticks = *start;
            process.started_at_ns = (1_000 + start) * SECOND;
            process.fd_counts.insert("file".into(), 3);
            if comm == b"client" {
                // It has the end of a pipe and a connection to the bus.
                map.add_connection(&[id], &[server], Some(bus));
                map.add_pipe(&[server], &[id]);
                map.processes[0].fd_counts.insert("pipe".into(), 4);
            }
        }
        map
    }

    fn moving(maps: Vec<Map>) -> (Vec<(String, Metric)>, usize) {
        let mut filter = NoiseFilter::new();
        let mut trend = Trend::new(By::Role);
        let mut captures = 0;
        for map in maps {
            for map in filter.add(map) {
                captures += 1;
                trend.add(&map);
            }
        }
        filter.finish().iter().for_each(|map| trend.add(map));
        let rows = trend.rows().into_iter().filter(crate::trend::Row::moves);
        assert_eq!(trend.captures().len(), captures + 1);
        (
            rows.map(|row| (row.role, row.what)).collect(),
            filter.short_lived(),
        )
    }

    #[test]
    fn what_is_seen_once_and_young_is_noise_and_what_stays_is_none() {
        // The client starts in the second in which it is seen.
        let maps = (0..5).map(|at| match at {
            2 => machine(20, &[(50, b"client", 19)]),
            at => machine(10 * at, &[]),
        });
        assert_eq!(moving(maps.collect()), (Vec::new(), 1));
        // It is in the next capture too.
        let maps = (0..5).map(|at| match at {
            2 | 3 => machine(10 * at, &[(50, b"client", 19)]),
            at => machine(10 * at, &[]),
        });
        let (rows, short_lived) = moving(maps.collect());
        assert!(
            rows.contains(&("client".to_owned(), Metric::Processes)),
            "{rows:?}"
        );
        assert_eq!(short_lived, 0);
        // It started long before.
        let maps = (0..5).map(|at| match at {
            2 => machine(20, &[(50, b"client", 12)]),
            at => machine(10 * at, &[]),
        });
        assert_eq!(moving(maps.collect()).1, 0);
    }

    #[test]
    fn what_is_damaged_keeps_its_turn() {
        let mut maps: Vec<Map> = (0..4).map(|at| machine(10 * at, &[])).collect();
        maps[2].hosts[0].coverage.damage = vec!["a block".to_owned()];
        maps[1] = machine(10, &[(50, b"client", 10)]);
        let mut filter = NoiseFilter::new();
        let mut out: Vec<Map> = maps.into_iter().flat_map(|map| filter.add(map)).collect();
        out.extend(filter.finish());
        let times: Vec<u64> = out
            .iter()
            .map(|map| map.hosts[0].started_at_ns / SECOND)
            .collect();
        assert_eq!(times, [1_000, 1_010, 1_020, 1_030]);
        assert!(out[1].processes.iter().all(|process| process.pid == 1));
    }
}
