//! `whotalks-graph/1`: the whole map as a JSON document.
//!
//! Field names are a contract with other programs; see the schema in `tests/schemas`.

mod channel;
mod connection;
mod departed;
mod descriptor;
mod host;
mod object;
mod process;
mod socket;

pub use channel::channel;
pub use connection::{connection, pipe};
pub use departed::departed;
pub use object::{Fields, Object, object};
pub use process::process;
pub use socket::socket;

use serde::Serialize;

use self::descriptor::RelationDocument;
use self::host::{coverage, host};
use crate::id;
use crate::model::{Map, PipeId, ProcessId, SocketId, Warning};

/// Describes a map.
pub fn graph(map: &Map) -> impl Serialize {
    let hosts = map.hosts.iter().enumerate();
    let processes = (0..map.processes.len()).map(ProcessId::new);
    let sockets = (0..map.sockets.len()).map(SocketId::new);
    let connections = 0..map.connections.len();
    let pipes = (0..map.pipes.len()).map(PipeId::new);
    let relations = map.relations.iter();
    object()
        .field("schema", "whotalks-graph/1")
        .list("hosts", hosts.clone().map(host))
        .list("coverage", hosts.map(coverage))
        .list("processes", processes.map(|id| process(map, id)))
        .list("sockets", sockets.map(|id| socket(map, id)))
        .list(
            "connections",
            connections.map(|index| connection(map, index)),
        )
        .list("pipes", pipes.map(|id| pipe(map, id)))
        .list("channels", map.channels.iter().map(|row| channel(map, row)))
        .list("departed", map.departed.iter().map(departed))
        .list("relations", relations.map(|one| RelationDocument(map, one)))
        .list("warnings", map.warnings.iter().map(warning))
}

fn warning(warning: &Warning) -> impl Serialize {
    object()
        .field("host", id::host(warning.host))
        .field("kind", warning.kind)
        .field("text", &warning.text)
}
