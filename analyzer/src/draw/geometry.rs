//! Lines to walk along, and boxes to look up by place.

use std::collections::BTreeMap;

use super::route::Way;
use crate::layout::Point;

/// A way as straight pieces, to walk along.
pub(super) struct Polyline {
    points: Vec<Point>,
    pub(super) length: f64,
}

impl Polyline {
    /// Curves in pieces small enough that nobody sees a circle stand beside its line.
    pub(super) fn of(way: &Way) -> Self {
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
    pub(super) fn walk(&self, distance: f64) -> (Point, (f64, f64)) {
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
    pub(super) fn at_end(&self, end: usize, distance: f64) -> (Point, (f64, f64)) {
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
pub(super) struct Grid {
    cells: BTreeMap<(i64, i64), Vec<usize>>,
    boxes: Vec<[f64; 4]>,
}

const CELL: f64 = 64.0;

impl Grid {
    /// Adds a box by its centre and size.
    pub(super) fn add(&mut self, center: Point, w: f64, h: f64) {
        let own = around(center, w, h);
        for cell in cells(own) {
            self.cells.entry(cell).or_default().push(self.boxes.len());
        }
        self.boxes.push(own);
    }

    /// Adds a box given as left, top, right, bottom around a point.
    pub(super) fn add_around(&mut self, spot: Point, [left, top, right, bottom]: [f64; 4]) {
        let center = Point {
            x: spot.x + (left + right) / 2.0,
            y: spot.y + (top + bottom) / 2.0,
        };
        self.add(center, right - left, bottom - top);
    }

    /// The boxes around a point, by their number.
    pub(super) fn at(&self, point: Point) -> impl Iterator<Item = usize> {
        let cell = |length: f64| (length / CELL).floor() as i64;
        let near = self.cells.get(&(cell(point.x), cell(point.y)));
        near.into_iter().flatten().copied().filter(move |at| {
            let [left, top, right, bottom] = self.boxes[*at];
            left < point.x && point.x < right && top < point.y && point.y < bottom
        })
    }

    /// Whether a box overlaps none of those that were added.
    pub(super) fn is_free(&self, center: Point, w: f64, h: f64) -> bool {
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
