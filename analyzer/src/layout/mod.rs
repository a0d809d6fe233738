//! Where things stand on the picture: boxes and edges in, positions out.
//!
//! Depends on neither the model below nor the drawing above: it knows sizes and who is
//! joined to whom, nothing else. The result is a function of its input to the last bit:
//! no clock, no hash order, no thread count has a say in it.
//!
//! [`stress`] serves every size. [`layered`] ranks small directed graphs.

mod adjacency;
mod boxes;
mod compact;
mod components;
mod distances;
mod layered;
mod lines;
pub mod metrics;
mod nearest;
mod overlap;
mod pack;
mod pivot_mds;
mod place;
mod refine;
mod rng;
mod scale;
mod sparse;
mod stress;
mod target_distances;

pub use layered::{Layered, LayeredError, Route, layered};

use adjacency::Adjacency;
use boxes::Boxes;

/// Width and height of a box, in drawing units. What is not a positive finite number is
/// taken as 1, what is larger than 100,000 as that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// A place on the picture, in drawing units; x grows to the right, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// From the left border.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// Two boxes that belong together, by their index. Direction matters to [`layered`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Index of one box.
    pub a: u32,
    /// Index of the other.
    pub b: u32,
}

/// What to lay out. Self-loops, repeated edges and edges to boxes that do not exist are
/// allowed and without influence.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// One for each box.
    pub sizes: Vec<Size>,
    /// Between boxes.
    pub edges: Vec<Edge>,
}

/// What the caller may choose. All lengths in drawing units.
#[derive(Debug, Clone)]
pub struct Options {
    /// Other seeds give other, equally good pictures.
    pub seed: u64,
    /// Width to height that the whole picture comes near to.
    pub aspect: f64,
    /// At least this much is left between two boxes.
    pub gap: f64,
    /// Left free around the whole picture.
    pub margin: f64,
    /// Left free between components.
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

/// Where the boxes stand. No two overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct Positions {
    /// One for each box of the graph, in its order.
    pub centers: Vec<Point>,
    /// Of the whole picture, margins included.
    pub width: f64,
    /// Of the whole picture, margins included.
    pub height: f64,
}

/// Lays out each component so that distances on the picture follow distances in the
/// graph, without overlaps, then packs the components.
pub fn stress(graph: &Graph, options: &Options) -> Positions {
    let sizes: Vec<Size> = graph.sizes.iter().map(|&size| sane(size)).collect();
    let adjacency = Adjacency::new(sizes.len(), &graph.edges);
    let components = components::split(&adjacency);
    let placed = place::all(&components, &sizes, options);
    let mut centers = vec![Point { x: 0.0, y: 0.0 }; sizes.len()];
    let corners = pack::pack(&placed, options);
    let (mut width, mut height) = (0.0f64, 0.0f64);
    for ((component, boxes), corner) in components.iter().zip(&placed).zip(&corners) {
        for (i, &v) in component.nodes.iter().enumerate() {
            let (x, y) = (corner.x + boxes.x[i], corner.y + boxes.y[i]);
            let size = sizes[v as usize];
            width = width.max(x + size.w / 2.0);
            height = height.max(y + size.h / 2.0);
            centers[v as usize] = Point {
                x: x + options.margin,
                y: y + options.margin,
            };
        }
    }
    Positions {
        centers,
        width: width + 2.0 * options.margin,
        height: height + 2.0 * options.margin,
    }
}

fn sane(size: Size) -> Size {
    let length = |value: f64| {
        if value.is_finite() && value > 0.0 {
            value.min(1e5)
        } else {
            1.0
        }
    };
    Size {
        w: length(size.w),
        h: length(size.h),
    }
}

/// Boxes of the given nodes, all at the origin, half of the gap around each.
fn boxes_of(nodes: &[u32], sizes: &[Size], gap: f64) -> Boxes {
    let half = |length: fn(&Size) -> f64| {
        nodes
            .iter()
            .map(|&v| (length(&sizes[v as usize]) + gap) / 2.0)
            .collect::<Vec<f64>>()
    };
    Boxes {
        x: vec![0.0; nodes.len()],
        y: vec![0.0; nodes.len()],
        half_width: half(|s| s.w),
        half_height: half(|s| s.h),
    }
}

#[cfg(test)]
mod tests;
