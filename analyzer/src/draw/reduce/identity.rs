//! Identities of processes, sockets and addresses over two captures, by which a node of the second
//! picture gets the position it has in the first.

use std::collections::BTreeMap;

use super::draft::{Draft, Member, index};
use super::label::socket_name;
use crate::graph::{By, Groups};
use crate::model::{HostId, Map, ProcessId, Socket, SocketId, SocketKey};

/// Values by identity.
#[derive(Debug)]
pub(crate) struct ByIdentity<T> {
    processes: BTreeMap<ProcessKey, T>,
    /// Sockets without a name or address.
    sockets: BTreeMap<(HostId, SocketKey), T>,
    /// Sockets by name or address, which outlive restarts.
    names: BTreeMap<String, T>,
    outside: BTreeMap<String, T>,
}

/// Host, pid and start time.
type ProcessKey = (HostId, u32, u64);

impl<T: Copy> ByIdentity<T> {
    /// The value of a process of the first map.
    pub(crate) fn process(&self, map: &Map, id: ProcessId) -> Option<T> {
        self.processes.get(&process_key(map, id)).copied()
    }

    /// The value of a socket of either map.
    pub(crate) fn socket(&self, map: &Map, id: SocketId) -> Option<T> {
        let socket = map.socket(id);
        let value = match is_named(socket) {
            true => self.names.get(&socket_name(socket)),
            false => self.sockets.get(&(socket.host, socket.key)),
        };
        value.copied()
    }

    /// The value of an outside address.
    pub(crate) fn outside(&self, address: &str) -> Option<T> {
        self.outside.get(address).copied()
    }

    /// The same identities with other values.
    pub(crate) fn map<U>(self, value: impl Fn(T) -> U) -> ByIdentity<U> {
        fn each<K: Ord, T, U>(map: BTreeMap<K, T>, value: &impl Fn(T) -> U) -> BTreeMap<K, U> {
            map.into_iter()
                .map(|(key, old)| (key, value(old)))
                .collect()
        }
        ByIdentity {
            processes: each(self.processes, &value),
            sockets: each(self.sockets, &value),
            names: each(self.names, &value),
            outside: each(self.outside, &value),
        }
    }
}

/// The processes of a map with the groups they are in when the map is grouped.
pub(crate) struct GroupedProcesses(Vec<(ProcessKey, ProcessId)>);

impl GroupedProcesses {
    /// Groups processes as `query::group_map` does, which gives a group's process the group's number.
    pub(crate) fn new(map: &Map, by: By) -> Self {
        let is_grouped = !matches!(by, By::Process | By::Socket);
        let groups = is_grouped.then(|| Groups::new(map, by));
        let group = |id: ProcessId| match &groups {
            Some(groups) => ProcessId(groups.group_of(id)),
            None => id,
        };
        let processes = (0..map.processes.len()).map(ProcessId::new);
        Self(
            processes
                .map(|id| (process_key(map, id), group(id)))
                .collect(),
        )
    }
}

/// The node of each identity in the draft of a grouped map.
pub(crate) fn nodes(draft: &Draft<'_>, grouped: &GroupedProcesses) -> ByIdentity<u32> {
    let mut nodes = ByIdentity {
        processes: BTreeMap::new(),
        sockets: BTreeMap::new(),
        names: BTreeMap::new(),
        outside: BTreeMap::new(),
    };
    let mut groups: BTreeMap<ProcessId, u32> = BTreeMap::new();
    for (number, node) in draft.nodes.iter().enumerate() {
        let number = index(number);
        for member in &node.members {
            match *member {
                Member::Process(process) => {
                    groups.insert(draft.processes[process as usize].id, number);
                }
                Member::Socket(socket) => {
                    let socket = draft.sockets[socket as usize].socket();
                    nodes.sockets.insert((socket.host, socket.key), number);
                    if is_named(socket) {
                        nodes.names.entry(socket_name(socket)).or_insert(number);
                    }
                }
                Member::Pipe(_) => {}
                Member::Outside(address) => {
                    let address = draft.outside[address as usize].clone();
                    nodes.outside.insert(address, number);
                }
            }
        }
    }
    for (key, group) in &grouped.0 {
        if let Some(node) = groups.get(group) {
            nodes.processes.insert(*key, *node);
        }
    }
    nodes
}

fn process_key(map: &Map, id: ProcessId) -> ProcessKey {
    let process = map.process(id);
    (process.host, process.pid, process.start_ticks)
}

fn is_named(socket: &Socket) -> bool {
    socket.name.is_some() || socket.local.is_some()
}
