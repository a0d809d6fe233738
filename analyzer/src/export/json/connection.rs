//! Connections and pipes.

use serde::Serialize;

use super::holder::HolderDocument;
use crate::export::exact_text::ExactText;
use crate::graph::{class, connection_ends};
use crate::id;
use crate::model::{ListenerEvidence, Map, PipeId, PipeKey, SocketState};

/// A connection.
#[derive(Debug, Serialize)]
pub struct ConnectionDocument {
    id: String,
    kind: &'static str,
    a: String,
    b: Option<String>,
    listener: Option<String>,
    /// The listeners one of which has it, where it is not known which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listener_group: Vec<String>,
    state: &'static str,
    evidence: &'static str,
    listener_evidence: Option<&'static str>,
    confirmed: bool,
    /// State of the other end where no socket is left of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    orphan: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    translated: Option<TranslationDocument>,
    class: &'static str,
    /// In a union of captures: in how many it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

/// A translation of addresses: the server's address as the client has it, and what translates it.
#[derive(Debug, Serialize)]
struct TranslationDocument {
    from: String,
    by: &'static str,
}

/// A pipe or FIFO.
#[derive(Debug, Serialize)]
pub(super) struct PipeDocument {
    id: String,
    host: String,
    inode: u64,
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    readers: Vec<HolderDocument>,
    writers: Vec<HolderDocument>,
    /// In a union of captures: in how many it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

/// Describes a connection, by its index in the map.
pub fn connection(map: &Map, index: usize) -> ConnectionDocument {
    let connection = &map.connections[index];
    ConnectionDocument {
        id: id::connection(map, index),
        kind: connection.kind.as_str(),
        a: id::socket(map, connection.a),
        b: connection.b.map(|b| id::socket(map, b)),
        listener: connection
            .listener
            .map(|listener| id::socket(map, listener)),
        listener_group: connection
            .listener_group
            .iter()
            .map(|listener| id::socket(map, *listener))
            .collect(),
        state: connection.state.as_str(),
        evidence: connection.evidence.as_str(),
        listener_evidence: connection.listener_evidence.map(ListenerEvidence::as_str),
        confirmed: connection.confirmed,
        orphan: connection.orphan.map(SocketState::as_str),
        translated: connection
            .translation
            .map(|translation| TranslationDocument {
                from: translation.from.to_string(),
                by: translation.by.as_str(),
            }),
        class: class(map, &connection_ends(map, index)).as_str(),
        seen: map.seen.as_ref().map(|seen| seen.connections[index]),
    }
}

pub(super) fn pipe(map: &Map, id: PipeId) -> PipeDocument {
    let pipe = &map.pipes[id.index()];
    let path = pipe.path.as_deref().map(ExactText::new);
    PipeDocument {
        id: crate::id::pipe(map, id),
        host: crate::id::host(pipe.host),
        inode: match pipe.key {
            PipeKey::Pipe(inode) | PipeKey::Fifo(_, inode) => inode,
        },
        path: path.as_ref().map(|path| path.text.clone()),
        path_hex: path.and_then(|path| path.hex),
        readers: HolderDocument::list(map, &pipe.readers),
        writers: HolderDocument::list(map, &pipe.writers),
        seen: map.seen.as_ref().map(|seen| seen.pipes[id.index()]),
    }
}
