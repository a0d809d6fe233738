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
use super::place::Routes;
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
pub(crate) fn draw(
    graph: &Graph,
    shapes: &[Shape],
    positions: &[Point],
    routes: &Routes,
) -> Vec<DrawnEdge> {
    // Among very many lines a detour cannot be followed.
    let router = Router::new(shapes, positions, !graph.batched);
    let lines: Vec<Line> = graph
        .edges
        .chunk_by(|one, other| (one.a, one.b) == (other.a, other.b))
        .flat_map(|parallels| route_parallels(graph, &router, routes, parallels))
        .collect();
    let polylines: Vec<Polyline> = lines.iter().map(Polyline::new).collect();
    let markers = markers::place(graph, shapes, positions, &polylines);
    let counts = count_label::place(graph, shapes, positions, &polylines, &markers);
    lines
        .into_iter()
        .zip(markers)
        .zip(counts)
        .map(|((line, markers), count)| DrawnEdge {
            line,
            markers,
            count,
        })
        .collect()
}

/// The lines of all edges between two nodes.
fn route_parallels(
    graph: &Graph,
    router: &Router<'_>,
    routes: &Routes,
    parallels: &[Edge],
) -> Vec<Line> {
    let line = |(nth, edge): (usize, &Edge)| {
        let (a, b) = (edge.a, edge.b);
        match graph.nodes[b as usize].attached_to {
            Some(_) => router.attached_line(a, b),
            None => router.line((a, b), nth, parallels.len(), routes.find(a, b)),
        }
    };
    parallels.iter().enumerate().map(line).collect()
}
