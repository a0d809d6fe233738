//! The answer of `hubs`, and how its rows are named.

use whotalks::export::ExactText;
use whotalks::model::Map;
use whotalks::query::{Hub, Via, socket_via};

/// Processes or groups, those with the most peers first.
pub(super) struct Ranking<'a> {
    pub(super) map: &'a Map,
    /// Number of processes in each group of the map; empty if the rows are processes.
    pub(super) members: Vec<usize>,
    pub(super) hubs: Vec<Hub>,
}

impl Ranking<'_> {
    /// Whether a row is a process, not a group.
    pub(super) fn is_by_process(&self) -> bool {
        self.members.is_empty()
    }

    /// Number of processes in the group of a row; `None` if the rows are processes.
    pub(super) fn members(&self, hub: &Hub) -> Option<usize> {
        self.members.get(hub.process.index()).copied()
    }

    /// Name of a row. The name of a group is printable already.
    pub(super) fn name(&self, hub: &Hub) -> ExactText {
        let comm = &self.map.process(hub.process).comm;
        match self.is_by_process() {
            true => ExactText::new(comm),
            false => ExactText {
                text: String::from_utf8_lossy(comm).into_owned(),
                hex: None,
            },
        }
    }

    /// Names and addresses of the listeners of a row; unnamed sockets have none.
    pub(super) fn listeners(&self, hub: &Hub) -> Vec<Via> {
        let listeners = hub.listens.iter();
        let mut names: Vec<Via> = listeners
            .filter_map(|socket| socket_via(self.map, *socket))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The same as texts.
    pub(super) fn listener_names(&self, hub: &Hub) -> Vec<String> {
        let listeners = self.listeners(hub).into_iter();
        listeners.map(|name| name.text).collect()
    }
}
