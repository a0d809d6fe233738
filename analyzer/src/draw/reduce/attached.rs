//! Listeners that are attached to a process: a socket that one process alone holds needs no position
//! of its own, only a line under the box.

use super::draft::Draft;
use crate::draw::graph::{EdgeKind, Kind};

/// For every node the process that it is attached to, if it is.
pub(crate) fn owners(draft: &Draft<'_>) -> Vec<Option<u32>> {
    let mut edges = vec![0u32; draft.nodes.len()];
    let mut owners = vec![None; draft.nodes.len()];
    for &(a, b, kind) in draft.edges.keys() {
        edges[a as usize] += 1;
        edges[b as usize] += 1;
        let kinds = [a, b].map(|node| draft.nodes[node as usize].kind);
        if kind == EdgeKind::Holds && kinds == [Kind::Process, Kind::Listener] {
            owners[b as usize] = Some(a);
        }
    }
    for (owner, edges) in owners.iter_mut().zip(edges) {
        if edges != 1 {
            *owner = None;
        }
    }
    owners
}
