//! Positions for boxes: sizes and edges in, coordinates out.
//!
//! Two layouts: [`stress`] serves graphs of every size, [`layered`] ranks small directed
//! graphs. Neither depends on the model or on the drawing.
//!
//! Architecture invariant: the result is a function of the input to the last bit. Nothing
//! in this folder reads a clock, iterates over a hash table or starts more than one worker
//! thread.
//!
//! A module imports only modules before it in this list:
//! `types`, `rng`, `adjacency`, `boxes`, `components`,
//! `distances`, `target_distances`, `pivot_mds`, `objective`, `full_stress`,
//! `sparse_stress`, `intersect`, `nearest`, `overlap`, `refine`, `scale`, `compact`, `place`,
//! `pack`, `layered`.

mod adjacency;
mod boxes;
mod compact;
mod components;
mod distances;
mod full_stress;
mod intersect;
mod layered;
mod nearest;
mod objective;
mod overlap;
mod pack;
mod pivot_mds;
mod place;
mod refine;
mod rng;
mod scale;
mod sparse_stress;
mod target_distances;
#[cfg(test)]
mod tests;
mod types;

pub use layered::{Layered, LayeredError, Route, layered};
pub use types::{Edge, Graph, Options, Point, Positions, Size};

use adjacency::Adjacency;

/// Lays out each connected component so that distances on the plane follow distances in
/// the graph, removes overlaps, and packs the components.
pub fn stress(graph: &Graph, options: &Options) -> Positions {
    let sizes: Vec<Size> = graph.sizes.iter().map(|size| size.clamped()).collect();
    let adjacency = Adjacency::new(sizes.len(), &graph.edges);
    let components = components::split(&adjacency);
    let placed: Vec<_> = components
        .iter()
        .map(|component| place::component(component, &sizes, options))
        .collect();
    let corners = pack::pack(&placed, options);
    let mut centers = vec![Point::default(); sizes.len()];
    let (mut width, mut height) = (0.0f64, 0.0f64);
    for ((component, boxes), corner) in components.iter().zip(&placed).zip(&corners) {
        for (i, &v) in component.nodes.iter().enumerate() {
            let (x, y) = (corner.x + boxes.x[i], corner.y + boxes.y[i]);
            let size = sizes[v as usize];
            width = width.max(x + size.w / 2.0);
            height = height.max(y + size.h / 2.0);
            centers[v as usize] = Point::new(x + options.margin, y + options.margin);
        }
    }
    Positions {
        centers,
        width: width + 2.0 * options.margin,
        height: height + 2.0 * options.margin,
    }
}
