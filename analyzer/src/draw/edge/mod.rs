//! Lines of edges, the markers at their ends and the counts on them. Reads the resolved graph and the
//! positions of nodes only.

mod count_label;
mod geometry;
mod markers;
mod route;

pub(crate) use geometry::Line;
pub(crate) use markers::Marker;
pub(crate) use route::MARKER_RADIUS;

use super::graph::{Edge, Graph};
use super::node::shape::Shape;
use super::place::Placement;
use crate::layout::Point;
use geometry::Polyline;
use route::Router;

/// An edge with its line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DrawnEdge {
    pub(crate) line: Line,
    pub(crate) markers: Vec<Marker>,
    /// Its count, where there is room: middle of the text.
    pub(crate) count: Option<(Point, String)>,
}

/// Draws all edges, in the order of the graph's.
pub(crate) fn draw(graph: &Graph, shapes: &[Shape], placement: &Placement) -> Vec<DrawnEdge> {
    // Among very many lines a detour cannot be followed.
    let router = Router::new(shapes, placement, !graph.batched);
    let mut lines = Vec::with_capacity(graph.edges.len());
    let is_parallel = |one: &Edge, other: &Edge| (one.a, one.b) == (other.a, other.b);
    for parallels in graph.edges.chunk_by(is_parallel) {
        for (nth, &Edge { a, b, .. }) in parallels.iter().enumerate() {
            lines.push(match graph.nodes[b as usize].attached_to {
                Some(_) => router.attached_line(a, b),
                None => router.line((a, b), nth, parallels.len()),
            });
        }
    }
    let positions = &placement.positions;
    let polylines: Vec<Polyline> = lines.iter().map(Polyline::new).collect();
    let markers = markers::place(graph, shapes, positions, &polylines);
    let counts = count_label::place(graph, shapes, positions, &polylines, &markers);
    let drawn = |((line, markers), count)| DrawnEdge {
        line,
        markers,
        count,
    };
    let parts = lines.into_iter().zip(markers).zip(counts);
    parts.map(drawn).collect()
}
