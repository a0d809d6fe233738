//! `whotalks-graph/1`: the whole map as a JSON document.
//!
//! Field names are a contract with other programs; see the schema in `tests/schemas`.

mod connection;
mod departed;
mod holder;
mod host;
mod process;
mod relation;
mod socket;

pub use connection::{ConnectionDocument, connection};
pub use departed::{DepartedDocument, departed};
pub use process::{ProcessDocument, process};
pub use socket::{SocketDocument, socket};

use serde::Serialize;

use self::connection::{PipeDocument, pipe};
use self::host::{CoverageDocument, HostDocument, coverage, host};
use self::relation::{RelationDocument, relation};
use crate::id;
use crate::model::{Map, PipeId, ProcessId, SocketId, Warning};

/// The document.
#[derive(Debug, Serialize)]
pub struct GraphDocument<'a> {
    schema: &'static str,
    hosts: Vec<HostDocument>,
    coverage: Vec<CoverageDocument>,
    processes: Vec<ProcessDocument<'a>>,
    sockets: Vec<SocketDocument>,
    connections: Vec<ConnectionDocument>,
    pipes: Vec<PipeDocument>,
    departed: Vec<DepartedDocument>,
    relations: Vec<RelationDocument>,
    warnings: Vec<WarningDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct WarningDocument<'a> {
    host: String,
    kind: &'static str,
    text: &'a str,
}

/// Describes a map.
pub fn graph(map: &Map) -> GraphDocument<'_> {
    let hosts = || map.hosts.iter().enumerate();
    GraphDocument {
        schema: "whotalks-graph/1",
        hosts: hosts().map(|(index, one)| host(index, one)).collect(),
        coverage: hosts().map(|(index, one)| coverage(index, one)).collect(),
        processes: (0..map.processes.len())
            .map(|index| process(map, ProcessId::new(index)))
            .collect(),
        sockets: (0..map.sockets.len())
            .map(|index| socket(map, SocketId::new(index)))
            .collect(),
        connections: (0..map.connections.len())
            .map(|index| connection(map, index))
            .collect(),
        pipes: (0..map.pipes.len())
            .map(|index| pipe(map, PipeId::new(index)))
            .collect(),
        departed: departed(map),
        relations: map.relations.iter().map(|one| relation(map, one)).collect(),
        warnings: map.warnings.iter().map(warning).collect(),
    }
}

fn warning(warning: &Warning) -> WarningDocument<'_> {
    WarningDocument {
        host: id::host(warning.host),
        kind: warning.kind,
        text: &warning.text,
    }
}
