//! What stands on edges: circles and arrows at their ends, beside each other instead of on top of
//! each other, and counts where there is room.

use std::collections::BTreeMap;

use super::geometry::{Grid, Polyline};
use super::look::{Look, SMALL_SIZE, Shape};
use super::picture::{EdgeKind, End, Kind};
use super::route::{GLYPH, Way};
use super::widths::width;
use crate::layout::Point;

/// How far a circle may move from the outline to find room.
const MOST_SHIFT: f64 = 48.0;
/// From one try to the next.
const STEP: f64 = 2.0;
/// Circles of one node that a new one is compared with: the ones at neighbouring angles.
const NEAR: usize = 48;

/// A glyph at an end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    /// Id of its definition.
    pub(super) glyph: &'static str,
    pub(super) at: Point,
    /// Degrees, for arrows.
    pub(super) turn: Option<f64>,
}

/// An edge, drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    pub(super) line: Way,
    pub(super) marks: Vec<Mark>,
    /// Its count, where there is room: middle of the text.
    pub(super) label: Option<(Point, String)>,
}

/// What the router needs to know about an edge.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) a: u32,
    pub(super) b: u32,
    /// At each end.
    pub(super) glyphs: [Option<&'static str>; 2],
    /// Written on it: the first for which there is room.
    pub(super) labels: Vec<String>,
    pub(super) line: Way,
}

/// The glyph at an end, by the kind of edge and of node.
pub(super) fn glyph(kind: EdgeKind, end: End, node: Kind) -> Option<&'static str> {
    // The node is the socket, or stands for it.
    let circle = !matches!(node, Kind::Socket | Kind::Listener | Kind::Outside);
    match kind {
        _ if end.arrow => Some("arrow"),
        _ if circle && end.net => Some("net"),
        EdgeKind::Unix | EdgeKind::Pending if circle && end.server => Some("server"),
        EdgeKind::Unix | EdgeKind::Pending if circle && end.socket => Some("socket"),
        _ => None,
    }
}

/// Puts glyphs and counts on all edges.
pub(super) fn finish(looks: &[Look], spots: &[Point], edges: &[Wanted]) -> Vec<Drawn> {
    let lines: Vec<Polyline> = edges.iter().map(|edge| Polyline::of(&edge.line)).collect();
    let mut out: Vec<Drawn> = edges
        .iter()
        .map(|edge| Drawn {
            line: edge.line.clone(),
            marks: Vec::new(),
            label: None,
        })
        .collect();
    let mut at_nodes: BTreeMap<u32, Vec<(f64, usize, usize)>> = BTreeMap::new();
    for (at, edge) in edges.iter().enumerate() {
        for (end, node) in [(0, edge.a), (1, edge.b)] {
            if edge.glyphs[end].is_some() {
                let near = lines[at].at_end(end, 0.0).0;
                let center = spots[node as usize];
                let angle = (near.y - center.y).atan2(near.x - center.x);
                at_nodes.entry(node).or_default().push((angle, at, end));
            }
        }
    }
    for (node, ends) in &mut at_nodes {
        let own = Own {
            look: &looks[*node as usize],
            spot: spots[*node as usize],
        };
        ends.sort_by(|x, y| x.0.total_cmp(&y.0).then((x.1, x.2).cmp(&(y.1, y.2))));
        let mut taken: Vec<Point> = Vec::with_capacity(ends.len());
        for &(_, at, end) in &*ends {
            if let Some(glyph) = edges[at].glyphs[end] {
                let mark = settle(&lines[at], end, glyph, own, &taken);
                taken.push(mark.at);
                out[at].marks.push(mark);
            }
        }
    }
    counts(looks, spots, edges, &lines, &mut out);
    out
}

fn counts(
    looks: &[Look],
    spots: &[Point],
    edges: &[Wanted],
    lines: &[Polyline],
    out: &mut [Drawn],
) {
    let mut full = Grid::default();
    for (look, spot) in looks.iter().zip(spots) {
        for [left, top, right, bottom] in &look.parts {
            let middle = Point {
                x: spot.x,
                y: spot.y + (top + bottom) / 2.0,
            };
            full.add(middle, right - left + 2.0, bottom - top + 2.0);
        }
    }
    for drawn in &*out {
        for mark in &drawn.marks {
            full.add(mark.at, 2.0 * GLYPH, 2.0 * GLYPH);
        }
    }
    for (at, edge) in edges.iter().enumerate() {
        out[at].label = edge.labels.iter().find_map(|text| {
            let (w, h) = (width(text, SMALL_SIZE, false), SMALL_SIZE + 1.0);
            let shares = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74].into_iter();
            let mut places = shares.map(|share| lines[at].walk(lines[at].length * share).0);
            let middle = places.find(|middle| full.is_free(*middle, w, h))?;
            full.add(middle, w, h);
            Some((middle, text.clone()))
        });
    }
}

/// The node that glyphs belong to; it is drawn above them.
#[derive(Clone, Copy)]
struct Own<'a> {
    look: &'a Look,
    spot: Point,
}

impl Own<'_> {
    /// Whether a circle would lie half under the node: where a line leaves it at a small angle.
    fn hides(self, at: Point) -> bool {
        let (x, y) = (at.x - self.spot.x, at.y - self.spot.y);
        if self.look.shape == Shape::Circle {
            return false;
        }
        self.look.parts.iter().any(|&[left, top, right, bottom]| {
            let dx = (left - x).max(x - right).max(0.0);
            let dy = (top - y).max(y - bottom).max(0.0);
            dx.hypot(dy) < GLYPH - 0.5
        })
    }
}

/// The first place along the line, from its end on, that no other glyph of the node takes.
fn settle(line: &Polyline, end: usize, glyph: &'static str, own: Own<'_>, taken: &[Point]) -> Mark {
    let place = |shift: f64| line.at_end(end, GLYPH + shift);
    if glyph == "arrow" {
        // Its tip touches the outline.
        let (at, (dx, dy)) = line.at_end(end, 0.0);
        let turn = Some((-dy).atan2(-dx).to_degrees());
        return Mark { glyph, at, turn };
    }
    let near = || taken.iter().rev().take(NEAR).chain(taken.iter().take(NEAR));
    let most = MOST_SHIFT.min(line.length * 0.4);
    let mut shift = 0.0;
    while shift <= most {
        let (at, _) = place(shift);
        let free = near().all(|other| (other.x - at.x).hypot(other.y - at.y) >= 2.0 * GLYPH);
        if free && !own.hides(at) {
            return Mark {
                glyph,
                at,
                turn: None,
            };
        }
        shift += STEP;
    }
    let (at, _) = place(0.0);
    Mark {
        glyph,
        at,
        turn: None,
    }
}
