//! Boxes (left, top, right, bottom) that are found by their position.

use std::collections::BTreeMap;

use crate::layout::Point;

/// Boxes by the grid cells that they touch.
#[derive(Default)]
pub(crate) struct Grid {
    cells: BTreeMap<(i64, i64), Vec<usize>>,
    boxes: Vec<[f64; 4]>,
}

/// Side of a cell.
const CELL: f64 = 64.0;

impl Grid {
    /// Adds a box.
    pub(crate) fn add(&mut self, own: [f64; 4]) {
        for cell in cells(own) {
            self.cells.entry(cell).or_default().push(self.boxes.len());
        }
        self.boxes.push(own);
    }

    /// The numbers of the boxes around a point.
    pub(crate) fn at(&self, point: Point) -> impl Iterator<Item = usize> {
        let near = self.cells.get(&(cell(point.x), cell(point.y)));
        near.into_iter().flatten().copied().filter(move |number| {
            let [left, top, right, bottom] = self.boxes[*number];
            left < point.x && point.x < right && top < point.y && point.y < bottom
        })
    }

    /// Whether a box overlaps none of the added ones.
    pub(crate) fn is_free(&self, own: [f64; 4]) -> bool {
        let near = cells(own).filter_map(|cell| self.cells.get(&cell));
        near.flatten().all(|number| {
            let other = self.boxes[*number];
            own[0] >= other[2] || own[2] <= other[0] || own[1] >= other[3] || own[3] <= other[1]
        })
    }
}

/// The box of a size around a point.
pub(crate) fn around(center: Point, w: f64, h: f64) -> [f64; 4] {
    let (x, y) = (w / 2.0, h / 2.0);
    [center.x - x, center.y - y, center.x + x, center.y + y]
}

/// The box of a part of a node at a position, larger by `more` in each direction.
pub(crate) fn around_part(position: Point, part: [f64; 4], more: f64) -> [f64; 4] {
    let [left, top, right, bottom] = part;
    let middle = Point::new((left + right) / 2.0, (top + bottom) / 2.0);
    around(position + middle, right - left + more, bottom - top + more)
}

fn cells(own: [f64; 4]) -> impl Iterator<Item = (i64, i64)> {
    let rows = cell(own[1])..=cell(own[3]);
    (cell(own[0])..=cell(own[2])).flat_map(move |x| rows.clone().map(move |y| (x, y)))
}

fn cell(length: f64) -> i64 {
    (length / CELL).floor() as i64
}
