//! Connected components, each with its own node numbering.
//!
//! Largest component first, equal ones in order of their smallest node: the order depends
//! on the graph only.

use super::adjacency::Adjacency;
use super::types::Edge;
use petgraph::unionfind::UnionFind;

/// One connected component: `nodes[i]` is the graph's number of the local node `i`,
/// ascending.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) nodes: Vec<u32>,
    pub(crate) adjacency: Adjacency,
}

/// All components, single nodes included.
pub(crate) fn split(adjacency: &Adjacency) -> Vec<Component> {
    let count = adjacency.len();
    let edges = adjacency.edges();
    let mut sets = UnionFind::<u32>::new(count);
    for &(a, b) in &edges {
        sets.union(a, b);
    }
    let mut parts: Vec<(Vec<u32>, Vec<Edge>)> = Vec::new();
    let mut part_of_root = vec![usize::MAX; count];
    let mut local = vec![0u32; count];
    for v in 0..count as u32 {
        let part = &mut part_of_root[sets.find(v) as usize];
        if *part == usize::MAX {
            *part = parts.len();
            parts.push((Vec::new(), Vec::new()));
        }
        let nodes = &mut parts[*part].0;
        local[v as usize] = nodes.len() as u32;
        nodes.push(v);
    }
    for (a, b) in edges {
        parts[part_of_root[sets.find(a) as usize]].1.push(Edge {
            a: local[a as usize],
            b: local[b as usize],
        });
    }
    let mut components: Vec<Component> = parts
        .into_iter()
        .map(|(nodes, edges)| Component {
            adjacency: Adjacency::new(nodes.len(), &edges),
            nodes,
        })
        .collect();
    // Stable: equal sizes stay in order of their smallest node.
    components.sort_by_key(|component| std::cmp::Reverse(component.nodes.len()));
    components
}

#[cfg(test)]
mod tests {
    use super::{Adjacency, Edge, split};

    #[test]
    fn largest_first_then_by_smallest_node() {
        let edges = [(5, 6), (1, 2), (2, 3)].map(|(a, b)| Edge { a, b });
        let components = split(&Adjacency::new(7, &edges));
        let nodes: Vec<&[u32]> = components.iter().map(|c| c.nodes.as_slice()).collect();
        assert_eq!(nodes, [&[1, 2, 3][..], &[5, 6], &[0], &[4]]);
        assert_eq!(components[0].adjacency.edges(), [(0, 1), (1, 2)]);
    }
}
