//! Runs the layout on the nodes that are on no shelf.

use super::placement::MARGIN;
use crate::draw::graph::{Graph, Shelf};
use crate::draw::node::shape::Shape;
use crate::draw::options::Layout;
use crate::layout::{self, LayeredError, Positions, Route, Size};

/// Between nodes, so that a circle at each end of an edge has room.
pub const GAP: f64 = 22.0;
/// Around hubs more, for the circles at the ends of their edges.
const HUB_GAP: f64 = 24.0;
/// Neighbours without which a node is no hub.
const FEW_NEIGHBOURS: f64 = 6.0;

/// The input of the layout for a picture that is not compared.
pub(crate) fn input(graph: &Graph, shapes: &[Shape], layout: Layout) -> layout::Graph {
    let shelves: Vec<Shelf> = graph.nodes.iter().map(|node| node.shelf).collect();
    layout_graph(graph, shapes, &layout_nodes(graph, &shelves), layout)
}

/// The nodes that the layout places.
pub(super) fn layout_nodes(graph: &Graph, shelves: &[Shelf]) -> Vec<u32> {
    (0u32..)
        .zip(graph.nodes.iter().zip(shelves))
        .filter(|(_, (node, shelf))| **shelf == Shelf::None && node.attached_to.is_none())
        .map(|(index, _)| index)
        .collect()
}

/// Sizes of these nodes, and the edges between them.
fn layout_graph(graph: &Graph, shapes: &[Shape], nodes: &[u32], layout: Layout) -> layout::Graph {
    let mut indices = vec![u32::MAX; shapes.len()];
    for (index, node) in (0u32..).zip(nodes) {
        indices[*node as usize] = index;
    }
    let neighbours = graph.neighbours();
    let sizes = nodes
        .iter()
        .map(|node| {
            let (w, h) = shapes[*node as usize].full_size();
            let gap = match layout {
                Layout::Stress => neighbours[*node as usize].len() as f64 - FEW_NEIGHBOURS,
                // The lines that it chooses end at the boxes that it is given.
                Layout::Layered | Layout::Matrix => 0.0,
            };
            let gap = gap.clamp(0.0, HUB_GAP);
            Size {
                w: w + 2.0 * gap,
                h: h + 2.0 * gap,
            }
        })
        .collect();
    let edges = graph
        .edges
        .iter()
        .filter_map(|edge| {
            let (a, b) = (indices[edge.a as usize], indices[edge.b as usize]);
            if a == u32::MAX || b == u32::MAX {
                return None;
            }
            // Ranked drawings go from clients down to servers, from writers to readers.
            let is_upwards = (edge.a_end.server && !edge.b_end.server)
                || (edge.a_end.arrow && !edge.b_end.arrow);
            let (a, b) = if is_upwards { (b, a) } else { (a, b) };
            Some(layout::Edge { a, b })
        })
        .collect();
    layout::Graph { sizes, edges }
}

/// Positions of these nodes, and the lines that the layout chose.
pub(super) fn run(
    graph: &Graph,
    shapes: &[Shape],
    nodes: &[u32],
    layout: Layout,
) -> Result<(Positions, Vec<Route>), LayeredError> {
    let graph = layout_graph(graph, shapes, nodes, layout);
    let options = layout::Options {
        gap: GAP,
        margin: MARGIN,
        ..layout::Options::default()
    };
    Ok(match layout {
        Layout::Stress | Layout::Matrix => (layout::stress(&graph, &options), Vec::new()),
        Layout::Layered => {
            let layered = layout::layered(&graph, &options)?;
            (layered.positions, layered.routes)
        }
    })
}
