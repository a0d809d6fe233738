//! Lines of edges, and points and directions along them.

use crate::layout::Point;

/// The line of an edge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// From, to.
    Straight(Point, Point),
    /// From, control point, to.
    Bent(Point, Point, Point),
    /// Start, then two control points and an end for each curve.
    Curves(Vec<Point>),
}

/// A line as straight pieces.
pub(crate) struct Polyline {
    points: Vec<Point>,
    pub(crate) length: f64,
}

impl Polyline {
    /// Divides curves into pieces so small that a circle on them is visibly on the curve.
    pub(crate) fn new(line: &Line) -> Self {
        let mut points = Vec::new();
        match line {
            Line::Straight(from, to) => points.extend([*from, *to]),
            Line::Bent(from, control, to) => {
                points.extend((0..=12).map(|i| {
                    let t = f64::from(i) / 12.0;
                    let near = mix(*from, *control, t);
                    mix(near, mix(*control, *to, t), t)
                }));
            }
            Line::Curves(all) => {
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
        let length = points.windows(2).map(|two| two[0].distance(two[1])).sum();
        Self { points, length }
    }

    /// Point and direction (not normalised) at a distance from the start, at most the end.
    pub(crate) fn walk(&self, distance: f64) -> (Point, (f64, f64)) {
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
    pub(crate) fn at_end(&self, end: usize, distance: f64) -> (Point, (f64, f64)) {
        if end == 0 {
            return self.walk(distance);
        }
        let (at, (dx, dy)) = self.walk((self.length - distance).max(0.0));
        (at, (-dx, -dy))
    }
}

fn mix(a: Point, b: Point, t: f64) -> Point {
    a + Point::new((b.x - a.x) * t, (b.y - a.y) * t)
}
