//! What the selectors of `show` choose: processes, units, containers or sockets.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use whotalks::model::{Map, ProcessId, SocketId, SocketState};
use whotalks::query::{Selector, SelectorSet};

use crate::cli::parse_selectors;
use crate::commands::map::{matching_process_ids, matching_socket_ids};
use crate::commands::names::process_ids;

/// The subject of a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PageSubject {
    Process(ProcessId),
    /// Kind (`unit` or `container`), name and processes.
    Group(&'static str, String, BTreeSet<ProcessId>),
    Socket(SocketId),
}

impl PageSubject {
    /// The processes, in the whole map. A socket has none.
    pub(super) fn processes(&self) -> BTreeSet<ProcessId> {
        match self {
            Self::Process(process) => BTreeSet::from([*process]),
            Self::Group(_, _, processes) => processes.clone(),
            Self::Socket(_) => BTreeSet::new(),
        }
    }

    /// The ids of the processes in documents.
    pub(super) fn process_ids(&self, map: &Map) -> BTreeSet<String> {
        process_ids(map, &self.processes()).into_iter().collect()
    }
}

/// The subjects that selectors choose: sockets if one of the selectors is of sockets, units or containers
/// if all selectors are of these, processes otherwise.
pub(super) fn subjects(map: &Map, texts: Vec<String>) -> Result<Vec<PageSubject>> {
    let selectors: Vec<Selector> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    let set = parse_selectors(texts.into_iter())?;
    if set.has_socket_kinds() {
        let has_names = selectors.iter().any(|s| matches!(s, Selector::Socket(_)));
        return Ok(sockets(map, &set, has_names));
    }
    let processes = matching_process_ids(map, &set);
    let units = selectors.iter().all(|s| matches!(s, Selector::Unit(_)));
    let containers = selectors
        .iter()
        .all(|s| matches!(s, Selector::Container(_)));
    if !units && !containers {
        return Ok(processes.into_iter().map(PageSubject::Process).collect());
    }
    let mut groups: BTreeMap<(u32, String), BTreeSet<ProcessId>> = BTreeMap::new();
    for process in processes {
        let record = map.process(process);
        let name = if units {
            record.unit.clone()
        } else {
            record
                .container
                .as_ref()
                .map(|container| container.id.clone())
        };
        let key = (record.host.0, name.unwrap_or_default());
        groups.entry(key).or_default().insert(process);
    }
    let kind = if units { "unit" } else { "container" };
    let group = |((_, name), processes)| PageSubject::Group(kind, name, processes);
    Ok(groups.into_iter().map(group).collect())
}

/// The sockets that match. If they are selected by name and some of them listen, only those are used, since
/// the sockets that they accepted have the same name.
fn sockets(map: &Map, selectors: &SelectorSet, by_name: bool) -> Vec<PageSubject> {
    let mut sockets = matching_socket_ids(map, selectors);
    let is_listening = |socket: &SocketId| map.socket(*socket).state == SocketState::Listening;
    if by_name && sockets.iter().any(is_listening) {
        sockets.retain(is_listening);
    }
    sockets.sort_by_key(|socket| (!is_listening(socket), *socket));
    sockets.into_iter().map(PageSubject::Socket).collect()
}
