//! Markers at the ends of edges: circles and arrows beside each other instead of on top of each other.

use std::collections::BTreeMap;

use super::geometry::Polyline;
use super::route::MARKER_RADIUS;
use crate::draw::graph::{EdgeEnd, EdgeKind, Graph, Kind};
use crate::draw::node::shape::{Outline, Shape};
use crate::layout::Point;

/// How far a circle may be from the outline to have room.
const MAX_SHIFT: f64 = 48.0;
/// From one position that is tried to the next.
const STEP: f64 = 2.0;
/// Circles of one node that a new one is compared with: the ones at neighbouring angles.
const NEAR: usize = 48;

/// A marker at an end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Marker {
    /// Id of the glyph's definition.
    pub(crate) glyph: &'static str,
    pub(crate) position: Point,
    /// Direction of an arrow, in degrees.
    pub(crate) rotation: Option<f64>,
}

/// The markers of each edge.
pub(super) fn place(
    graph: &Graph,
    shapes: &[Shape],
    positions: &[Point],
    lines: &[Polyline],
) -> Vec<Vec<Marker>> {
    let mut ends: BTreeMap<u32, Vec<End>> = BTreeMap::new();
    for (number, (edge, line)) in graph.edges.iter().zip(lines).enumerate() {
        for (end, node, edge_end) in [(0, edge.a, edge.a_end), (1, edge.b, edge.b_end)] {
            if let Some(glyph) = glyph(edge.kind, edge_end, graph.nodes[node as usize].kind) {
                let near = line.at_end(end, 0.0).0;
                let center = positions[node as usize];
                ends.entry(node).or_default().push(End {
                    angle: (near.y - center.y).atan2(near.x - center.x),
                    edge: number,
                    end,
                    glyph,
                });
            }
        }
    }
    let mut markers = vec![Vec::new(); lines.len()];
    for (node, ends) in &mut ends {
        let (shape, position) = (&shapes[*node as usize], positions[*node as usize]);
        ends.sort_by(|x, y| {
            let by_angle = x.angle.total_cmp(&y.angle);
            by_angle.then((x.edge, x.end).cmp(&(y.edge, y.end)))
        });
        let mut others: Vec<Point> = Vec::with_capacity(ends.len());
        for end in &*ends {
            let is_hidden = |circle: Point| hides(shape, position, circle);
            let marker = place_one(&lines[end.edge], end, is_hidden, &others);
            others.push(marker.position);
            markers[end.edge].push(marker);
        }
    }
    markers
}

/// An end of an edge that gets a marker.
struct End {
    /// Seen from the node's centre.
    angle: f64,
    /// Index of the edge.
    edge: usize,
    /// 0: at its first node.
    end: usize,
    glyph: &'static str,
}

/// The glyph at an end, by the kind of edge and of node.
fn glyph(kind: EdgeKind, end: EdgeEnd, node: Kind) -> Option<&'static str> {
    // Other nodes are sockets, or stand for them.
    let is_process = !matches!(node, Kind::Socket | Kind::Listener | Kind::Outside);
    let is_server = end.server && (is_process || node == Kind::Outside);
    match kind {
        _ if end.arrow => Some("arrow"),
        _ if is_server && end.net => Some("net-server"),
        _ if is_process && end.net => Some("net"),
        EdgeKind::Unix | EdgeKind::Pending if is_process && end.server => Some("server"),
        EdgeKind::Unix | EdgeKind::Pending if is_process && end.socket => Some("socket"),
        _ => None,
    }
}

/// Whether a circle would be half under a node, which is drawn above it: where a line leaves it at a
/// small angle.
fn hides(shape: &Shape, position: Point, circle: Point) -> bool {
    let (x, y) = (circle.x - position.x, circle.y - position.y);
    shape.outline != Outline::Circle
        && shape.parts.iter().any(|&[left, top, right, bottom]| {
            let dx = (left - x).max(x - right).max(0.0);
            let dy = (top - y).max(y - bottom).max(0.0);
            dx.hypot(dy) < MARKER_RADIUS - 0.5
        })
}

/// Places a marker at the first position along the line, from its end on, that no other one takes.
fn place_one(
    line: &Polyline,
    end: &End,
    is_hidden: impl Fn(Point) -> bool,
    others: &[Point],
) -> Marker {
    let glyph = end.glyph;
    if glyph == "arrow" {
        // Its tip touches the outline.
        let (position, (dx, dy)) = line.at_end(end.end, 0.0);
        return Marker {
            glyph,
            position,
            rotation: Some((-dy).atan2(-dx).to_degrees()),
        };
    }
    let position = |shift: f64| line.at_end(end.end, MARKER_RADIUS + shift).0;
    let is_free = |point: Point| {
        let last = others.iter().rev().take(NEAR);
        let mut near = last.chain(others.iter().take(NEAR));
        near.all(|other| other.distance(point) >= 2.0 * MARKER_RADIUS) && !is_hidden(point)
    };
    let max_shift = MAX_SHIFT.min(line.length * 0.4);
    let mut shift = 0.0;
    while shift <= max_shift && !is_free(position(shift)) {
        shift += STEP;
    }
    Marker {
        glyph,
        position: position(if shift <= max_shift { shift } else { 0.0 }),
        rotation: None,
    }
}
