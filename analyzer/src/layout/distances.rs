//! Distances in the graph, in edges, by breadth-first search over the adjacency rows.
//!
//! Works on one connected component; does not use positions or sizes. Hand-written rather
//! than `petgraph::visit::Bfs`, which yields no distances.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::adjacency::Adjacency;

/// Distance of a node that was not reached.
pub(crate) const UNREACHED: u32 = u32::MAX;

/// The distance from `source` to every node.
pub(crate) fn distances(adjacency: &Adjacency, source: usize) -> Vec<u32> {
    let mut hops = vec![UNREACHED; adjacency.len()];
    let mut queue = VecDeque::from([source as u32]);
    hops[source] = 0;
    while let Some(v) = queue.pop_front() {
        let next = hops[v as usize] + 1;
        for &u in adjacency.neighbours(v as usize) {
            if hops[u as usize] == UNREACHED {
                hops[u as usize] = next;
                queue.push_back(u);
            }
        }
    }
    hops
}

/// Nodes spread over the component, with the distances from each.
#[derive(Debug)]
pub(crate) struct Pivots {
    pub(crate) nodes: Vec<u32>,
    /// `hops[p][v]`: edges from pivot `p` to node `v`.
    pub(crate) hops: Vec<Vec<u32>>,
}

/// Chooses up to `count` pivots by the max-min rule: the node of the highest degree first,
/// then always the node farthest from all chosen ones.
pub(crate) fn pivots(adjacency: &Adjacency, count: usize) -> Pivots {
    let nodes = adjacency.len();
    let degree = |v: usize| adjacency.neighbours(v).len();
    let (mut chosen, mut hops) = (Vec::new(), Vec::new());
    let mut nearest = vec![UNREACHED; nodes];
    let mut next = (0..nodes).max_by_key(|&v| (degree(v), Reverse(v)));
    while let Some(pivot) = next {
        let row = distances(adjacency, pivot);
        for (near, &d) in nearest.iter_mut().zip(&row) {
            *near = (*near).min(d);
        }
        chosen.push(pivot as u32);
        hops.push(row);
        if chosen.len() >= count {
            break;
        }
        // Of equally far nodes, the one of the highest degree represents most others.
        let farthest = (0..nodes).max_by_key(|&v| (nearest[v], degree(v), Reverse(v)));
        next = farthest.filter(|&v| nearest[v] > 0);
    }
    Pivots {
        nodes: chosen,
        hops,
    }
}

#[cfg(test)]
mod tests {
    use super::{Adjacency, distances, pivots};
    use crate::layout::types::Edge;

    #[test]
    fn hops_along_a_path_and_pivots_at_its_ends() {
        let edges: Vec<Edge> = (0..9).map(|i| Edge { a: i, b: i + 1 }).collect();
        let path = Adjacency::new(10, &edges);
        assert_eq!(distances(&path, 3), [3, 2, 1, 0, 1, 2, 3, 4, 5, 6]);
        let found = pivots(&path, 3);
        assert_eq!(found.nodes, [1, 9, 5]);
        assert_eq!(pivots(&path, 100).nodes.len(), 10);
    }
}
