//! Connections and pipes.

use serde::Serialize;

use super::descriptor::holder;
use super::object::{Fields, Object, object};
use crate::id;
use crate::model::{ListenerEvidence, Map, PipeId, PipeKey};

/// Describes a connection, by its index in the map.
pub fn connection(map: &Map, index: usize) -> Object<impl Fields> {
    let connection = &map.connections[index];
    let socket = |socket| id::socket(map, socket);
    let listener_evidence = connection.listener_evidence;
    object()
        .field("id", id::connection(map, index))
        .field("kind", connection.kind.as_str())
        .field("a", socket(connection.a))
        .field("b", connection.b.map(socket))
        .field("listener", connection.listener.map(socket))
        .field("state", connection.state.as_str())
        .field("evidence", connection.evidence.as_str())
        .field(
            "listener_evidence",
            listener_evidence.map(ListenerEvidence::as_str),
        )
        .field("confirmed", connection.confirmed)
        // In a union of captures: in how many it was seen.
        .known(
            "seen",
            map.seen.as_ref().map(|seen| seen.connections[index]),
        )
}

/// Describes a pipe or FIFO.
pub(super) fn pipe(map: &Map, id: PipeId) -> impl Serialize {
    let pipe = &map.pipes[id.index()];
    let inode = match pipe.key {
        PipeKey::Pipe(inode) | PipeKey::Fifo(_, inode) => inode,
    };
    object()
        .field("id", id::pipe(map, id))
        .field("host", id::host(pipe.host))
        .field("inode", inode)
        .bytes_or_null("path", pipe.path.as_deref())
        .list("readers", pipe.readers.iter().map(|one| holder(map, one)))
        .list("writers", pipe.writers.iter().map(|one| holder(map, one)))
        .known("seen", map.seen.as_ref().map(|seen| seen.pipes[id.index()]))
}
