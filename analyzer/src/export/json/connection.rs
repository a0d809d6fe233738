//! Connections and pipes.

use serde::Serialize;

use super::descriptor::holder;
use super::object::{Fields, Object, object};
use crate::graph::{class, connection_ends, pipe_ends};
use crate::id;
use crate::model::{ListenerEvidence, Map, PipeId, SocketState};

/// Describes a connection, by its index in the map.
pub fn connection(map: &Map, index: usize) -> Object<impl Fields> {
    let connection = &map.connections[index];
    let socket = |socket| id::socket(map, socket);
    let listener_evidence = connection.listener_evidence;
    let group: Vec<String> = connection
        .listener_group
        .iter()
        .copied()
        .map(socket)
        .collect();
    let translated = connection.translation.as_ref().map(|translation| {
        let by = translation.by.as_str();
        object()
            .field("from", translation.from.to_string())
            .field("by", by)
    });
    object()
        .field("id", id::connection(map, index))
        .field("kind", connection.kind.as_str())
        .field("a", socket(connection.a))
        .field("b", connection.b.map(socket))
        .field("listener", connection.listener.map(socket))
        // The listeners one of which has it, where it is not known which.
        .known("listener_group", (!group.is_empty()).then_some(group))
        .field("state", connection.state.as_str())
        .field("evidence", connection.evidence.as_str())
        .field(
            "listener_evidence",
            listener_evidence.map(ListenerEvidence::as_str),
        )
        .field("confirmed", connection.confirmed)
        // State of the other end where no socket is left of it.
        .known("orphan", connection.orphan.map(SocketState::as_str))
        .known("translated", translated)
        .field("class", class(map, &connection_ends(map, index)).as_str())
        // In a union of captures: in how many it was seen.
        .known(
            "seen",
            map.seen
                .as_ref()
                .map(|seen| seen.connections[index].count()),
        )
}

/// Describes a pipe or FIFO.
pub fn pipe(map: &Map, id: PipeId) -> impl Serialize {
    let pipe = &map.pipes[id.index()];
    object()
        .field("id", id::pipe(map, id))
        .field("host", id::host(pipe.host))
        .field("inode", pipe.key.inode())
        .bytes_or_null("path", pipe.path.as_deref())
        .list("readers", pipe.readers.iter().map(|one| holder(map, one)))
        .list("writers", pipe.writers.iter().map(|one| holder(map, one)))
        .field("class", class(map, &pipe_ends(map, id)).as_str())
        .known(
            "seen",
            map.seen.as_ref().map(|seen| seen.pipes[id.index()].count()),
        )
}
