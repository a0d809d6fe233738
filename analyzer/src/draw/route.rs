//! The ways of edges: clipped at outlines, bent where several join the same two nodes, with their
//! circles beside each other instead of on top of each other, and counts where there is room.

use std::collections::BTreeMap;

use super::look::{Look, SMALL_SIZE, Shape};
use super::picture::{EdgeKind, End, Kind};
use super::widths::width;
use crate::layout::Point;

/// Radius of the circles at the ends.
pub(super) const GLYPH: f64 = 4.0;
/// Between two edges that join the same nodes.
const PARALLEL: f64 = 14.0;
/// How far a circle may move from the outline to find room.
const MOST_SHIFT: f64 = 48.0;
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

/// The shape of a line: start, and what follows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// From, to.
    Straight(Point, Point),
    /// From, control point, to.
    Bent(Point, Point, Point),
    /// Start, then two control points and an end for each curve.
    Curves(Vec<Point>),
}

/// What the router needs to know about an edge.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) a: u32,
    pub(super) b: u32,
    /// At each end.
    pub(super) glyphs: [Option<&'static str>; 2],
    /// Written on it if more than 1.
    pub(super) n: u32,
    pub(super) line: Way,
}

/// The glyph at an end, by the kind of edge and of node.
pub(super) fn glyph(kind: EdgeKind, end: End, node: Kind) -> Option<&'static str> {
    // The node is the socket, or stands for it.
    let circle = !matches!(node, Kind::Socket | Kind::Listener | Kind::Outside);
    match kind {
        _ if end.arrow => Some("arrow"),
        EdgeKind::Unix | EdgeKind::Pending if circle && end.server => Some("server"),
        EdgeKind::Unix | EdgeKind::Pending if circle && end.socket => Some("socket"),
        EdgeKind::Net if circle => Some("net"),
        _ => None,
    }
}

/// Knows where everything stands.
pub(super) struct Router<'a> {
    looks: &'a [Look],
    spots: &'a [Point],
}

impl<'a> Router<'a> {
    pub(super) fn new(looks: &'a [Look], spots: &'a [Point]) -> Self {
        Self { looks, spots }
    }

    /// The line of the `nth` of `count` edges between two nodes, along `way` if the layout gave one.
    pub(super) fn line(
        &self,
        (a, b): (u32, u32),
        nth: usize,
        count: usize,
        way: Option<Vec<Point>>,
    ) -> Way {
        let (from, to) = (self.spots[a as usize], self.spots[b as usize]);
        let off = PARALLEL * (nth as f64 - (count as f64 - 1.0) / 2.0);
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = dx.hypot(dy).max(1e-6);
        let normal = Point {
            x: -dy / length,
            y: dx / length,
        };
        if let Some(mut points) = way.filter(|points| points.len() >= 4) {
            for point in &mut points {
                point.x += normal.x * off;
                point.y += normal.y * off;
            }
            return Way::Curves(points);
        }
        if off == 0.0 {
            let start = self.clip(a, to);
            let end = self.clip(b, from);
            // Outlines that touch leave no line between them.
            let ahead = (end.x - start.x) * dx + (end.y - start.y) * dy > 0.0;
            return if ahead {
                Way::Straight(start, end)
            } else {
                Way::Straight(from, to)
            };
        }
        let control = Point {
            x: (from.x + to.x) / 2.0 + normal.x * off * 2.0,
            y: (from.y + to.y) / 2.0 + normal.y * off * 2.0,
        };
        Way::Bent(self.clip(a, control), control, self.clip(b, control))
    }

    /// The line from a node down to one that hangs on it; what hangs in between hides it there.
    pub(super) fn hang(&self, upper: u32, lower: u32) -> Way {
        let (above, below) = (self.spots[upper as usize], self.spots[lower as usize]);
        let from = above.y + self.looks[upper as usize].h / 2.0;
        let to = below.y - self.looks[lower as usize].h / 2.0;
        Way::Straight(
            Point {
                x: below.x,
                y: from,
            },
            Point { x: below.x, y: to },
        )
    }

    /// Where the ray from a node's centre to a point leaves its outline.
    fn clip(&self, node: u32, towards: Point) -> Point {
        let (look, center) = (&self.looks[node as usize], self.spots[node as usize]);
        let (dx, dy) = (towards.x - center.x, towards.y - center.y);
        let length = dx.hypot(dy);
        if length < 1e-6 {
            return center;
        }
        let share = match look.shape {
            Shape::Circle => look.w / 2.0 / length,
            _ => leaves(&look.parts, dx, dy, length),
        };
        Point {
            x: center.x + dx * share,
            y: center.y + dy * share,
        }
    }

    /// Puts glyphs and counts on all edges.
    pub(super) fn finish(&self, edges: &[Wanted]) -> Vec<Drawn> {
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
                    let near = lines[at].from_end(end, 0.0).0;
                    let center = self.spots[node as usize];
                    let angle = (near.y - center.y).atan2(near.x - center.x);
                    at_nodes.entry(node).or_default().push((angle, at, end));
                }
            }
        }
        for ends in at_nodes.values_mut() {
            ends.sort_by(|x, y| x.0.total_cmp(&y.0).then((x.1, x.2).cmp(&(y.1, y.2))));
            let mut taken: Vec<Point> = Vec::with_capacity(ends.len());
            for &(_, at, end) in &*ends {
                if let Some(glyph) = edges[at].glyphs[end] {
                    let mark = settle(&lines[at], end, glyph, &taken);
                    taken.push(mark.at);
                    out[at].marks.push(mark);
                }
            }
        }
        self.counts(edges, &lines, &mut out);
        out
    }

    fn counts(&self, edges: &[Wanted], lines: &[Polyline], out: &mut [Drawn]) {
        let mut full = Grid::default();
        for (look, spot) in self.looks.iter().zip(self.spots) {
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
            if edge.n < 2 {
                continue;
            }
            let text = format!("×{}", edge.n);
            let (w, h) = (width(&text, SMALL_SIZE, false), SMALL_SIZE + 1.0);
            for share in [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74] {
                let (middle, _) = lines[at].walk(lines[at].length * share);
                if full.is_free(middle, w, h) {
                    full.add(middle, w, h);
                    out[at].label = Some((middle, text));
                    break;
                }
            }
        }
    }
}

/// How far along the ray (dx, dy) from the origin all parts lie behind. Parts are in the order in
/// which a ray can meet them; one farther off than a step is not met on the way.
fn leaves(parts: &[[f64; 4]], dx: f64, dy: f64, length: f64) -> f64 {
    let step = 6.0 / length;
    let mut share = 0.0;
    for (at, &[left, top, right, bottom]) in parts.iter().enumerate() {
        // Beside what hangs below, a circle needs its own width.
        let beside = if at == 0 { 0.0 } else { GLYPH };
        let (left, right) = (left - beside, right + beside);
        let (mut near, mut far) = (f64::NEG_INFINITY, f64::INFINITY);
        for (low, high, d) in [(left, right, dx), (top, bottom, dy)] {
            let d = if d.abs() < 1e-9 { 1e-9 } else { d };
            near = near.max((low / d).min(high / d));
            far = far.min((low / d).max(high / d));
        }
        if near < far && near <= share + step {
            share = f64::max(share, far);
        }
    }
    share
}

/// The first place along the line, from its end on, that no other glyph of the node takes.
fn settle(line: &Polyline, end: usize, glyph: &'static str, taken: &[Point]) -> Mark {
    let place = |shift: f64| line.from_end(end, GLYPH + shift);
    if glyph == "arrow" {
        // Its tip touches the outline.
        let (at, (dx, dy)) = line.from_end(end, 0.0);
        let turn = Some((-dy).atan2(-dx).to_degrees());
        return Mark { glyph, at, turn };
    }
    let near = || taken.iter().rev().take(NEAR).chain(taken.iter().take(NEAR));
    let most = MOST_SHIFT.min(line.length * 0.4);
    let mut shift = 0.0;
    while shift <= most {
        let (at, _) = place(shift);
        let free = near().all(|other| (other.x - at.x).hypot(other.y - at.y) >= 2.0 * GLYPH);
        if free {
            return Mark {
                glyph,
                at,
                turn: None,
            };
        }
        shift += GLYPH;
    }
    let (at, _) = place(0.0);
    Mark {
        glyph,
        at,
        turn: None,
    }
}

/// A way as straight pieces, to walk along.
struct Polyline {
    points: Vec<Point>,
    length: f64,
}

impl Polyline {
    fn of(way: &Way) -> Self {
        let mut points = Vec::new();
        match way {
            Way::Straight(from, to) => points.extend([*from, *to]),
            Way::Bent(from, control, to) => {
                points.extend((0..=12).map(|i| {
                    let t = f64::from(i) / 12.0;
                    let near = mix(*from, *control, t);
                    mix(near, mix(*control, *to, t), t)
                }));
            }
            Way::Curves(all) => {
                points.extend(all.first());
                for three in all[1..].chunks_exact(3) {
                    let start = points.last().copied().unwrap_or(three[0]);
                    points.extend((1..=8).map(|i| {
                        let t = f64::from(i) / 8.0;
                        let (p, q) = (mix(start, three[0], t), mix(three[0], three[1], t));
                        let r = mix(three[1], three[2], t);
                        mix(mix(p, q, t), mix(q, r, t), t)
                    }));
                }
            }
        }
        let length = points
            .windows(2)
            .map(|two| (two[1].x - two[0].x).hypot(two[1].y - two[0].y))
            .sum();
        Self { points, length }
    }

    /// Point and direction (not normalised) at a distance from the start, at most the end.
    fn walk(&self, distance: f64) -> (Point, (f64, f64)) {
        let mut left = distance;
        let mut last = (self.points[0], (1.0, 0.0));
        for two in self.points.windows(2) {
            let (dx, dy) = (two[1].x - two[0].x, two[1].y - two[0].y);
            let piece = dx.hypot(dy);
            if piece >= left && piece > 0.0 {
                return (mix(two[0], two[1], left / piece), (dx, dy));
            }
            left -= piece;
            last = (two[1], (dx, dy));
        }
        last
    }

    /// Point at a distance from the start (0) or end (1), and the direction away from that end.
    fn from_end(&self, end: usize, distance: f64) -> (Point, (f64, f64)) {
        if end == 0 {
            return self.walk(distance);
        }
        let (at, (dx, dy)) = self.walk((self.length - distance).max(0.0));
        (at, (-dx, -dy))
    }
}

fn mix(a: Point, b: Point, t: f64) -> Point {
    Point {
        x: a.x + (b.x - a.x) * t,
        y: a.y + (b.y - a.y) * t,
    }
}

/// Boxes by the squares they touch.
#[derive(Default)]
struct Grid {
    cells: BTreeMap<(i64, i64), Vec<usize>>,
    boxes: Vec<[f64; 4]>,
}

const CELL: f64 = 64.0;

impl Grid {
    fn add(&mut self, center: Point, w: f64, h: f64) {
        let own = around(center, w, h);
        for cell in cells(own) {
            self.cells.entry(cell).or_default().push(self.boxes.len());
        }
        self.boxes.push(own);
    }

    fn is_free(&self, center: Point, w: f64, h: f64) -> bool {
        let own = around(center, w, h);
        cells(own)
            .filter_map(|cell| self.cells.get(&cell))
            .flatten()
            .map(|at| self.boxes[*at])
            .all(|other| {
                own[0] >= other[2] || own[2] <= other[0] || own[1] >= other[3] || own[3] <= other[1]
            })
    }
}

fn around(center: Point, w: f64, h: f64) -> [f64; 4] {
    let (x, y) = (w / 2.0, h / 2.0);
    [center.x - x, center.y - y, center.x + x, center.y + y]
}

fn cells(of: [f64; 4]) -> impl Iterator<Item = (i64, i64)> {
    let cell = |length: f64| (length / CELL).floor() as i64;
    let rows = cell(of[1])..=cell(of[3]);
    (cell(of[0])..=cell(of[2])).flat_map(move |x| rows.clone().map(move |y| (x, y)))
}
