//! Groups the processes of both maps: a group has the same label and number in either.

use super::host_pair::HostPair;
use super::instances::Instances;
use super::labels::Labels;
use super::matching::Matching;
use super::role::role;
use super::side::{OldNew, Side};
use crate::graph::{By, group_label, program};
use crate::model::{Map, ProcessId};
use crate::text::escape;

/// The groups of the processes of both maps.
#[derive(Debug, Clone)]
pub(super) struct SharedGroups {
    /// The group of each process, by index.
    pub(super) of_process: OldNew<Vec<u32>>,
    /// The labels of the groups, printable.
    pub(super) labels: Labels,
}

impl SharedGroups {
    /// Groups the processes of both maps.
    pub(super) fn new(maps: OldNew<&Map>, hosts: &[HostPair], matching: &Matching, by: By) -> Self {
        let labeler = Labeler {
            maps,
            hosts,
            matching,
            by,
            instances: match by {
                By::Role => Instances::new(maps, matching),
                _ => Instances::default(),
            },
        };
        let mut labels = Labels::default();
        let of_process = OldNew::from_fn(|side| {
            let processes = (0..maps.of(side).processes.len()).map(ProcessId::new);
            let numbers = processes.map(|id| labels.number(labeler.label(side, id)));
            numbers.collect()
        });
        Self { of_process, labels }
    }

    /// The group of a process.
    pub(super) fn group(&self, side: Side, process: ProcessId) -> u32 {
        self.of_process.of(side)[process.index()]
    }
}

struct Labeler<'a> {
    maps: OldNew<&'a Map>,
    hosts: &'a [HostPair],
    matching: &'a Matching,
    by: By,
    instances: Instances,
}

impl Labeler<'_> {
    /// The label of a process's group, the same in both maps.
    fn label(&self, side: Side, id: ProcessId) -> String {
        let process = self.maps.of(side).process(id);
        let label = match self.by {
            By::Role => match self.instances.label(side, process) {
                Some(label) => label.clone(),
                None => role(process),
            },
            By::Process | By::Socket => self.process_label(side, id),
            by => group_label(self.maps.of(side), process, by),
        };
        let hosts = self.maps.old.hosts.len().max(self.maps.new.hosts.len());
        if hosts <= 1 || self.by == By::Host {
            return label;
        }
        format!("{}:{label}", self.hostname(side, id))
    }

    /// `nginx [812]`, or `nginx [812→955]` for a pair.
    fn process_label(&self, side: Side, id: ProcessId) -> String {
        let process = self.maps.of(side).process(id);
        let partner = self.matching.process(side, id);
        let partner = partner.map(|(id, _)| self.maps.of(side.other()).process(id));
        let (old, new) = match (side, partner.unwrap_or(process)) {
            (Side::Old, new) => (process, new),
            (Side::New, old) => (old, process),
        };
        if old.pid == new.pid {
            return format!("{} [{}]", program(process), process.pid);
        }
        format!("{} [{}→{}]", program(new), old.pid, new.pid)
    }

    /// The hostname of a process; of a pair of hosts the new name.
    fn hostname(&self, side: Side, id: ProcessId) -> String {
        let host = self.maps.of(side).process(id).host;
        let pair = self.hosts.iter().find(|pair| pair.host(side) == host);
        let host = match pair {
            Some(pair) => &self.maps.new.hosts[pair.new.index()],
            None => &self.maps.of(side).hosts[host.index()],
        };
        escape::display(&host.hostname)
    }
}
