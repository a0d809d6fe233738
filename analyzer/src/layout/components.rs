//! Splits the graph into connected components, each with its own numbering.
//!
//! Components come largest first, equal ones in order of their smallest node, so that
//! the order never depends on anything but the graph.

use super::Edge;
use super::adjacency::Adjacency;

/// One connected component: `nodes[i]` is the caller's number of the local node `i`.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) nodes: Vec<u32>,
    pub(crate) adjacency: Adjacency,
}

/// All components. Single nodes are components too.
pub(crate) fn split(adjacency: &Adjacency) -> Vec<Component> {
    let count = adjacency.len();
    let mut local = vec![u32::MAX; count];
    let mut components = Vec::new();
    let mut queue = Vec::new();
    for root in 0..count {
        if local[root] != u32::MAX {
            continue;
        }
        queue.clear();
        queue.push(root as u32);
        local[root] = 0;
        let mut head = 0;
        while head < queue.len() {
            let v = queue[head] as usize;
            head += 1;
            for &u in adjacency.neighbours(v) {
                if local[u as usize] == u32::MAX {
                    local[u as usize] = 0;
                    queue.push(u);
                }
            }
        }
        let mut nodes = queue.clone();
        nodes.sort_unstable();
        for (i, &v) in nodes.iter().enumerate() {
            local[v as usize] = i as u32;
        }
        let mut edges = Vec::new();
        for &v in &nodes {
            let a = local[v as usize];
            let ends = adjacency
                .neighbours(v as usize)
                .iter()
                .map(|&u| local[u as usize]);
            edges.extend(ends.filter(|&b| b > a).map(|b| Edge { a, b }));
        }
        let adjacency = Adjacency::new(nodes.len(), &edges);
        components.push(Component { nodes, adjacency });
    }
    // Stable: equal sizes stay in order of their smallest node.
    components.sort_by_key(|c| std::cmp::Reverse(c.nodes.len()));
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
