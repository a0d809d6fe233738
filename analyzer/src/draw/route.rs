//! The ways of edges: clipped at outlines, bent where several join the same two nodes or where a
//! straight line would run behind a third one.

use super::geometry::{Grid, Polyline};
use super::look::{Look, Shape};
use crate::layout::Point;

/// Radius of the circles at the ends.
pub(super) const GLYPH: f64 = 4.0;
/// Between two edges that join the same nodes.
const PARALLEL: f64 = 14.0;
/// How far the middle of a line moves aside to pass by what is in its way.
const DETOURS: [f64; 8] = [18.0, -18.0, 36.0, -36.0, 54.0, -54.0, 80.0, -80.0];
/// At such distances a line looks whether it is hidden.
const STEP: f64 = 8.0;

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

/// Knows where everything stands.
pub(super) struct Router<'a> {
    looks: &'a [Look],
    spots: &'a [Point],
    /// Everything that hides a line behind it.
    full: Grid,
    /// The node of each box in `full`.
    owners: Vec<u32>,
    /// Whether lines pass by what is in their way.
    detours: bool,
}

impl<'a> Router<'a> {
    pub(super) fn new(looks: &'a [Look], spots: &'a [Point], detours: bool) -> Self {
        let mut router = Self {
            looks,
            spots,
            full: Grid::default(),
            owners: Vec::new(),
            detours,
        };
        let mut hangs = vec![false; looks.len()];
        for (node, _) in looks.iter().flat_map(|look| &look.docked) {
            hangs[*node as usize] = true;
        }
        for ((node, look), spot) in (0u32..).zip(looks).zip(spots) {
            // What hangs on another is one of the parts of that one.
            for part in look.parts.iter().filter(|_| !hangs[node as usize]) {
                router.full.add_around(*spot, *part);
                router.owners.push(node);
            }
        }
        router
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
            return Way::Curves(self.reaching((a, b), points));
        }
        let mut best = self.bent((a, b), off);
        if !self.detours {
            return best;
        }
        let mut hidden = self.hidden((a, b), &best);
        for detour in DETOURS {
            // A line that swings out far from a short way is harder to follow than one that hides.
            if hidden == 0 || detour.abs() > length * 0.3 {
                break;
            }
            let way = self.bent((a, b), off + detour);
            let now = self.hidden((a, b), &way);
            if now < hidden {
                (best, hidden) = (way, now);
            }
        }
        best
    }

    /// A way that the layout chose, from outline to outline: it knows only the room of a node.
    fn reaching(&self, (a, b): (u32, u32), points: Vec<Point>) -> Vec<Point> {
        let apart = |p: Point, q: Point| (p.x - q.x).hypot(p.y - q.y) > 1.0;
        let (first, last) = (points[0], points[points.len() - 1]);
        let (start, end) = (self.clip(a, first), self.clip(b, last));
        let mut out = Vec::with_capacity(points.len() + 6);
        if apart(start, first) {
            out.extend([start, start, first]);
        }
        out.extend(points);
        if apart(end, last) {
            out.extend([last, end, end]);
        }
        out
    }

    /// How much of a way lies behind nodes that it does not join, in steps.
    fn hidden(&self, (a, b): (u32, u32), way: &Way) -> usize {
        let line = Polyline::of(way);
        let steps = (line.length / STEP).floor().min(400.0) as u32;
        (1..steps)
            .map(|step| line.walk(f64::from(step) * STEP).0)
            .filter(|point| {
                self.full.at(*point).any(|at| {
                    let owner = self.owners[at];
                    owner != a && owner != b
                })
            })
            .count()
    }

    /// The line between two nodes, straight or with its middle moved aside.
    fn bent(&self, (a, b): (u32, u32), off: f64) -> Way {
        let (from, to) = (self.spots[a as usize], self.spots[b as usize]);
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = dx.hypot(dy).max(1e-6);
        let normal = Point {
            x: -dy / length,
            y: dx / length,
        };
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
}

/// How far along the ray (dx, dy) from the origin all parts lie behind. Parts are in the order in
/// which a ray can meet them; one farther off than a step is not met on the way.
fn leaves(parts: &[[f64; 4]], dx: f64, dy: f64, length: f64) -> f64 {
    let step = 6.0 / length;
    let mut share = 0.0;
    for (at, &[left, top, right, bottom]) in parts.iter().enumerate() {
        // Beside badges that hang below, a circle needs its own width.
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
