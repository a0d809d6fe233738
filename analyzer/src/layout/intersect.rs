//! Intersections of edges with each other and with boxes.
//!
//! [`crossings`] counts exactly, in double precision. [`Segments`] and [`Rects`] serve the
//! inner loop of refinement: coordinates in columns and branch-free tests, which the
//! compiler vectorises, in single precision.

use super::adjacency::Adjacency;
use super::boxes::{Boxes, narrow};
use super::types::Point;

/// All edges as straight segments.
pub(crate) struct Segments {
    x1: Vec<f32>,
    y1: Vec<f32>,
    x2: Vec<f32>,
    y2: Vec<f32>,
}

impl Segments {
    /// `count` hidden segments.
    pub(crate) fn hidden(count: usize) -> Self {
        let column = || vec![f32::NAN; count];
        Self {
            x1: column(),
            y1: column(),
            x2: column(),
            y2: column(),
        }
    }

    /// Sets and shows one segment.
    pub(crate) fn set(&mut self, segment: usize, from: Point, to: Point) {
        self.x1[segment] = from.x as f32;
        self.y1[segment] = from.y as f32;
        self.x2[segment] = to.x as f32;
        self.y2[segment] = to.y as f32;
    }

    /// Excludes one segment from all counts.
    pub(crate) fn hide(&mut self, segment: usize) {
        self.x1[segment] = f32::NAN;
    }

    /// Number of segments that cross the one between two points. Segments that share an end
    /// span an area of exactly 0, which does not count as crossing.
    pub(crate) fn count_crossing(&self, from: Point, to: Point) -> u32 {
        let (px, py, qx, qy) = (from.x as f32, from.y as f32, to.x as f32, to.y as f32);
        let (rx, ry) = (qx - px, qy - py);
        let starts = self.x1.iter().zip(&self.y1);
        let ends = self.x2.iter().zip(&self.y2);
        let mut count = 0;
        for ((&ax, &ay), (&bx, &by)) in starts.zip(ends) {
            let sides = (rx * (ay - py) - ry * (ax - px)) * (rx * (by - py) - ry * (bx - px));
            let (sx, sy) = (bx - ax, by - ay);
            let across = (sx * (py - ay) - sy * (px - ax)) * (sx * (qy - ay) - sy * (qx - ax));
            count += u32::from((sides < 0.0) & (across < 0.0));
        }
        count
    }

    /// Number of segments that pass through a box around `middle`.
    pub(crate) fn count_through_box(
        &self,
        middle: Point,
        half_width: f64,
        half_height: f64,
    ) -> u32 {
        let (x, y) = (middle.x as f32, middle.y as f32);
        let (w, h) = (half_width as f32, half_height as f32);
        let starts = self.x1.iter().zip(&self.y1);
        let ends = self.x2.iter().zip(&self.y2);
        let mut count = 0;
        for ((&ax, &ay), (&bx, &by)) in starts.zip(ends) {
            let (dx, dy) = (0.5 * (bx - ax), 0.5 * (by - ay));
            let (mx, my) = (0.5 * (ax + bx) - x, 0.5 * (ay + by) - y);
            count += u32::from(intersects(dx, dy, mx, my, w, h));
        }
        count
    }
}

/// All boxes.
pub(crate) struct Rects {
    x: Vec<f32>,
    y: Vec<f32>,
    half_width: Vec<f32>,
    half_height: Vec<f32>,
}

impl Rects {
    pub(crate) fn new(boxes: &Boxes) -> Self {
        Self {
            x: narrow(&boxes.x),
            y: narrow(&boxes.y),
            half_width: narrow(&boxes.half_width),
            half_height: narrow(&boxes.half_height),
        }
    }

    /// Moves and shows one box.
    pub(crate) fn set(&mut self, v: usize, middle: Point) {
        self.x[v] = middle.x as f32;
        self.y[v] = middle.y as f32;
    }

    /// Excludes one box from all counts.
    pub(crate) fn hide(&mut self, v: usize) {
        self.x[v] = f32::NAN;
    }

    /// Number of boxes that the segment between two points passes through.
    pub(crate) fn count_crossed_by(&self, from: Point, to: Point) -> u32 {
        let (px, py, qx, qy) = (from.x as f32, from.y as f32, to.x as f32, to.y as f32);
        let (dx, dy) = (0.5 * (qx - px), 0.5 * (qy - py));
        let (mx, my) = (0.5 * (px + qx), 0.5 * (py + qy));
        let middles = self.x.iter().zip(&self.y);
        let halves = self.half_width.iter().zip(&self.half_height);
        let mut count = 0;
        for ((&x, &y), (&w, &h)) in middles.zip(halves) {
            count += u32::from(intersects(dx, dy, mx - x, my - y, w, h));
        }
        count
    }
}

/// Pairs of edges that cross as straight segments between centers.
pub(crate) fn crossings(adjacency: &Adjacency, boxes: &Boxes) -> usize {
    let low = |&(a, b): &(u32, u32)| boxes.x[a as usize].min(boxes.x[b as usize]);
    let high = |&(a, b): &(u32, u32)| boxes.x[a as usize].max(boxes.x[b as usize]);
    let mut edges = adjacency.edges();
    edges.sort_by(|p, q| low(p).total_cmp(&low(q)));
    let mut count = 0;
    for (i, p) in edges.iter().enumerate() {
        let end = high(p);
        for q in edges[i + 1..].iter().take_while(|q| low(q) <= end) {
            let disjoint = p.0 != q.0 && p.0 != q.1 && p.1 != q.0 && p.1 != q.1;
            let center = |v: u32| boxes.center(v as usize);
            if disjoint && segments_cross(center(p.0), center(p.1), center(q.0), center(q.1)) {
                count += 1;
            }
        }
    }
    count
}

/// Whether the segments `ab` and `cd` cross at an inner point of both.
fn segments_cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

/// Whether a segment and a box intersect, by the separating axis theorem. The segment
/// extends `±d` around its midpoint, which is at `m` relative to the center of the box.
#[inline(always)]
fn intersects(dx: f32, dy: f32, mx: f32, my: f32, w: f32, h: f32) -> bool {
    let (reach_x, reach_y) = (dx.abs(), dy.abs());
    (mx.abs() < w + reach_x)
        & (my.abs() < h + reach_y)
        & ((mx * dy - my * dx).abs() < w * reach_y + h * reach_x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::rng::Rng;

    /// Whether the segment `pq` passes through a box, by clipping.
    fn passes_through(
        p: Point,
        q: Point,
        middle: Point,
        half_width: f64,
        half_height: f64,
    ) -> bool {
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        for (from, to, center, half) in [
            (p.x, q.x, middle.x, half_width),
            (p.y, q.y, middle.y, half_height),
        ] {
            let (s, t) = (
                (center - half - from) / (to - from),
                (center + half - from) / (to - from),
            );
            enter = enter.max(s.min(t));
            leave = leave.min(s.max(t));
        }
        enter < leave
    }

    #[test]
    fn segments_that_share_an_end_do_not_cross() {
        let mut segments = Segments::hidden(3);
        let point = |x: f64, y: f64| Point { x, y };
        segments.set(0, point(0.3, 0.7), point(9.1, 3.3));
        segments.set(1, point(5.0, -5.0), point(5.0, 5.0));
        assert_eq!(
            segments.count_crossing(point(0.3, 0.7), point(8.7, -1.9)),
            1
        );
        segments.hide(1);
        assert_eq!(
            segments.count_crossing(point(0.3, 0.7), point(8.7, -1.9)),
            0
        );
    }

    #[test]
    fn the_vectorised_tests_agree_with_the_plain_ones() {
        let mut rng = Rng::new(11);
        let mut point = || Point {
            x: 100.0 * rng.unit(),
            y: 100.0 * rng.unit(),
        };
        let mut hits = 0;
        for _ in 0..2_000 {
            let (p, q, r, s) = (point(), point(), point(), point());
            let mut segments = Segments::hidden(1);
            segments.set(0, p, q);
            assert_eq!(
                segments.count_crossing(r, s) == 1,
                segments_cross(p, q, r, s)
            );
            let expected = passes_through(p, q, r, 15.0, 5.0);
            let boxes = Boxes {
                x: vec![r.x],
                y: vec![r.y],
                half_width: vec![15.0],
                half_height: vec![5.0],
            };
            assert_eq!(segments.count_through_box(r, 15.0, 5.0) == 1, expected);
            assert_eq!(Rects::new(&boxes).count_crossed_by(p, q) == 1, expected);
            hits += usize::from(expected);
        }
        assert!(hits > 100, "{hits}");
    }
}
