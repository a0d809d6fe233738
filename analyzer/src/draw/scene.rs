//! The scene: every node and edge with its position, ready to be written. It is what `svg` reads.

use super::change;
use super::edge::DrawnEdge;
use super::graph::{Edge, EdgeKind, Graph, Kind, Node, NotDrawn};
use super::node::shape::Shape;
use super::place::{Heading, Placement};
use crate::check::Severity;
use crate::layout::Point;

/// A node with its position.
#[derive(Debug)]
pub(crate) struct SceneNode {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// Further classes.
    pub(crate) classes: Vec<&'static str>,
    pub(crate) members: usize,
    pub(crate) tooltip: Vec<String>,
    pub(crate) shape: Shape,
    pub(crate) position: Point,
}

/// An edge with its line.
#[derive(Debug)]
pub(crate) struct SceneEdge {
    /// Indices of nodes.
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) kind: EdgeKind,
    pub(crate) n: u32,
    /// The highest severity of the findings about it.
    pub(crate) finding: Option<Severity>,
    /// The class of its change, where two maps are compared.
    pub(crate) change: Option<&'static str>,
    pub(crate) tooltip: Vec<String>,
    pub(crate) drawn: DrawnEdge,
}

impl SceneEdge {
    /// Whether it is unchanged in a comparison, and drawn pale.
    pub(crate) fn is_pale(&self) -> bool {
        self.change == Some("stayed") && self.finding.is_none()
    }
}

/// The whole picture.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) nodes: Vec<SceneNode>,
    pub(crate) edges: Vec<SceneEdge>,
    pub(crate) headings: Vec<Heading>,
    /// Lines of the caption; the first is the title.
    pub(crate) caption: Vec<String>,
    /// Scale of the caption and the legend.
    pub(crate) scale: f64,
    pub(crate) width: f64,
    /// Height without legend and notes.
    pub(crate) height: f64,
    pub(crate) not_drawn: NotDrawn,
    pub(crate) merged_by: Option<&'static str>,
    /// Each process stands for a group.
    pub(crate) grouped: bool,
    /// Too many edges for an element each.
    pub(crate) batched: bool,
    /// Too many nodes for full text about each.
    pub(crate) terse: bool,
    /// Two maps are compared.
    pub(crate) compared: bool,
    /// Nodes that are drawn as badges, in the order of their letters.
    pub(crate) hubs: Vec<usize>,
}

impl Scene {
    /// Puts a graph and the positions of its parts together.
    pub(crate) fn new(
        graph: Graph,
        shapes: Vec<Shape>,
        placement: Placement,
        drawn: Vec<DrawnEdge>,
    ) -> Self {
        let compared = graph.compared;
        let nodes = graph
            .nodes
            .into_iter()
            .zip(shapes)
            .zip(placement.positions)
            .map(|((node, shape), position)| scene_node(node, shape, position, compared))
            .collect();
        let edges = graph
            .edges
            .into_iter()
            .zip(drawn)
            .map(|(edge, drawn)| scene_edge(edge, drawn, compared))
            .collect();
        Self {
            nodes,
            edges,
            headings: placement.headings,
            caption: placement.caption,
            scale: placement.scale,
            width: placement.width,
            height: placement.height,
            not_drawn: graph.not_drawn,
            merged_by: graph.merged_by,
            grouped: graph.grouped,
            batched: graph.batched,
            terse: graph.terse,
            compared,
            hubs: graph.hubs.iter().map(|hub| *hub as usize).collect(),
        }
    }
}

fn scene_node(node: Node, shape: Shape, position: Point, compared: bool) -> SceneNode {
    let mut classes = Vec::new();
    classes.extend(compared.then(|| change::class(node.change)));
    if node.members > 1 {
        classes.push("group");
    }
    if node.attached_to.is_some() {
        classes.push("docked");
    }
    if let Some(findings) = &node.findings {
        classes.extend(["finding", findings.severity.name()]);
    } else if node.is_concerned {
        classes.push("concerned");
    }
    if node.is_unread {
        classes.push("unread");
    }
    if node.is_net {
        classes.push("net");
    }
    SceneNode {
        id: node.id,
        kind: node.kind,
        classes,
        members: node.members,
        tooltip: node.tooltip,
        shape,
        position,
    }
}

fn scene_edge(edge: Edge, drawn: DrawnEdge, compared: bool) -> SceneEdge {
    SceneEdge {
        a: edge.a as usize,
        b: edge.b as usize,
        kind: edge.kind,
        n: edge.n,
        finding: edge.finding,
        change: compared.then(|| change::class(edge.change)),
        tooltip: edge.tooltip,
        drawn,
    }
}
