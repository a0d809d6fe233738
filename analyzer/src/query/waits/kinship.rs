//! Which processes descend from which: a parent that waits for its child, and a child for work from its
//! parent.

use std::collections::BTreeMap;

use crate::model::{HostId, Map, ProcessId};

/// Generations that are searched for an ancestor.
const GENERATIONS: usize = 32;

/// The process tree of a map.
pub(super) struct Kinship<'a> {
    map: &'a Map,
    by_pid: BTreeMap<(HostId, u32), ProcessId>,
    /// By host and parent's pid.
    children: BTreeMap<(HostId, u32), Vec<ProcessId>>,
}

impl<'a> Kinship<'a> {
    pub(super) fn new(map: &'a Map) -> Self {
        let mut by_pid = BTreeMap::new();
        let mut children: BTreeMap<_, Vec<ProcessId>> = BTreeMap::new();
        for (index, process) in map.processes.iter().enumerate() {
            let id = ProcessId::new(index);
            by_pid.insert((process.host, process.pid), id);
            let parent = (process.host, process.ppid);
            children.entry(parent).or_default().push(id);
        }
        Self {
            map,
            by_pid,
            children,
        }
    }

    /// The children of a process.
    pub(super) fn children(&self, parent: ProcessId) -> &[ProcessId] {
        let parent = self.map.process(parent);
        let children = self.children.get(&(parent.host, parent.pid));
        children.map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether one of the two processes descends from the other.
    pub(super) fn is_kin(&self, one: ProcessId, other: ProcessId) -> bool {
        self.descends(one, other) || self.descends(other, one)
    }

    fn descends(&self, process: ProcessId, ancestor: ProcessId) -> bool {
        let mut process = self.map.process(process);
        for _ in 0..GENERATIONS {
            let Some(parent) = self.by_pid.get(&(process.host, process.ppid)) else {
                return false;
            };
            if *parent == ancestor {
                return true;
            }
            process = self.map.process(*parent);
        }
        false
    }
}
