//! Listeners that hang on their process: a socket that one process alone holds needs no place of
//! its own, only a line under the box.

use super::picture::{EdgeKind, Kind, Picture};

/// For every node the process it hangs on, if it does.
pub(super) fn owners(picture: &Picture) -> Vec<Option<u32>> {
    let mut edges = vec![0u32; picture.nodes.len()];
    let mut owners = vec![None; picture.nodes.len()];
    for &(a, b, kind) in picture.edges.keys() {
        edges[a as usize] += 1;
        edges[b as usize] += 1;
        let (one, other) = (&picture.nodes[a as usize], &picture.nodes[b as usize]);
        if kind == EdgeKind::Holds && one.kind == Kind::Process && other.kind == Kind::Listener {
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
