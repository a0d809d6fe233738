//! The scene: every node and edge with its position, ready to be written. It is what `svg` reads.

use super::edge::DrawnEdge;
use super::graph::{Edge, Graph, Node};
use super::node::shape::Shape;
use super::place::Placement;
use crate::diff::ChangeStatus;

/// The whole picture.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) graph: Graph,
    /// The shape of each node.
    pub(crate) shapes: Vec<Shape>,
    pub(crate) placement: Placement,
    /// The line of each edge.
    pub(crate) lines: Vec<DrawnEdge>,
}

impl Scene {
    /// A node of the graph by its index.
    pub(crate) fn node(&self, node: u32) -> &Node {
        &self.graph.nodes[node as usize]
    }

    /// The edges with their lines.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&Edge, &DrawnEdge)> {
        self.graph.edges.iter().zip(&self.lines)
    }

    /// Whether an edge is unchanged in a comparison, and drawn pale.
    pub(crate) fn is_pale(&self, edge: &Edge) -> bool {
        self.graph.compared && edge.change == ChangeStatus::Stayed && edge.finding.is_none()
    }
}
