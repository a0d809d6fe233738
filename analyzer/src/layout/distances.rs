//! Distances in the graph, in edges, by breadth-first search over the adjacency rows.
//!
//! Works on one connected component; does not use positions or sizes. Hand-written rather
//! than `petgraph::visit::Bfs`, which yields no distances: all-pairs searches run once for
//! each node and reuse their buffers.

use super::adjacency::Adjacency;

/// The buffer of a search, reused between searches.
#[derive(Debug, Default)]
pub(crate) struct Search {
    queue: Vec<u32>,
}

/// Distance of a node that was not reached.
pub(crate) const UNREACHED: u32 = u32::MAX;

impl Search {
    /// Fills `hops` with the distance from `source` to every node.
    pub(crate) fn distances(&mut self, adjacency: &Adjacency, source: usize, hops: &mut Vec<u32>) {
        hops.clear();
        hops.resize(adjacency.len(), UNREACHED);
        self.queue.clear();
        self.queue.push(source as u32);
        hops[source] = 0;
        let mut head = 0;
        while head < self.queue.len() {
            let v = self.queue[head] as usize;
            head += 1;
            let next = hops[v] + 1;
            for &u in adjacency.neighbours(v) {
                if hops[u as usize] == UNREACHED {
                    hops[u as usize] = next;
                    self.queue.push(u);
                }
            }
        }
    }
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
    let mut search = Search::default();
    let mut chosen = Vec::new();
    let mut hops = Vec::new();
    let mut nearest = vec![UNREACHED; nodes];
    let mut next =
        (0..nodes).max_by_key(|&v| (adjacency.neighbours(v).len(), std::cmp::Reverse(v)));
    while let Some(pivot) = next {
        let mut row = Vec::new();
        search.distances(adjacency, pivot, &mut row);
        for (near, &d) in nearest.iter_mut().zip(&row) {
            *near = (*near).min(d);
        }
        chosen.push(pivot as u32);
        hops.push(row);
        if chosen.len() >= count {
            break;
        }
        // Of equally far nodes, the one of the highest degree represents most others.
        next = (0..nodes)
            .max_by_key(|&v| {
                (
                    nearest[v],
                    adjacency.neighbours(v).len(),
                    std::cmp::Reverse(v),
                )
            })
            .filter(|&v| nearest[v] > 0);
    }
    Pivots {
        nodes: chosen,
        hops,
    }
}

#[cfg(test)]
mod tests {
    use super::{Adjacency, Search, pivots};
    use crate::layout::types::Edge;

    #[test]
    fn hops_along_a_path_and_pivots_at_its_ends() {
        let edges: Vec<Edge> = (0..9).map(|i| Edge { a: i, b: i + 1 }).collect();
        let path = Adjacency::new(10, &edges);
        let mut hops = Vec::new();
        Search::default().distances(&path, 3, &mut hops);
        assert_eq!(hops, [3, 2, 1, 0, 1, 2, 3, 4, 5, 6]);
        let found = pivots(&path, 3);
        assert_eq!(found.nodes, [1, 9, 5]);
        assert_eq!(pivots(&path, 100).nodes.len(), 10);
    }
}
