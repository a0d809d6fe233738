//! What counts as one, over both maps: groups with one name and one number in either.

use std::collections::BTreeMap;

use super::coverage::HostPair;
use super::matching::Matching;
use super::role::role;
use super::{OldNew, Side};
use crate::graph::{By, group_label, program};
use crate::model::{Map, ProcessId};
use crate::text::escape;

/// Names with numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    texts: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

impl Labels {
    /// The number of a name, a new one where it has none yet.
    pub(super) fn number(&mut self, text: String) -> u32 {
        let next = self.texts.len() as u32;
        *self.numbers.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            next
        })
    }

    /// The name of a number.
    pub(super) fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

/// The groups of both maps' processes.
#[derive(Debug, Clone)]
pub struct SharedGroups {
    of_process: OldNew<Vec<u32>>,
    labels: Labels,
}

impl SharedGroups {
    /// Groups the processes of both maps.
    pub(super) fn of(maps: OldNew<&Map>, hosts: &[HostPair], matching: &Matching, by: By) -> Self {
        let mut union = Self {
            of_process: OldNew::default(),
            labels: Labels::default(),
        };
        for side in Side::BOTH {
            let map = maps.of(side);
            let namer = Namer {
                maps,
                hosts,
                matching,
                by,
            };
            let numbers = (0..map.processes.len())
                .map(|at| union.labels.number(namer.name(side, ProcessId::new(at))))
                .collect();
            *union.of_process.of_mut(side) = numbers;
        }
        union
    }

    /// The group of a process.
    pub fn group(&self, side: Side, process: ProcessId) -> u32 {
        self.of_process.of(side)[process.index()]
    }

    /// The group's name, printable.
    pub fn label(&self, group: u32) -> &str {
        self.labels.text(group)
    }

    /// How many groups there are in both maps together.
    pub fn len(&self) -> usize {
        self.labels.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.texts.is_empty()
    }

    /// The groups' numbers, by process.
    pub(super) fn numbers(&self) -> &OldNew<Vec<u32>> {
        &self.of_process
    }

    /// The names, to which those of the ends that nobody holds are added.
    pub(super) fn labels(&self) -> Labels {
        self.labels.clone()
    }
}

struct Namer<'a> {
    maps: OldNew<&'a Map>,
    hosts: &'a [HostPair],
    matching: &'a Matching,
    by: By,
}

impl Namer<'_> {
    /// A process's group, named alike in both maps.
    fn name(&self, side: Side, id: ProcessId) -> String {
        let process = self.maps.of(side).process(id);
        let name = match self.by {
            By::Role => role(process),
            By::Process | By::Socket => self.pair_name(side, id),
            by => group_label(self.maps.of(side), process, by),
        };
        let hosts = self.maps.old.hosts.len().max(self.maps.new.hosts.len());
        if hosts <= 1 || self.by == By::Host {
            return name;
        }
        format!("{}:{name}", self.host(side, id))
    }

    /// `nginx [812]`, `nginx [812→955]`: one group for both.
    fn pair_name(&self, side: Side, id: ProcessId) -> String {
        let process = self.maps.of(side).process(id);
        let partner = self.matching.process(side, id).map(|(other, _)| other);
        let (mut old, mut new) = (id, partner.unwrap_or(id));
        if side == Side::New {
            std::mem::swap(&mut old, &mut new);
        }
        let Some(partner) = partner else {
            return format!("{} [{}]", program(process), process.pid);
        };
        let pids = (
            self.maps.old.process(old).pid,
            self.maps.new.process(new).pid,
        );
        if pids.0 == pids.1 {
            return format!("{} [{}]", program(process), process.pid);
        }
        // Named after the new one, whichever is asked.
        let named = match side {
            Side::New => process,
            Side::Old => self.maps.new.process(partner),
        };
        format!("{} [{}→{}]", program(named), pids.0, pids.1)
    }

    /// A pair of hosts goes by the new one's name.
    fn host(&self, side: Side, id: ProcessId) -> String {
        let host = self.maps.of(side).process(id).host;
        let new = match side {
            Side::New => Some(host),
            Side::Old => self.hosts.iter().find(|p| p.old == host).map(|p| p.new),
        };
        let host = new.map_or_else(
            || &self.maps.old.hosts[host.index()],
            |new| &self.maps.new.hosts[new.index()],
        );
        escape::display(&host.hostname)
    }
}
