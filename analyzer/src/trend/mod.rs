//! Growth over a series of captures: how many processes, descriptors and conversations each role
//! has in each.
//!
//! Captures are added one by one, so that only one map need be in memory. What a capture may lack is
//! not counted as none: it is not known.

mod growth;
mod noise_filter;
mod series_filter;
mod significance;

use std::collections::{BTreeMap, BTreeSet};

pub use growth::{Growth, growth};
pub use noise_filter::NoiseFilter;
pub use series_filter::SeriesFilter;

use significance::Significance;

use crate::diff::{explained, role};
use crate::graph::{By, Groups, group_label};
use crate::model::{FdsStatus, HostCoverage, Map, Process, ProcessId};
use crate::query::{LinkFilter, LinkKind, Via, links};

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Processes of a role.
    Processes,
    /// Descriptors of a kind in all processes of a role.
    Descriptors(Box<str>),
    /// Conversations over a listener of a role, whoever began them.
    Listener(Via, LinkKind),
    /// Clients that wait there to be accepted.
    Pending(Via, LinkKind),
    /// Conversations that a client's role has with this role, over a listener or over none.
    Link(String, Via, LinkKind),
}

/// One thing in every capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is counted.
    pub what: Metric,
    /// Of whom: the role, printable; of conversations the server's.
    pub role: String,
    /// How many in each capture; `None`: not known.
    pub values: Vec<Option<u64>>,
    /// Descriptors that moved by no more than a few, which is no news.
    pub is_small: bool,
}

impl Row {
    /// The first and the last number that is known.
    pub fn ends(&self) -> Option<(u64, u64)> {
        let mut known = self.values.iter().flatten();
        let first = *known.next()?;
        Some((first, known.next_back().copied().unwrap_or(first)))
    }

    /// By how much the last is above the first.
    pub fn growth(&self) -> i64 {
        let (first, last) = self.ends().unwrap_or_default();
        let size = i64::try_from(first.abs_diff(last)).unwrap_or(i64::MAX);
        if last < first { -size } else { size }
    }

    /// Whether it rose, and never fell.
    pub fn is_rising(&self) -> bool {
        let known: Vec<u64> = self.values.iter().copied().flatten().collect();
        known.is_sorted() && self.growth() > 0
    }

    /// Whether and how it grows, as the rules over time understand it, in what is known.
    pub fn grows(&self) -> Option<Growth> {
        let known: Vec<u64> = self.values.iter().copied().flatten().collect();
        growth(&known)
    }

    /// Whether it is another number at some time.
    pub fn moves(&self) -> bool {
        let mut known = self.values.iter().flatten();
        let first = known.next();
        known.any(|value| Some(value) != first)
    }
}

/// All rows of a series.
#[derive(Debug, Clone)]
pub struct Trend {
    by: By,
    captures: Vec<Option<u64>>,
    /// The process's start, where each is a row of its own: pids come again.
    rows: BTreeMap<(String, u64, Metric), Vec<Option<u64>>>,
    /// Of descriptors, by role, start and kind.
    moved: BTreeMap<(String, u64, Box<str>), Significance>,
    /// Of each capture.
    gaps: Vec<Gaps>,
}

/// What a capture may lack.
#[derive(Debug, Clone)]
struct Gaps {
    /// Anything: it is damaged.
    all: bool,
    /// Processes.
    processes: bool,
    /// Who holds what.
    holders: bool,
    /// Roles of which somebody was not.
    unread: BTreeSet<String>,
}

impl Gaps {
    fn of(map: &Map, unread: &BTreeSet<&str>) -> Self {
        let any = |of: fn(&HostCoverage) -> bool| map.hosts.iter().any(|host| of(&host.coverage));
        let holders = any(|coverage| !coverage.all_holders_known());
        Self {
            all: map.hosts.is_empty() || any(|coverage| !coverage.damage.is_empty()),
            processes: any(|coverage| coverage.hidepid),
            holders,
            unread: unread.iter().map(|role| (*role).to_owned()).collect(),
        }
    }

    /// Whether a number is not known: one that was counted, or nothing.
    fn hide(&self, role: &str, what: &Metric, counted: bool) -> bool {
        // `(unreadable)`, `(none)`: whoever it is, nobody says so.
        let nobody = |role: &str| self.holders && !counted && role.starts_with('(');
        let unread = |role: &str| self.unread.contains(role) || nobody(role);
        let unknown = match what {
            Metric::Processes => false,
            Metric::Descriptors(_) => self.unread.contains(role),
            Metric::Listener(..) | Metric::Pending(..) => unread(role),
            Metric::Link(client, ..) => unread(role) || unread(client),
        };
        self.all || unknown || self.processes && !counted
    }
}

impl Trend {
    /// Without any capture yet.
    pub fn new(by: By) -> Self {
        Self {
            by,
            captures: Vec::new(),
            rows: BTreeMap::new(),
            moved: BTreeMap::new(),
            gaps: Vec::new(),
        }
    }

    /// Adds the next capture.
    pub fn add(&mut self, map: &Map) {
        let groups = Groups::by_label(map, |process| self.name(map, process));
        let started = self.starts(map, &groups);
        let mut counts: BTreeMap<(String, u64, Metric), Option<u64>> = BTreeMap::new();
        let mut add = |role: &str, what: Metric, count: Option<u64>| {
            let start = started.get(role).copied().unwrap_or(0);
            let sum = counts
                .entry((role.to_owned(), start, what))
                .or_insert(Some(0));
            *sum = sum.zip(count).map(|(sum, count)| sum + count);
        };
        let mut unread: BTreeSet<&str> = BTreeSet::new();
        for (at, process) in map.processes.iter().enumerate() {
            let role = groups.label(groups.group_of(ProcessId::new(at)));
            add(role, Metric::Processes, Some(1));
            // Who has ended meanwhile holds nothing any more.
            if matches!(process.fds_status, FdsStatus::Partial | FdsStatus::Denied) {
                unread.insert(role);
            }
            for (kind, count) in &process.fd_counts {
                add(
                    role,
                    Metric::Descriptors(kind.clone()),
                    Some(u64::from(*count)),
                );
            }
        }
        for link in links(map, &groups, &LinkFilter::default()) {
            let (all, pending) = (link.connections as u64, link.pending as u64);
            let (via, kind) = (link.via, link.kind);
            if !via.text.is_empty() {
                add(&link.server, Metric::Listener(via.clone(), kind), Some(all));
                add(
                    &link.server,
                    Metric::Pending(via.clone(), kind),
                    Some(pending),
                );
            }
            add(
                &link.server,
                Metric::Link(link.client, via, kind),
                Some(all),
            );
        }
        let gaps = Gaps::of(map, &unread);
        let before = self.captures.len();
        if gaps.all {
            // What is left of it says nothing.
            counts.clear();
        }
        for ((role, _, what), count) in &mut counts {
            if gaps.hide(role, what, true) {
                *count = None;
            }
        }
        for (key, count) in counts {
            let row = self.rows.entry(key).or_insert_with_key(|(role, _, what)| {
                // It was not there before, where it would have been seen.
                let earlier = self.gaps.iter();
                earlier
                    .map(|gaps| (!gaps.hide(role, what, false)).then_some(0))
                    .collect()
            });
            row.push(count);
        }
        if !gaps.all {
            self.add_moved(map, &groups, &started);
        }
        let started_ns = map.hosts.first().map_or(0, |host| host.started_at_ns);
        self.captures.push(Some(started_ns).filter(|ns| *ns != 0));
        for ((role, _, what), row) in &mut self.rows {
            if row.len() == before {
                row.push((!gaps.hide(role, what, false)).then_some(0));
            }
        }
        self.gaps.push(gaps);
    }

    /// When each capture began: wall clock, nanoseconds since 1970; `None`: that is lost.
    pub fn captures(&self) -> &[Option<u64>] {
        &self.captures
    }

    /// The rows: what grew the most first, then by role.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self
            .rows
            .iter()
            .map(|((role, start, what), values)| Row {
                what: what.clone(),
                role: role.clone(),
                values: values.clone(),
                is_small: match what {
                    Metric::Descriptors(kind) => {
                        let moved = self.moved.get(&(role.clone(), *start, kind.clone()));
                        moved.is_some_and(|moved| !moved.is_told())
                    }
                    _ => false,
                },
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.growth()));
        rows
    }

    fn add_moved(&mut self, map: &Map, groups: &Groups, started: &BTreeMap<&str, u64>) {
        let talks = explained(map, |_| true).talks;
        type Counts = Vec<((u32, u64), u64)>;
        let mut counts: BTreeMap<(&str, &str), Counts> = BTreeMap::new();
        for (at, process) in map.processes.iter().enumerate() {
            let id = ProcessId::new(at);
            let role = groups.label(groups.group_of(id));
            for (kind, count) in &process.fd_counts {
                let known = ["socket", "pipe"].into_iter().find(|k| **k == **kind);
                let of_talks = known.and_then(|kind| talks.get(&(id, kind)).copied());
                let rest = u64::from(*count).saturating_sub(of_talks.unwrap_or(0));
                let of_kind = counts.entry((role, kind)).or_default();
                of_kind.push(((process.pid, process.start_ticks), rest));
            }
        }
        for ((role, kind), all) in counts {
            let start = started.get(role).copied().unwrap_or(0);
            let key = (role.to_owned(), start, Box::from(kind));
            self.moved.entry(key).or_default().add(&all);
        }
    }

    fn name(&self, map: &Map, process: &Process) -> String {
        match self.by {
            By::Role => role(process),
            by => group_label(map, process, by),
        }
    }

    /// When the one process of each group began.
    fn starts<'a>(&self, map: &Map, groups: &'a Groups) -> BTreeMap<&'a str, u64> {
        if self.by != By::Process {
            return BTreeMap::new();
        }
        let processes = map.processes.iter().enumerate();
        processes
            .map(|(at, process)| {
                let group = groups.group_of(ProcessId::new(at));
                (groups.label(group), process.start_ticks)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{self, connect, listener, process};

    #[test]
    fn a_leak_a_pool_and_a_crowd() {
        let mut trend = Trend::new(By::Role);
        for step in 0..4_u32 {
            let mut map = fixture::map();
            let server = process(&mut map, 1, b"server");
            map.processes[0]
                .fd_counts
                .insert("eventfd".into(), 4 + 10 * step);
            let socket = listener(&mut map, &[server], b"/run/app\0");
            for pid in 0..=step {
                let client = process(&mut map, 10 + pid, b"client");
                connect(&mut map, &[client], &[server], Some(socket));
            }
            if step == 2 {
                map.processes[0].fds_status = FdsStatus::Denied;
            }
            trend.add(&map);
        }
        let rows = trend.rows();
        let find = |role: &str, wanted: fn(&Metric) -> bool| {
            let row = rows
                .iter()
                .find(|row| row.role == role && wanted(&row.what));
            row.map(|row| (row.values.clone(), row.growth(), row.is_rising()))
        };
        assert_eq!(
            find("server", |what| matches!(what, Metric::Descriptors(_))),
            Some((vec![Some(4), Some(14), None, Some(34)], 30, true))
        );
        let crowd = Some(((1..5).map(Some).collect(), 3, true));
        assert_eq!(find("client", |what| *what == Metric::Processes), crowd);
        let seen = Some((vec![Some(1), Some(2), None, Some(4)], 3, true));
        assert_eq!(
            find("server", |what| matches!(what, Metric::Listener(..))),
            seen
        );
        assert_eq!(
            find("server", |what| matches!(what, Metric::Link(..))),
            seen
        );
        assert_eq!(
            find("server", |what| *what == Metric::Processes),
            Some((vec![Some(1); 4], 0, false))
        );
        assert_eq!(rows[0].growth(), 30);
    }

    #[test]
    fn what_comes_and_goes_is_none_then() {
        let mut trend = Trend::new(By::Process);
        for pids in [&[1][..], &[1, 2], &[1]] {
            let mut map = fixture::map();
            for pid in pids {
                process(&mut map, *pid, b"x");
            }
            trend.add(&map);
        }
        let rows = trend.rows();
        let row = rows.iter().find(|row| row.role == "x [2]");
        assert_eq!(
            row.map(|row| row.values.clone()),
            Some(vec![Some(0), Some(1), Some(0)])
        );
        assert!(row.is_some_and(|row| row.moves() && !row.is_rising()));
    }

    #[test]
    fn what_may_be_lost_is_not_none() {
        let mut trend = Trend::new(By::Role);
        for step in 0..4 {
            let mut map = fixture::map();
            map.hosts[0].started_at_ns = step;
            if step == 2 {
                map.hosts[0].coverage.damage = vec!["a block".to_owned()];
            }
            if step != 2 {
                let server = process(&mut map, 1, b"server");
                let client = process(&mut map, 2, b"client");
                let socket = listener(&mut map, &[server], b"/run/app\0");
                connect(&mut map, &[client], &[server], Some(socket));
            }
            trend.add(&map);
        }
        assert_eq!(trend.captures(), [None, Some(1), Some(2), Some(3)]);
        for row in trend.rows() {
            let one = Some(u64::from(!matches!(row.what, Metric::Pending(..))));
            assert_eq!(row.values, [one, one, None, one], "{row:?}");
        }
    }
}
