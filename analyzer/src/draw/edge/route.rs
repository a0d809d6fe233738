//! Routes edges: lines are clipped at outlines, and bent where several join the same two nodes or where
//! a straight line would run behind a third node.

use super::geometry::{Line, Polyline};
use crate::draw::node::shape::{Outline, Shape};
use crate::draw::place::Placement;
use crate::draw::place::grid::{Grid, around_part};
use crate::layout::Point;

/// Radius of the circles at the ends.
pub(crate) const MARKER_RADIUS: f64 = 4.0;
/// Between two edges that join the same nodes.
const PARALLEL: f64 = 14.0;
/// How far the middle of a line moves aside to pass a node.
const DETOURS: [f64; 8] = [18.0, -18.0, 36.0, -36.0, 54.0, -54.0, 80.0, -80.0];
/// Between the points at which a line is tested for nodes in front of it.
const STEP: f64 = 8.0;

/// Routes edges between placed nodes.
pub(crate) struct Router<'a> {
    shapes: &'a [Shape],
    placement: &'a Placement,
    /// Everything that hides a line behind it.
    occupied: Grid,
    /// The node of each box in `occupied`.
    owners: Vec<u32>,
    /// Whether lines pass nodes that would hide them.
    detours: bool,
}

impl<'a> Router<'a> {
    pub(crate) fn new(shapes: &'a [Shape], placement: &'a Placement, detours: bool) -> Self {
        let mut router = Self {
            shapes,
            placement,
            occupied: Grid::default(),
            owners: Vec::new(),
            detours,
        };
        let mut is_attached = vec![false; shapes.len()];
        for (node, _) in shapes.iter().flat_map(|shape| &shape.attached) {
            is_attached[*node as usize] = true;
        }
        for ((node, shape), position) in (0u32..).zip(shapes).zip(&placement.positions) {
            // An attached node is within a part of its owner.
            for part in shape.parts.iter().filter(|_| !is_attached[node as usize]) {
                router.occupied.add(around_part(*position, *part, 0.0));
                router.owners.push(node);
            }
        }
        router
    }

    /// The line of the `nth` of `count` edges between two nodes, along the route that the layout chose
    /// if it did.
    pub(crate) fn line(&self, (a, b): (u32, u32), nth: usize, count: usize) -> Line {
        let (from, to) = (self.position(a), self.position(b));
        let off = PARALLEL * (nth as f64 - (count as f64 - 1.0) / 2.0);
        let route = self.placement.routes.find(a, b);
        if let Some(mut points) = route.filter(|points| points.len() >= 4) {
            let aside = aside(from, to, off);
            for point in &mut points {
                *point = *point + aside;
            }
            return Line::Curves(self.to_outlines((a, b), points));
        }
        let length = from.distance(to).max(1e-6);
        let mut best = self.bent((a, b), off);
        if !self.detours {
            return best;
        }
        let mut hidden = self.hidden((a, b), &best);
        for detour in DETOURS {
            // A detour that is long for its line is harder to follow than a hidden line.
            if hidden == 0 || detour.abs() > length * 0.3 {
                break;
            }
            let line = self.bent((a, b), off + detour);
            let now = self.hidden((a, b), &line);
            if now < hidden {
                (best, hidden) = (line, now);
            }
        }
        best
    }

    /// A route that the layout chose, from outline to outline: its ends are those of the nodes' boxes.
    fn to_outlines(&self, (a, b): (u32, u32), points: Vec<Point>) -> Vec<Point> {
        let (first, last) = (points[0], points[points.len() - 1]);
        let (start, end) = (self.clip(a, first), self.clip(b, last));
        let mut out = Vec::with_capacity(points.len() + 6);
        if start.distance(first) > 1.0 {
            out.extend([start, start, first]);
        }
        out.extend(points);
        if end.distance(last) > 1.0 {
            out.extend([last, end, end]);
        }
        out
    }

    /// How much of a line is behind nodes that it does not join, in steps.
    fn hidden(&self, (a, b): (u32, u32), line: &Line) -> usize {
        let line = Polyline::new(line);
        let steps = (line.length / STEP).floor().min(400.0) as u32;
        (1..steps)
            .map(|step| line.walk(f64::from(step) * STEP).0)
            .filter(|point| {
                let mut owners = self.occupied.at(*point).map(|part| self.owners[part]);
                owners.any(|owner| owner != a && owner != b)
            })
            .count()
    }

    /// The line between two nodes, straight or with its middle moved aside.
    fn bent(&self, (a, b): (u32, u32), off: f64) -> Line {
        let (from, to) = (self.position(a), self.position(b));
        if off == 0.0 {
            let (start, end) = (self.clip(a, to), self.clip(b, from));
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            return match (end.x - start.x) * dx + (end.y - start.y) * dy > 0.0 {
                true => Line::Straight(start, end),
                // Outlines that touch leave no line between them.
                false => Line::Straight(from, to),
            };
        }
        let middle = Point::new((from.x + to.x) / 2.0, (from.y + to.y) / 2.0);
        let control = middle + aside(from, to, off * 2.0);
        Line::Bent(self.clip(a, control), control, self.clip(b, control))
    }

    /// The line from a node down to an attached one; attached nodes in between hide it.
    pub(crate) fn attached_line(&self, upper: u32, lower: u32) -> Line {
        let (above, below) = (self.position(upper), self.position(lower));
        let from = above.y + self.shapes[upper as usize].h / 2.0;
        let to = below.y - self.shapes[lower as usize].h / 2.0;
        Line::Straight(Point::new(below.x, from), Point::new(below.x, to))
    }

    fn position(&self, node: u32) -> Point {
        self.placement.positions[node as usize]
    }

    /// Where the ray from a node's centre to a point leaves its outline.
    fn clip(&self, node: u32, towards: Point) -> Point {
        let (shape, center) = (&self.shapes[node as usize], self.position(node));
        let (dx, dy) = (towards.x - center.x, towards.y - center.y);
        let length = dx.hypot(dy);
        if length < 1e-6 {
            return center;
        }
        let share = match shape.outline {
            Outline::Circle => shape.w / 2.0 / length,
            _ => exit(&shape.parts, dx, dy, length),
        };
        center + Point::new(dx * share, dy * share)
    }
}

/// The way from a line between two points to one beside it, `off` to its left.
fn aside(from: Point, to: Point, off: f64) -> Point {
    let length = from.distance(to).max(1e-6);
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    Point::new(-dy / length * off, dx / length * off)
}

/// The share of the ray (dx, dy) from the origin after which no part follows. Parts are in the order in
/// which a ray can cross them; one farther off than a step is not crossed.
fn exit(parts: &[[f64; 4]], dx: f64, dy: f64, length: f64) -> f64 {
    let step = 6.0 / length;
    let mut share = 0.0;
    for (number, &[left, top, right, bottom]) in parts.iter().enumerate() {
        // Beside badges below the outline, a circle needs its own width.
        let beside = if number == 0 { 0.0 } else { MARKER_RADIUS };
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
