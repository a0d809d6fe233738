//! What the selectors of `show` choose: processes, units, containers or sockets.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use whotalks::graph::Conversation;
use whotalks::model::{ChannelId, Map, PipeId, ProcessId, SocketId, SocketState};
use whotalks::query::{Selector, SelectorSet};

use crate::cli::parse_selectors;
use crate::commands::map::{matching_process_ids, matching_socket_ids};

/// The subject of a page.
pub(super) enum PageSubject {
    Processes(ProcessGroup),
    Socket(SocketId),
    /// A channel or a pipe.
    Channel(Conversation),
}

/// A process, or all processes of a unit or container.
pub(super) struct ProcessGroup {
    /// `process`, `unit` or `container`.
    pub(super) kind: &'static str,
    /// Of a unit or container.
    pub(super) name: Option<String>,
    pub(super) processes: BTreeSet<ProcessId>,
}

impl ProcessGroup {
    /// The process; `None` for a unit or container.
    pub(super) fn process(&self) -> Option<ProcessId> {
        let first = self.processes.first().copied();
        first.filter(|_| self.name.is_none())
    }
}

/// The subjects that selectors choose: sockets if one of the selectors is of sockets, units or containers
/// if all selectors are of these, processes otherwise.
pub(super) fn subjects(map: &Map, texts: &[String]) -> Result<Vec<PageSubject>> {
    let selectors: Vec<Selector> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    let set = parse_selectors(texts)?;
    if set.has_socket_kinds() {
        let has_names = selectors.iter().any(|s| matches!(s, Selector::Socket(_)));
        let mut subjects = sockets(map, &set, has_names);
        subjects.extend(named(map, &set).map(PageSubject::Channel));
        return Ok(subjects);
    }
    let mut processes = matching_process_ids(map, &set);
    if let [Selector::Number(number)] = selectors[..] {
        // The holders of a socket match its inode, too.
        let has_pid = |id: &ProcessId| u64::from(map.process(*id).pid) == number;
        if processes.iter().any(has_pid) {
            processes.retain(has_pid);
        } else if !map
            .processes
            .iter()
            .any(|process| process.netns == Some(number))
        {
            return Ok(sockets(map, &set, false));
        }
    }
    let processes = processes.into_iter();
    let units = selectors.iter().all(|s| matches!(s, Selector::Unit(_)));
    let mut selectors = selectors.iter();
    let containers = selectors.all(|s| matches!(s, Selector::Container(_)));
    if !units && !containers {
        let subject = |process| ProcessGroup {
            kind: "process",
            name: None,
            processes: BTreeSet::from([process]),
        };
        return Ok(processes.map(subject).map(PageSubject::Processes).collect());
    }
    let mut groups: BTreeMap<(u32, String), BTreeSet<ProcessId>> = BTreeMap::new();
    for process in processes {
        let record = map.process(process);
        let container = record.container.as_ref();
        let name = match units {
            true => record.unit.clone(),
            false => container.map(|container| container.id.clone()),
        };
        let key = (record.host.0, name.unwrap_or_default());
        groups.entry(key).or_default().insert(process);
    }
    let kind = if units { "unit" } else { "container" };
    let subject = |((_, name), processes)| ProcessGroup {
        kind,
        name: Some(name),
        processes,
    };
    let groups = groups.into_iter().map(subject);
    Ok(groups.map(PageSubject::Processes).collect())
}

/// The channels and pipes that the selectors name.
fn named<'a>(map: &'a Map, set: &'a SelectorSet) -> impl Iterator<Item = Conversation> + 'a {
    let channels =
        (0..map.channels.len()).map(|index| Conversation::Channel(ChannelId::new(index)));
    let pipes = (0..map.pipes.len()).map(|index| Conversation::Pipe(PipeId::new(index)));
    channels
        .chain(pipes)
        .filter(|one| set.matches_named(map, *one))
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
