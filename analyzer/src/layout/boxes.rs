//! Boxes on the plane: what overlap removal, refinement and packing work on.
//!
//! Half sizes include half of the wished gap, so "touching" here is "a gap apart" on the
//! picture, and rounding coordinates later makes no overlap.

use super::stress::Layout;

/// Centres and half sizes, in drawing units.
#[derive(Debug, Clone, Default)]
pub(crate) struct Boxes {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) half_width: Vec<f64>,
    pub(crate) half_height: Vec<f64>,
}

/// Less than this is not an overlap: far below what the gap leaves, above rounding.
const TOLERANCE: f64 = 1e-6;

impl Boxes {
    pub(crate) fn len(&self) -> usize {
        self.x.len()
    }

    pub(crate) fn overlap(&self, a: usize, b: usize) -> bool {
        (self.x[a] - self.x[b]).abs() + TOLERANCE < self.half_width[a] + self.half_width[b]
            && (self.y[a] - self.y[b]).abs() + TOLERANCE < self.half_height[a] + self.half_height[b]
    }

    /// Distance between the outlines of two boxes; how deep they overlap, if negative.
    pub(crate) fn clearance(&self, a: usize, b: usize) -> f64 {
        let x = (self.x[a] - self.x[b]).abs() - self.half_width[a] - self.half_width[b];
        let y = (self.y[a] - self.y[b]).abs() - self.half_height[a] - self.half_height[b];
        if x < 0.0 && y < 0.0 {
            x.max(y)
        } else {
            x.max(0.0).hypot(y.max(0.0))
        }
    }

    /// Of all boxes together, in drawing units squared.
    pub(crate) fn area(&self) -> f64 {
        let sizes = self.half_width.iter().zip(&self.half_height);
        sizes.map(|(w, h)| 4.0 * w * h).sum()
    }

    /// The centres, as stress is measured of them.
    pub(crate) fn layout(&self) -> Layout {
        let narrow = |places: &[f64]| places.iter().map(|&place| place as f32).collect();
        Layout {
            x: narrow(&self.x),
            y: narrow(&self.y),
        }
    }

    /// Left, top, right, bottom of all boxes; zeros if there are none.
    pub(crate) fn bounds(&self) -> [f64; 4] {
        if self.len() == 0 {
            return [0.0; 4];
        }
        let mut bounds = [
            f64::INFINITY,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NEG_INFINITY,
        ];
        for v in 0..self.len() {
            bounds[0] = bounds[0].min(self.x[v] - self.half_width[v]);
            bounds[1] = bounds[1].min(self.y[v] - self.half_height[v]);
            bounds[2] = bounds[2].max(self.x[v] + self.half_width[v]);
            bounds[3] = bounds[3].max(self.y[v] + self.half_height[v]);
        }
        bounds
    }

    /// Moves everything so that the bounds begin at the origin; returns width and height.
    pub(crate) fn move_to_origin(&mut self) -> (f64, f64) {
        let [left, top, right, bottom] = self.bounds();
        self.x.iter_mut().for_each(|x| *x -= left);
        self.y.iter_mut().for_each(|y| *y -= top);
        (right - left, bottom - top)
    }
}
