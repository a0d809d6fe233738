//! Orders nodes so that clients come before their servers, as far as there are no cycles.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// The order of nodes.
pub(super) struct Order {
    /// The place of each node.
    pub(super) places: Vec<usize>,
    /// The nodes that call each other in a circle, each with the number of its circle.
    pub(super) cycles: BTreeMap<u32, usize>,
}

/// Orders nodes by the calls `(client, server)` between them: by layer, which is the longest way from
/// a node that nobody calls; in a layer, those that most call first.
pub(super) fn order(nodes: usize, calls: &[(u32, u32)]) -> Order {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(nodes, calls.len());
    for _ in 0..nodes {
        graph.add_node(());
    }
    let mut callers = vec![0_usize; nodes];
    for &(client, server) in calls {
        graph.add_edge(
            NodeIndex::new(client as usize),
            NodeIndex::new(server as usize),
            (),
        );
        callers[server as usize] += 1;
    }
    // Servers come before their clients here.
    let components = tarjan_scc(&graph);
    let mut component_of = vec![0; nodes];
    for (number, component) in components.iter().enumerate() {
        for node in component {
            component_of[node.index()] = number;
        }
    }
    let mut layers = vec![0_usize; components.len()];
    for (number, component) in components.iter().enumerate().rev() {
        for server in component.iter().flat_map(|node| graph.neighbors(*node)) {
            let server = component_of[server.index()];
            if server != number {
                layers[server] = layers[server].max(layers[number] + 1);
            }
        }
    }
    let is_circle = |component: &&Vec<NodeIndex>| component.len() > 1;
    let mut cycles = BTreeMap::new();
    for (number, component) in components.iter().rev().filter(is_circle).enumerate() {
        cycles.extend(component.iter().map(|node| (node.index() as u32, number)));
    }
    // The members of a circle stand together, before others of their layer.
    let key = |node: &usize| {
        let component = component_of[*node];
        let circle = cycles
            .get(&(*node as u32))
            .map_or(usize::MAX, |circle| *circle);
        (layers[component], circle, Reverse(callers[*node]), *node)
    };
    let mut order: Vec<usize> = (0..nodes).collect();
    order.sort_unstable_by_key(key);
    let mut places = vec![0; nodes];
    for (place, node) in order.into_iter().enumerate() {
        places[node] = place;
    }
    Order { places, cycles }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_before_servers_and_circles_stand_together() {
        // 0 → 1 → {2 ⇄ 3} → 4, and 5 → 4.
        let calls = [(0, 1), (1, 2), (2, 3), (3, 2), (3, 4), (5, 4)];
        let order = order(6, &calls);
        let at = |node: usize| order.places[node];
        assert!(at(0) < at(1) && at(1) < at(2) && at(1) < at(3));
        assert_eq!(at(2).abs_diff(at(3)), 1);
        assert!(at(2) < at(4) && at(3) < at(4) && at(5) < at(4));
        assert_eq!(order.cycles, BTreeMap::from([(2, 0), (3, 0)]));
    }
}
