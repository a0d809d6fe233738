//! Collects a trend, capture by capture. Only one map need be in memory.
//!
//! A value that may be incomplete is unknown, never zero.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::gaps::Gaps;
use super::row::{Metric, Row};
use super::significance::Significance;
use crate::diff::{explained, role};
use crate::graph::{By, Groups, group_label};
use crate::model::{FdsStatus, HiddenLogs, Map, ProcessId};
use crate::query::{LinkFilter, links};
use crate::text::escape;

/// All rows of a series.
#[derive(Debug, Clone)]
pub struct Trend {
    by: By,
    host: String,
    captures: Vec<Option<u64>>,
    rows: BTreeMap<(Group, Metric), Vec<Option<u64>>>,
    /// Of descriptors, by kind.
    significance: BTreeMap<(Group, Box<str>), Significance>,
    /// Of each capture.
    gaps: Vec<Gaps>,
    hidden_logs: HiddenLogs,
}

/// The label of a group, and where each process is a group its start in clock ticks: pids are reused.
type Group = (String, u64);

impl Trend {
    /// A trend without captures.
    pub fn new(by: By) -> Self {
        Self {
            by,
            host: String::new(),
            captures: Vec::new(),
            rows: BTreeMap::new(),
            significance: BTreeMap::new(),
            gaps: Vec::new(),
            hidden_logs: HiddenLogs::default(),
        }
    }

    /// Adds the next capture.
    pub fn add(&mut self, map: &Map) {
        let groups = Groups::by_label(map, |process| match self.by {
            By::Role => role(process),
            by => group_label(map, process, by),
        });
        let starts = self.starts(map, &groups);
        let gaps = Gaps::new(map, unread_groups(map, &groups));
        let before = self.captures.len();
        if !gaps.all {
            for ((role, metric), count) in counts(map, &groups) {
                let start = starts.get(&*role).copied().unwrap_or(0);
                let value = (!gaps.hide_counted(&role, &metric)).then_some(count);
                let row = self.rows.entry(((role, start), metric));
                let row = row.or_insert_with_key(|((role, _), metric)| {
                    let earlier = self.gaps.iter();
                    earlier.map(|gaps| gaps.uncounted(role, metric)).collect()
                });
                row.push(value);
            }
            self.add_descriptors(map, &groups, &starts);
        }
        for (((role, _), metric), row) in &mut self.rows {
            if row.len() == before {
                row.push(gaps.uncounted(role, metric));
            }
        }
        if let Some(host) = map.hosts.first()
            && !host.hostname.is_empty()
        {
            self.host = escape::display(&host.hostname);
        }
        let started_ns = map.hosts.first().map_or(0, |host| host.started_at_ns);
        self.captures.push(Some(started_ns).filter(|ns| *ns != 0));
        self.gaps.push(gaps);
        self.hidden_logs.clone_from(&map.hidden_logs);
    }

    /// Conversations with loggers that a filter left out of the last capture.
    pub fn hidden_logs(&self) -> &HiddenLogs {
        &self.hidden_logs
    }

    /// The name of the host, printable.
    pub fn host(&self) -> &str {
        match self.host.is_empty() {
            true => "(unknown host)",
            false => &self.host,
        }
    }

    /// When each capture began, in nanoseconds since 1970; `None`: it is lost.
    pub fn captures(&self) -> &[Option<u64>] {
        &self.captures
    }

    /// The rows: largest growth first, then by group.
    pub fn rows(&self) -> Vec<Row> {
        let times: Arc<[Option<u64>]> = self.captures[..].into();
        let rows = self.rows.iter().map(|((group, metric), values)| Row {
            what: metric.clone(),
            role: group.0.clone(),
            values: values.clone(),
            times: times.clone(),
            is_small: match metric {
                Metric::Descriptors(kind) => {
                    let significance = self.significance.get(&(group.clone(), kind.clone()));
                    significance.is_some_and(|significance| !significance.is_significant())
                }
                _ => false,
            },
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_by_key(|row| Reverse(row.growth()));
        rows
    }

    /// Adds each process's descriptors that conversations do not account for.
    fn add_descriptors(&mut self, map: &Map, groups: &Groups, starts: &BTreeMap<&str, u64>) {
        let conversations = explained(map, |_| true).conversations;
        type Counts = Vec<((u32, u64), u64)>;
        let mut counts: BTreeMap<(&str, &str), Counts> = BTreeMap::new();
        for (index, process) in map.processes.iter().enumerate() {
            let id = ProcessId::new(index);
            let role = groups.label(groups.group_of(id));
            for (kind, count) in &process.fd_counts {
                let rest = u64::from(*count).saturating_sub(conversations.get(id, kind));
                let counts = counts.entry((role, kind)).or_default();
                counts.push(((process.pid, process.start_ticks), rest));
            }
        }
        for ((role, kind), counts) in counts {
            let start = starts.get(role).copied().unwrap_or(0);
            let key = ((role.to_owned(), start), Box::from(kind));
            self.significance.entry(key).or_default().add(&counts);
        }
    }

    /// Start of the only process of each group, in clock ticks, where each process is a group.
    fn starts<'a>(&self, map: &Map, groups: &'a Groups) -> BTreeMap<&'a str, u64> {
        if self.by != By::Process {
            return BTreeMap::new();
        }
        let processes = map.processes.iter().enumerate();
        processes
            .map(|(index, process)| {
                let group = groups.group_of(ProcessId::new(index));
                (groups.label(group), process.start_ticks)
            })
            .collect()
    }
}

/// Labels of the groups with a process that was not read. One that has exited holds nothing.
fn unread_groups(map: &Map, groups: &Groups) -> BTreeSet<String> {
    let processes = map.processes.iter().enumerate();
    let unread = processes.filter(|(_, process)| {
        matches!(process.fds_status, FdsStatus::Partial | FdsStatus::Denied)
    });
    let groups_of = unread.map(|(index, _)| groups.group_of(ProcessId::new(index)));
    groups_of
        .map(|group| groups.label(group).to_owned())
        .collect()
}

/// The metrics of one capture, by the label of the group.
fn counts(map: &Map, groups: &Groups) -> BTreeMap<(String, Metric), u64> {
    let mut counts: BTreeMap<(String, Metric), u64> = BTreeMap::new();
    let mut add = |role: &str, metric: Metric, count: u64| {
        *counts.entry((role.to_owned(), metric)).or_default() += count;
    };
    for (index, process) in map.processes.iter().enumerate() {
        let role = groups.label(groups.group_of(ProcessId::new(index)));
        add(role, Metric::Processes, 1);
        for (kind, count) in &process.fd_counts {
            add(role, Metric::Descriptors(kind.clone()), u64::from(*count));
        }
    }
    for link in links(map, groups, &LinkFilter::default()) {
        let (server, all) = (&link.server, link.connections as u64);
        if !link.via.text.is_empty() {
            let listener = Metric::Listener(link.via.clone(), link.kind);
            add(server, listener, all);
            let pending = Metric::Pending(link.via.clone(), link.kind);
            add(server, pending, link.pending as u64);
        }
        add(server, Metric::Link(link.client, link.via, link.kind), all);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_a_pool_and_a_crowd() {
        let mut trend = Trend::new(By::Role);
        for step in 0..4_u32 {
            let mut map = Map::with_host();
            let server = map.add_process(1, b"server");
            map.processes[0]
                .fd_counts
                .insert("eventfd".into(), 4 + 10 * step);
            let socket = map.add_listener(&[server], b"/run/app\0");
            for pid in 0..=step {
                let client = map.add_process(10 + pid, b"client");
                map.add_connection(&[client], &[server], Some(socket));
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
            let mut map = Map::with_host();
            for pid in pids {
                map.add_process(*pid, b"x");
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
            let mut map = Map::with_host();
            map.hosts[0].started_at_ns = step;
            if step == 2 {
                map.hosts[0].coverage.damage = vec!["a block".to_owned()];
            }
            if step != 2 {
                let server = map.add_process(1, b"server");
                let client = map.add_process(2, b"client");
                let socket = map.add_listener(&[server], b"/run/app\0");
                map.add_connection(&[client], &[server], Some(socket));
            }
            trend.add(&map);
        }
        assert_eq!(trend.captures(), [None, Some(1), Some(2), Some(3)]);
        for row in trend.rows() {
            let expected = Some(u64::from(!matches!(row.what, Metric::Pending(..))));
            assert_eq!(row.values, [expected, expected, None, expected], "{row:?}");
        }
    }
}
