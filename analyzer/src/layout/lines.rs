//! Crossings and boxes under edges, counted some at a time.
//!
//! Edges and boxes lie in columns and the tests have no branches, so that the compiler
//! makes vector instructions of them. In single precision: good enough to choose by.

use super::Point;
use super::boxes::Boxes;

/// All edges as straight lines, in columns, so that crossings with one line are counted
/// some at a time.
pub(crate) struct Lines {
    x1: Vec<f32>,
    y1: Vec<f32>,
    x2: Vec<f32>,
    y2: Vec<f32>,
}

impl Lines {
    pub(crate) fn with(count: usize) -> Self {
        let column = || vec![f32::NAN; count];
        Self {
            x1: column(),
            y1: column(),
            x2: column(),
            y2: column(),
        }
    }

    pub(crate) fn set(&mut self, line: usize, from: Point, to: Point) {
        self.x1[line] = from.x as f32;
        self.y1[line] = from.y as f32;
        self.x2[line] = to.x as f32;
        self.y2[line] = to.y as f32;
    }

    /// Nothing crosses a line that is not there.
    pub(crate) fn hide(&mut self, line: usize) {
        self.x1[line] = f32::NAN;
    }

    /// How many lines cross the one between the two points. Lines that share an end have
    /// an area of exactly 0 between them, which counts as not crossing.
    pub(crate) fn crossed(&self, from: Point, to: Point) -> u32 {
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

    /// How many lines pass through a box around `middle`.
    pub(crate) fn through(&self, middle: Point, half_width: f64, half_height: f64) -> u32 {
        let (x, y) = (middle.x as f32, middle.y as f32);
        let (w, h) = (half_width as f32, half_height as f32);
        let starts = self.x1.iter().zip(&self.y1);
        let ends = self.x2.iter().zip(&self.y2);
        let mut count = 0;
        for ((&ax, &ay), (&bx, &by)) in starts.zip(ends) {
            count += u32::from(meet(
                0.5 * (bx - ax),
                0.5 * (by - ay),
                0.5 * (ax + bx) - x,
                0.5 * (ay + by) - y,
                w,
                h,
            ));
        }
        count
    }
}

/// All boxes, in columns.
pub(crate) struct Frames {
    x: Vec<f32>,
    y: Vec<f32>,
    half_width: Vec<f32>,
    half_height: Vec<f32>,
}

impl Frames {
    pub(crate) fn new(boxes: &Boxes) -> Self {
        let column = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        Self {
            x: column(&boxes.x),
            y: column(&boxes.y),
            half_width: column(&boxes.half_width),
            half_height: column(&boxes.half_height),
        }
    }

    pub(crate) fn set(&mut self, v: usize, middle: Point) {
        self.x[v] = middle.x as f32;
        self.y[v] = middle.y as f32;
    }

    /// Nothing passes through a box that is not there.
    pub(crate) fn hide(&mut self, v: usize) {
        self.x[v] = f32::NAN;
    }

    /// Through how many boxes the line between two points passes.
    pub(crate) fn pierced(&self, from: Point, to: Point) -> u32 {
        let (px, py, qx, qy) = (from.x as f32, from.y as f32, to.x as f32, to.y as f32);
        let (dx, dy) = (0.5 * (qx - px), 0.5 * (qy - py));
        let (mx, my) = (0.5 * (px + qx), 0.5 * (py + qy));
        let middles = self.x.iter().zip(&self.y);
        let halves = self.half_width.iter().zip(&self.half_height);
        let mut count = 0;
        for ((&x, &y), (&w, &h)) in middles.zip(halves) {
            count += u32::from(meet(dx, dy, mx - x, my - y, w, h));
        }
        count
    }
}

/// Whether a line and a box meet: no axis parts them, neither of the box nor the one
/// across the line. The line reaches `±d` around a middle that lies at `m` from the box's.
#[inline(always)]
fn meet(dx: f32, dy: f32, mx: f32, my: f32, w: f32, h: f32) -> bool {
    let (reach_x, reach_y) = (dx.abs(), dy.abs());
    (mx.abs() < w + reach_x)
        & (my.abs() < h + reach_y)
        & ((mx * dy - my * dx).abs() < w * reach_y + h * reach_x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::metrics;
    use crate::layout::rng::Rng;

    #[test]
    fn lines_that_share_an_end_do_not_cross() {
        let mut lines = Lines::with(3);
        let point = |x: f64, y: f64| Point { x, y };
        lines.set(0, point(0.3, 0.7), point(9.1, 3.3));
        lines.set(1, point(5.0, -5.0), point(5.0, 5.0));
        assert_eq!(lines.crossed(point(0.3, 0.7), point(8.7, -1.9)), 1);
        lines.hide(1);
        assert_eq!(lines.crossed(point(0.3, 0.7), point(8.7, -1.9)), 0);
    }

    #[test]
    fn the_quick_tests_agree_with_the_plain_ones() {
        let mut rng = Rng::new(11);
        let mut point = || Point {
            x: 100.0 * rng.unit(),
            y: 100.0 * rng.unit(),
        };
        let mut met = 0;
        for _ in 0..2_000 {
            let (p, q, r, s) = (point(), point(), point(), point());
            let mut lines = Lines::with(1);
            lines.set(0, p, q);
            assert_eq!(lines.crossed(r, s) == 1, metrics::cross(p, q, r, s));
            let expected = metrics::through(p, q, r, 15.0, 5.0);
            let boxes = Boxes {
                x: vec![r.x],
                y: vec![r.y],
                half_width: vec![15.0],
                half_height: vec![5.0],
            };
            assert_eq!(lines.through(r, 15.0, 5.0) == 1, expected);
            assert_eq!(Frames::new(&boxes).pierced(p, q) == 1, expected);
            met += usize::from(expected);
        }
        assert!(met > 100, "{met}");
    }
}
