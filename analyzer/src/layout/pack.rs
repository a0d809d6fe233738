//! Packing of components on one canvas (Freivalds, Doğrusöz, Ķikusts: Disconnected graph
//! layout and the polyomino packing approach, 2001). Does not rotate or scale components.
//!
//! A component is the set of grid cells spanned by its rows of boxes. Largest first, each
//! goes to the free position nearest the middle, by a metric that yields the desired aspect
//! ratio of the whole. Single boxes are placed in rows below.

use std::collections::BTreeMap;

use super::boxes::Boxes;
use super::types::{Options, Point};

/// Mean number of cells of a component: fine enough for its outline.
const CELLS: f64 = 100.0;
/// Maximum number of cells in all, for a giant component beside thousands of pairs.
const MAX_CELLS: f64 = 2e6;

/// Top left corner of each component; the smallest coordinates are 0.
pub(crate) fn pack(parts: &[Boxes], options: &Options) -> Vec<Point> {
    let mut corners = vec![Point::default(); parts.len()];
    let singles: Vec<usize> = (0..parts.len()).filter(|&i| parts[i].len() == 1).collect();
    let groups: Vec<usize> = (0..parts.len()).filter(|&i| parts[i].len() > 1).collect();
    let (width, height) = pack_groups(parts, &groups, options, &mut corners);
    let top = if groups.is_empty() {
        0.0
    } else {
        height + options.spacing
    };
    pack_rows(parts, &singles, options, width, top, &mut corners);
    // Half of the gap around each box lies outside of the drawing.
    for corner in &mut corners {
        corner.x -= options.gap / 2.0;
        corner.y -= options.gap / 2.0;
    }
    corners
}

/// Places single boxes in rows from `top` on, the tallest first.
fn pack_rows(
    parts: &[Boxes],
    singles: &[usize],
    options: &Options,
    min_width: f64,
    top: f64,
    corners: &mut [Point],
) {
    let size = |i: usize| (2.0 * parts[i].half_width[0], 2.0 * parts[i].half_height[0]);
    let area: f64 = singles.iter().map(|&i| size(i).0 * size(i).1).sum();
    let widest = singles.iter().map(|&i| size(i).0).fold(0.0, f64::max);
    // The width w of the whole satisfies w / aspect = top + area / w.
    let a = options.aspect;
    let balanced = (top * a + ((top * a).powi(2) + 4.0 * a * area).sqrt()) / 2.0;
    let width = if top == 0.0 {
        balanced.max(widest)
    } else {
        balanced.min(min_width * 4.0).max(min_width).max(widest)
    };
    let mut order = singles.to_vec();
    order.sort_by(|&i, &j| size(j).1.total_cmp(&size(i).1).then(i.cmp(&j)));
    let (mut x, mut y, mut row) = (0.0, top, 0.0f64);
    for i in order {
        let (w, h) = size(i);
        if x > 0.0 && x + w > width {
            (x, y, row) = (0.0, y + row, 0.0);
        }
        corners[i] = Point { x, y };
        x += w;
        row = row.max(h);
    }
}

/// Outline of a component: the first and past-the-end cell of each row.
struct Outline {
    rows: Vec<(i64, i64)>,
}

impl Outline {
    fn new(boxes: &Boxes, cell: f64, spacing: f64) -> Self {
        let [.., bottom] = boxes.bounds();
        let count = ((bottom + spacing) / cell).ceil().max(1.0) as usize;
        let mut rows = vec![(i64::MAX, i64::MIN); count];
        for v in 0..boxes.len() {
            let index = |value: f64| (value / cell).floor() as i64;
            let left = index(boxes.x[v] - boxes.half_width[v]);
            let right = index(boxes.x[v] + boxes.half_width[v] + spacing) + 1;
            let first = index(boxes.y[v] - boxes.half_height[v]).max(0) as usize;
            let last = index(boxes.y[v] + boxes.half_height[v] + spacing) as usize;
            for row in &mut rows[first..=last.min(count - 1)] {
                *row = (row.0.min(left), row.1.max(right));
            }
        }
        // Rows without a box are crossed by edges: as wide as the row above.
        for i in 1..count {
            if rows[i].0 == i64::MAX {
                rows[i] = rows[i - 1];
            }
        }
        Self { rows }
    }

    /// Height in cells.
    fn height(&self) -> i64 {
        i64::try_from(self.rows.len()).unwrap_or(i64::MAX)
    }

    /// Width in cells.
    fn width(&self) -> i64 {
        self.rows.iter().map(|row| row.1).max().unwrap_or(1)
    }
}

/// Places components of several boxes; returns width and height of all.
fn pack_groups(
    parts: &[Boxes],
    groups: &[usize],
    options: &Options,
    corners: &mut [Point],
) -> (f64, f64) {
    let sizes: Vec<(f64, f64)> = groups
        .iter()
        .map(|&i| {
            let [.., right, bottom] = parts[i].bounds();
            (right + options.spacing, bottom + options.spacing)
        })
        .collect();
    if groups.len() == 1 {
        return (sizes[0].0 - options.spacing, sizes[0].1 - options.spacing);
    }
    if groups.is_empty() {
        return (0.0, 0.0);
    }
    let area: f64 = sizes.iter().map(|(w, h)| w * h).sum();
    let cell = (area / (CELLS * groups.len() as f64).min(MAX_CELLS)).sqrt();
    let outlines: Vec<Outline> = groups
        .iter()
        .map(|&i| Outline::new(&parts[i], cell, options.spacing))
        .collect();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    let extent = |i: usize| outlines[i].height() + outlines[i].width();
    order.sort_by_key(|&i| (std::cmp::Reverse(extent(i)), i));
    let mut canvas = Canvas::new(options.aspect);
    let mut cells = vec![(0i64, 0i64); groups.len()];
    for &i in &order {
        cells[i] = canvas.insert(&outlines[i]);
    }
    let left = cells.iter().map(|p| p.0).min().unwrap_or(0);
    let top = cells.iter().map(|p| p.1).min().unwrap_or(0);
    let (mut width, mut height) = (0.0f64, 0.0f64);
    for ((&part, &(x, y)), &(w, h)) in groups.iter().zip(&cells).zip(&sizes) {
        let corner = Point::new((x - left) as f64 * cell, (y - top) as f64 * cell);
        width = width.max(corner.x + w - options.spacing);
        height = height.max(corner.y + h - options.spacing);
        corners[part] = corner;
    }
    (width, height)
}

/// Occupied cells, on a square that grows around the middle.
struct Canvas {
    aspect: f64,
    half: i64,
    occupied: Vec<bool>,
    /// For each outline seen, the ring at which the search may begin: positions that were
    /// occupied stay so.
    first_ring: BTreeMap<Vec<(i64, i64)>, i64>,
}

impl Canvas {
    fn new(aspect: f64) -> Self {
        Self {
            aspect,
            half: 0,
            occupied: Vec::new(),
            first_ring: BTreeMap::new(),
        }
    }

    /// Occupies the free position nearest the middle; returns its corner.
    fn insert(&mut self, outline: &Outline) -> (i64, i64) {
        let (width, height) = (outline.width(), outline.height());
        let mut ring = self.first_ring.get(&outline.rows).copied().unwrap_or(0);
        loop {
            // The ring consists of the centers at which max(|x| / aspect, |y|) rounds to `ring`.
            let wide = (ring as f64 * self.aspect).round() as i64;
            let before = ((ring - 1).max(0) as f64 * self.aspect).round() as i64;
            for (x, y) in ring_cells(ring, wide, before) {
                let corner = (x - width / 2, y - height / 2);
                if self.is_free(outline, corner) {
                    self.occupy(outline, corner);
                    self.first_ring.insert(outline.rows.clone(), ring);
                    return corner;
                }
            }
            ring += 1;
        }
    }

    fn is_free(&self, outline: &Outline, (x, y): (i64, i64)) -> bool {
        outline.rows.iter().zip(y..).all(|(&(from, to), row)| {
            if row < -self.half || row >= self.half {
                return true;
            }
            let line = ((row + self.half) * 2 * self.half) as usize;
            let low = (x + from).clamp(-self.half, self.half) + self.half;
            let high = (x + to).clamp(-self.half, self.half) + self.half;
            low >= high || !self.occupied[line + low as usize..line + high as usize].contains(&true)
        })
    }

    fn occupy(&mut self, outline: &Outline, (x, y): (i64, i64)) {
        let sides = [x, x + outline.width(), y, y + outline.height()];
        let reach = sides.map(i64::abs).into_iter().max().unwrap_or(0);
        if reach > self.half {
            self.enlarge(reach + reach / 2 + 8);
        }
        for (&(from, to), row) in outline.rows.iter().zip(y..) {
            let line = (row + self.half) * 2 * self.half + self.half;
            self.occupied[(line + x + from) as usize..(line + x + to) as usize].fill(true);
        }
    }

    fn enlarge(&mut self, half: i64) {
        let mut occupied = vec![false; (4 * half * half) as usize];
        for row in -self.half..self.half {
            let old = ((row + self.half) * 2 * self.half) as usize;
            let new = ((row + half) * 2 * half + half - self.half) as usize;
            let count = (2 * self.half) as usize;
            occupied[new..new + count].copy_from_slice(&self.occupied[old..old + count]);
        }
        self.half = half;
        self.occupied = occupied;
    }
}

/// Cells of the rectangle `±wide × ±ring` that are not in the one before, those near the
/// axes first.
fn ring_cells(ring: i64, wide: i64, before: i64) -> Vec<(i64, i64)> {
    let mut cells = Vec::new();
    if ring == 0 {
        return vec![(0, 0)];
    }
    for x in before + 1..=wide.max(before) {
        for y in 0..=ring {
            cells.extend([(x, y), (-x, y), (x, -y), (-x, -y)]);
        }
    }
    for x in 0..=before {
        cells.extend([(x, ring), (-x, ring), (x, -ring), (-x, -ring)]);
    }
    cells.sort_by_key(|&(x, y)| (x.abs() + y.abs(), x, y));
    cells.dedup();
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(boxes: &[(f64, f64, f64, f64)]) -> Boxes {
        let column = |pick: fn(&(f64, f64, f64, f64)) -> f64| boxes.iter().map(pick).collect();
        Boxes {
            x: column(|b| b.0),
            y: column(|b| b.1),
            half_width: column(|b| b.2),
            half_height: column(|b| b.3),
        }
    }

    fn merged(parts: &[Boxes], corners: &[Point]) -> Boxes {
        let mut all = Boxes::default();
        for (part, corner) in parts.iter().zip(corners) {
            all.x.extend(part.x.iter().map(|x| x + corner.x));
            all.y.extend(part.y.iter().map(|y| y + corner.y));
            all.half_width.extend(&part.half_width);
            all.half_height.extend(&part.half_height);
        }
        all
    }

    #[test]
    fn pairs_and_singles_do_not_overlap_and_fill_the_canvas() {
        let mut parts: Vec<Boxes> = (0..200)
            .map(|i| {
                let w = 20.0 + f64::from(i % 7) * 5.0;
                part(&[(w, 10.0, w, 10.0), (3.0 * w + 20.0, 10.0, w, 10.0)])
            })
            .collect();
        parts.extend((0..300).map(|i| {
            let half = 20.0 + f64::from(i % 11);
            part(&[(half, 10.0, half, 10.0)])
        }));
        let mut all = merged(&parts, &pack(&parts, &Options::default()));
        assert!(crate::layout::overlap::overlapping(&all).is_empty());
        let (width, height) = all.move_to_origin();
        assert!((0.6..2.4).contains(&(width / height)), "{width} × {height}");
        assert!(
            all.area() / (width * height) > 0.25,
            "{}",
            all.area() / (width * height)
        );
    }
}
