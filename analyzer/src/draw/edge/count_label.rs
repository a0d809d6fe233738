//! Writes the count on an edge, where there is room beside nodes, markers and other counts.

use super::geometry::Polyline;
use super::markers::Marker;
use super::route::MARKER_RADIUS;
use crate::diff::ChangeStatus;
use crate::draw::graph::{Edge, EdgeKind, Graph};
use crate::draw::node::shape::{SMALL_SIZE, Shape};
use crate::draw::node::text_width::width;
use crate::draw::place::grid::{Grid, around, around_part};
use crate::layout::Point;

/// Positions along an edge, as shares of its length, the best first.
const SHARES: [f64; 7] = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74];

/// The count of each edge with the middle of its text; `None`: it has none, or no room.
pub(super) fn place(
    graph: &Graph,
    shapes: &[Shape],
    positions: &[Point],
    lines: &[Polyline],
    markers: &[Vec<Marker>],
) -> Vec<Option<(Point, String)>> {
    let mut occupied = Grid::default();
    for (shape, position) in shapes.iter().zip(positions) {
        for part in &shape.parts {
            occupied.add(around_part(*position, *part, 2.0));
        }
    }
    for marker in markers.iter().flatten() {
        let size = 2.0 * MARKER_RADIUS;
        occupied.add(around(marker.position, size, size));
    }
    let place_label = |(edge, line): (&Edge, &Polyline)| {
        counts(edge).find_map(|text| {
            let (w, h) = (width(&text, SMALL_SIZE, false), SMALL_SIZE + 1.0);
            let mut middles = SHARES.iter().map(|share| line.walk(line.length * share).0);
            let middle = middles.find(|middle| occupied.is_free(around(*middle, w, h)))?;
            occupied.add(around(middle, w, h));
            Some((middle, text))
        })
    };
    graph.edges.iter().zip(lines).map(place_label).collect()
}

/// Texts for an edge, the best first: the numbers in both maps where they differ; how many it stands
/// for, where that is more than one.
fn counts(edge: &Edge) -> impl Iterator<Item = String> {
    let is_counted = !matches!(edge.kind, EdgeKind::Holds | EdgeKind::Accepts);
    let changed = edge.counts.filter(|(old, new)| old != new);
    let changed = changed.filter(|_| is_counted && edge.change == ChangeStatus::Changed);
    let changed = changed.map(|(old, new)| format!("{old} → {new}"));
    let many = (is_counted && edge.n > 1).then(|| format!("×{}", edge.n));
    changed.into_iter().chain(many)
}
