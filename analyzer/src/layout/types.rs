//! Input and output of the layouts. All lengths are in drawing units.

/// Width and height of a box. The layouts replace a length that is not a positive finite
/// number by 1, and limit lengths to 100,000.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Size {
    /// This size within the limits above.
    pub(crate) fn clamped(self) -> Self {
        let length = |value: f64| match value.is_finite() && value > 0.0 {
            true => value.min(1e5),
            false => 1.0,
        };
        Self {
            w: length(self.w),
            h: length(self.h),
        }
    }
}

/// A point on the plane; x grows to the right, y downwards.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    /// Distance from the left border.
    pub x: f64,
    /// Distance from the top.
    pub y: f64,
}

impl Point {
    /// A point by its coordinates.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// The length of the line between two points.
    pub(crate) fn distance(self, other: Self) -> f64 {
        (other.x - self.x).hypot(other.y - self.y)
    }
}

impl std::ops::Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

/// An edge between two boxes, by index. Only [`super::layered`] considers its direction,
/// from `a` to `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Index of one box.
    pub a: u32,
    /// Index of the other.
    pub b: u32,
}

/// The graph to lay out. Self-loops, repeated edges and edges to boxes that do not exist
/// are ignored.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Size of each box.
    pub sizes: Vec<Size>,
    /// Edges between boxes.
    pub edges: Vec<Edge>,
}

/// Settings of the layouts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of the random numbers: other seeds give other, equally good layouts.
    pub seed: u64,
    /// Desired ratio of width to height of the whole drawing.
    pub aspect: f64,
    /// Minimum distance between two boxes.
    pub gap: f64,
    /// Free border around the whole drawing.
    pub margin: f64,
    /// Minimum distance between connected components.
    pub spacing: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            aspect: 4.0 / 3.0,
            gap: 8.0,
            margin: 20.0,
            spacing: 30.0,
        }
    }
}

/// Positions of all boxes. No two overlap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Positions {
    /// Center of each box, in the order of the graph.
    pub centers: Vec<Point>,
    /// Width of the whole drawing, margins included.
    pub width: f64,
    /// Height of the whole drawing, margins included.
    pub height: f64,
}
