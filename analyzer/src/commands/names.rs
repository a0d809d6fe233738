//! How answers name processes and sockets.

use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::query::Via;

/// `nginx [812]`
pub(super) fn label(map: &Map, process: ProcessId) -> String {
    let process = map.process(process);
    format!("{} [{}]", program(process), process.pid)
}

/// Ids of processes in documents.
pub(super) fn process_ids<'a>(
    map: &Map,
    processes: impl IntoIterator<Item = &'a ProcessId>,
) -> Vec<String> {
    let processes = processes.into_iter();
    processes
        .map(|process| id::process(map, *process))
        .collect()
}

/// The name of a socket, or else its local address.
pub(super) fn socket_via(map: &Map, socket: SocketId) -> Option<Via> {
    let socket = map.socket(socket);
    let name = socket.name.as_ref().map(Via::from);
    name.or_else(|| socket.local.map(Via::from))
}
