//! Boxes on the plane, for overlap removal, refinement and packing.
//!
//! Half sizes include half of the gap between boxes: boxes that touch here are a gap apart
//! in the drawing, and later rounding of coordinates makes no overlap.

use super::types::{Point, Size};

/// Centers and half sizes, in drawing units.
#[derive(Debug, Clone, Default)]
pub(crate) struct Boxes {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) half_width: Vec<f64>,
    pub(crate) half_height: Vec<f64>,
}

/// Centers in units of graph distance, as the stress functions use them.
#[derive(Debug, Clone)]
pub(crate) struct Coordinates {
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<f32>,
}

/// Smaller overlaps are ignored: far below the gap, above rounding errors.
const TOLERANCE: f64 = 1e-6;

impl Boxes {
    /// Boxes of the given nodes, all at the origin, with half of the gap around each.
    pub(crate) fn at_origin(nodes: &[u32], sizes: &[Size], gap: f64) -> Self {
        let half = |length: fn(&Size) -> f64| {
            nodes
                .iter()
                .map(|&v| (length(&sizes[v as usize]) + gap) / 2.0)
                .collect::<Vec<f64>>()
        };
        Self {
            x: vec![0.0; nodes.len()],
            y: vec![0.0; nodes.len()],
            half_width: half(|size| size.w),
            half_height: half(|size| size.h),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.x.len()
    }

    pub(crate) fn center(&self, v: usize) -> Point {
        Point::new(self.x[v], self.y[v])
    }

    /// Whether two boxes overlap.
    pub(crate) fn overlap(&self, a: usize, b: usize) -> bool {
        (self.x[a] - self.x[b]).abs() + TOLERANCE < self.half_width[a] + self.half_width[b]
            && (self.y[a] - self.y[b]).abs() + TOLERANCE < self.half_height[a] + self.half_height[b]
    }

    /// Distance between the outlines of two boxes; negative if they overlap, by the depth.
    pub(crate) fn clearance(&self, a: usize, b: usize) -> f64 {
        let x = (self.x[a] - self.x[b]).abs() - self.half_width[a] - self.half_width[b];
        let y = (self.y[a] - self.y[b]).abs() - self.half_height[a] - self.half_height[b];
        if x < 0.0 && y < 0.0 {
            x.max(y)
        } else {
            x.max(0.0).hypot(y.max(0.0))
        }
    }

    /// Total area, in drawing units squared.
    pub(crate) fn area(&self) -> f64 {
        let sizes = self.half_width.iter().zip(&self.half_height);
        sizes.map(|(w, h)| 4.0 * w * h).sum()
    }

    /// The centers in single precision.
    pub(crate) fn coordinates(&self) -> Coordinates {
        Coordinates {
            x: narrow(&self.x),
            y: narrow(&self.y),
        }
    }

    /// Sets the centers, with `unit` drawing units per unit of the coordinates.
    pub(crate) fn set_centers(&mut self, coordinates: &Coordinates, unit: f64) {
        let scaled = |values: &[f32]| values.iter().map(|&v| f64::from(v) * unit).collect();
        (self.x, self.y) = (scaled(&coordinates.x), scaled(&coordinates.y));
    }

    /// Left, top, right, bottom of all boxes; zeros if there are none.
    pub(crate) fn bounds(&self) -> [f64; 4] {
        let span = |middles: &[f64], halves: &[f64]| {
            let boxes = || middles.iter().zip(halves);
            let low = boxes().map(|(middle, half)| middle - half).reduce(f64::min);
            let high = boxes().map(|(middle, half)| middle + half).reduce(f64::max);
            (low.unwrap_or(0.0), high.unwrap_or(0.0))
        };
        let (left, right) = span(&self.x, &self.half_width);
        let (top, bottom) = span(&self.y, &self.half_height);
        [left, top, right, bottom]
    }

    /// Translates all boxes so that the bounds begin at the origin; returns width and height.
    pub(crate) fn move_to_origin(&mut self) -> (f64, f64) {
        let [left, top, right, bottom] = self.bounds();
        self.x.iter_mut().for_each(|x| *x -= left);
        self.y.iter_mut().for_each(|y| *y -= top);
        (right - left, bottom - top)
    }
}

/// The values in single precision.
pub(crate) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
