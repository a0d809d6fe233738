//! Marks nodes and edges with the findings about them.
//!
//! Subjects of the first findings, which are the most severe, have nodes of their own that are never
//! merged; of the others not, so that a rule with a thousand findings does not become the picture.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, DraftNode};
use crate::check::Finding;
use crate::id;
use crate::model::{Connection, Map, PipeId, SocketId};

/// Findings whose subjects have nodes of their own.
const MAX_OWN_NODES: usize = 40;

/// Sockets and pipes that findings are about.
#[derive(Debug, Default)]
pub(crate) struct FindingIndex {
    /// With the indices of the findings.
    sockets: BTreeMap<SocketId, Vec<u32>>,
    /// Pipes that have nodes.
    pipes: BTreeSet<PipeId>,
    /// Sockets that have nodes of their own.
    own_nodes: BTreeSet<SocketId>,
}

impl FindingIndex {
    /// Finds the sockets and pipes of the findings' ids.
    pub(crate) fn new(map: &Map, findings: &[Finding]) -> Self {
        let mut found = Self::default();
        if findings.is_empty() {
            return found;
        }
        let mut ids: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let mut subjects: BTreeMap<&str, u32> = BTreeMap::new();
        for (number, finding) in (0u32..).zip(findings) {
            subjects.entry(&finding.subject).or_insert(number);
            for id in finding.sockets.iter().chain([&finding.subject]) {
                let list = ids.entry(id).or_default();
                if list.last() != Some(&number) {
                    list.push(number);
                }
            }
        }
        for socket in (0..map.sockets.len()).map(SocketId::new) {
            let id = id::socket(map, socket);
            if let Some(list) = ids.get(id.as_str()) {
                found.sockets.insert(socket, list.clone());
                let first = subjects.get(id.as_str());
                if first.is_some_and(|number| (*number as usize) < MAX_OWN_NODES) {
                    found.own_nodes.insert(socket);
                }
            }
        }
        let pipes = (0..map.pipes.len()).map(PipeId::new);
        let is_subject = |pipe: &PipeId| subjects.contains_key(id::pipe(map, *pipe).as_str());
        found.pipes.extend(pipes.filter(is_subject));
        found
    }

    /// Whether a socket has a node because of a finding about it.
    pub(crate) fn has_node(&self, socket: SocketId) -> bool {
        self.own_nodes.contains(&socket)
    }

    /// Findings about the sockets of a connection.
    pub(crate) fn connection(&self, connection: &Connection) -> BTreeSet<u32> {
        if self.sockets.is_empty() {
            return BTreeSet::new();
        }
        let ends = [Some(connection.a), connection.b].into_iter().flatten();
        ends.flat_map(|socket| self.socket(socket)).collect()
    }

    /// Findings about a socket.
    pub(crate) fn socket(&self, socket: SocketId) -> impl Iterator<Item = u32> {
        self.sockets.get(&socket).into_iter().flatten().copied()
    }

    /// Whether a finding is about a pipe.
    pub(crate) fn has_pipe(&self, pipe: PipeId) -> bool {
        self.pipes.contains(&pipe)
    }
}

/// Whether a node is never merged with others because of a finding.
pub(crate) fn is_marked(node: &DraftNode) -> bool {
    let first = node.findings.first();
    first.is_some_and(|finding| (*finding as usize) < MAX_OWN_NODES)
}

/// Marks the nodes of one map with the findings about them and those that concern them.
pub(crate) fn mark(draft: &mut Draft<'_>) {
    if draft.findings.is_empty() {
        return;
    }
    let mut nodes: BTreeMap<String, usize> = BTreeMap::new();
    for (number, node) in draft.nodes.iter().enumerate() {
        for member in &node.members {
            nodes.insert(draft.document_id(*member), number);
        }
    }
    mark_nodes(draft, &nodes);
}

/// The same with the node of each id given.
pub(crate) fn mark_nodes(draft: &mut Draft<'_>, nodes: &BTreeMap<String, usize>) {
    for (number, finding) in (0u32..).zip(draft.findings) {
        if let Some(&node) = nodes.get(&finding.subject) {
            draft.nodes[node].findings.push(number);
        }
        let others = finding.processes.iter().chain(&finding.sockets);
        for id in others.filter(|id| **id != finding.subject) {
            if let Some(&node) = nodes.get(id) {
                let concerns = &mut draft.nodes[node].concerns;
                if concerns.last() != Some(&number) {
                    concerns.push(number);
                }
            }
        }
    }
}
