//! Undirected adjacency in compressed sparse rows.
//!
//! Self-loops, repeated edges and edges to boxes that do not exist are dropped here; later
//! steps rely on that. Hand-written rather than a `petgraph` graph: breadth-first searches
//! from thousands of sources read the rows as plain slices.

use super::types::Edge;

/// Neighbours of node `v` are `to[start[v]..start[v + 1]]`, ascending, without repeats.
#[derive(Debug, Clone, Default)]
pub(crate) struct Adjacency {
    start: Vec<u32>,
    to: Vec<u32>,
}

impl Adjacency {
    pub(crate) fn new(nodes: usize, edges: &[Edge]) -> Self {
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(edges.len() * 2);
        for edge in edges {
            let inside = (edge.a as usize) < nodes && (edge.b as usize) < nodes;
            if inside && edge.a != edge.b {
                pairs.push((edge.a, edge.b));
                pairs.push((edge.b, edge.a));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut start = vec![0u32; nodes + 1];
        for &(a, _) in &pairs {
            start[a as usize + 1] += 1;
        }
        for v in 0..nodes {
            start[v + 1] += start[v];
        }
        Self {
            start,
            to: pairs.into_iter().map(|(_, b)| b).collect(),
        }
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.start.len().saturating_sub(1)
    }

    /// Ascending, without repeats.
    pub(crate) fn neighbours(&self, v: usize) -> &[u32] {
        &self.to[self.start[v] as usize..self.start[v + 1] as usize]
    }

    /// Every edge once, as `(a, b)` with `a < b`, ascending.
    pub(crate) fn edges(&self) -> Vec<(u32, u32)> {
        let pairs = (0..self.len() as u32)
            .flat_map(|v| self.neighbours(v as usize).iter().map(move |&u| (v, u)));
        pairs.filter(|(v, u)| v < u).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Adjacency, Edge};

    #[test]
    fn loops_repeats_and_edges_to_missing_nodes_are_dropped() {
        let edges = [(0, 1), (1, 0), (0, 1), (2, 2), (1, 9), (2, 1)];
        let edges: Vec<Edge> = edges.iter().map(|&(a, b)| Edge { a, b }).collect();
        let adjacency = Adjacency::new(3, &edges);
        assert_eq!(adjacency.edges(), [(0, 1), (1, 2)]);
        assert_eq!(adjacency.neighbours(1), [0, 2]);
        assert_eq!(adjacency.len(), 3);
        assert_eq!(Adjacency::new(0, &[]).len(), 0);
    }
}
