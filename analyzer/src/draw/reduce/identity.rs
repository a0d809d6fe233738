//! Identities of processes, sockets and addresses over two captures, by which a node of the second
//! picture gets the position it has in the first.

use std::collections::BTreeMap;

use super::draft::{Draft, Member, index};
use super::label::socket_name;
use crate::graph::{By, Groups};
use crate::layout::Point;
use crate::model::{HostId, Map, ProcessId, Socket, SocketId, SocketKey};

/// Positions in the picture of the first map, by identity.
#[derive(Debug, Default)]
pub(crate) struct PreviousPositions {
    /// Of each node.
    pub(crate) positions: Vec<Point>,
    processes: BTreeMap<ProcessKey, u32>,
    /// Sockets without a name or address.
    sockets: BTreeMap<(HostId, SocketKey), u32>,
    /// Sockets by name or address, which outlive restarts.
    names: BTreeMap<String, u32>,
    outside: BTreeMap<String, u32>,
}

/// Host, pid and start time.
pub(crate) type ProcessKey = (HostId, u32, u64);

impl PreviousPositions {
    /// The position of a process of the first map.
    pub(crate) fn process(&self, map: &Map, id: ProcessId) -> Option<Point> {
        self.of(self.processes.get(&process_key(map, id)))
    }

    /// The position of a socket of either map.
    pub(crate) fn socket(&self, map: &Map, id: SocketId) -> Option<Point> {
        let socket = map.socket(id);
        self.of(match is_named(socket) {
            true => self.names.get(&socket_name(socket)),
            false => self.sockets.get(&(socket.host, socket.key)),
        })
    }

    /// The position of an outside address.
    pub(crate) fn outside(&self, address: &str) -> Option<Point> {
        self.of(self.outside.get(address))
    }

    fn of(&self, node: Option<&u32>) -> Option<Point> {
        node.map(|node| self.positions[*node as usize])
    }
}

/// The processes of a map with the groups they are in when the map is grouped, as `query::group_map`
/// does it: it gives a group's process the group's number.
pub(crate) fn grouped_processes(map: &Map, by: By) -> Vec<(ProcessKey, ProcessId)> {
    let is_grouped = !matches!(by, By::Process | By::Socket);
    let groups = is_grouped.then(|| Groups::new(map, by));
    let group = |id: ProcessId| match &groups {
        Some(groups) => ProcessId(groups.group_of(id)),
        None => id,
    };
    let processes = (0..map.processes.len()).map(ProcessId::new);
    let key = |id| (process_key(map, id), group(id));
    processes.map(key).collect()
}

/// The node of each identity in the draft of a grouped map, without positions.
pub(crate) fn nodes(draft: &Draft<'_>, grouped: &[(ProcessKey, ProcessId)]) -> PreviousPositions {
    let mut nodes = PreviousPositions::default();
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
    for (key, group) in grouped {
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
