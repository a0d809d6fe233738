//! The instances of one role that exist side by side, such as two containers of one image.
//!
//! A role stands for whatever takes a place after a restart. Two instances that are certainly in both
//! maps have not taken each other's place: each has a label of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::matching::Matching;
use super::role::{instance_role, role};
use super::side::{OldNew, Side};
use crate::graph::unit_base;
use crate::model::{HostId, Map, Process, ProcessId};

/// What distinguishes instances within one boot: container, unit and network namespace.
type Key = (Option<String>, Option<String>, Option<u64>);

fn key(process: &Process) -> Key {
    let container = process.container.as_ref();
    let container = container.map(|container| container.id.clone());
    // Not of a login session.
    let unit = process.unit.as_ref();
    let unit = unit.filter(|unit| unit_base(unit).is_some());
    (container, unit.cloned(), process.netns)
}

/// The labels of instances that exist beside others of their role in both maps.
#[derive(Debug, Default)]
pub(super) struct Instances(OldNew<BTreeMap<(HostId, Key), String>>);

impl Instances {
    /// Finds them among the processes that are certainly in both maps.
    pub(super) fn new(maps: OldNew<&Map>, matching: &Matching) -> Self {
        type Keys = BTreeMap<Key, (HostId, HostId, String)>;
        let mut roles: BTreeMap<String, Keys> = BTreeMap::new();
        for (index, process) in maps.old.processes.iter().enumerate() {
            let Some(partner) = matching.same_process(Side::Old, ProcessId::new(index)) else {
                continue;
            };
            let (partner, key) = (maps.new.process(partner), key(process));
            if key == self::key(partner) && role(process) == role(partner) {
                let hosts = (process.host, partner.host);
                let keys = roles.entry(role(process)).or_default();
                keys.entry(key)
                    .or_insert_with(|| (hosts.0, hosts.1, instance_role(process)));
            }
        }
        let mut found = Self::default();
        for keys in roles.into_values().filter(|keys| keys.len() > 1) {
            let labels: BTreeSet<&String> = keys.values().map(|(.., label)| label).collect();
            let is_distinct = labels.len() == keys.len();
            for (key, (old, new, label)) in keys {
                let label = match (is_distinct, key.2) {
                    (false, Some(netns)) => format!("{label} (netns {netns})"),
                    _ => label,
                };
                found.0.old.insert((old, key.clone()), label.clone());
                found.0.new.insert((new, key), label);
            }
        }
        found
    }

    /// The label of a process's instance, if there are others.
    pub(super) fn label(&self, side: Side, process: &Process) -> Option<&String> {
        let labels = self.0.of(side);
        if labels.is_empty() {
            return None;
        }
        labels.get(&(process.host, key(process)))
    }
}
