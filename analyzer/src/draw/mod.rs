//! Draws maps as pictures: an SVG that is complete in itself.
//!
//! A map passes one way, and each module imports earlier ones only:
//! `options` → `change` → `graph` (the values that the others share) → `reduce` (the map as a small
//! graph with resolved text) → `matrix` (the graph as rows, columns and cells) → `node` (contents and
//! sizes) → `place` (positions) → `edge` (lines, markers, counts) → `scene` (everything with its
//! position) → `svg` (the document). `png` renders it.
//!
//! `reduce` alone reads the map. Nothing here decides what a connection is, and no position depends on
//! a clock, a hash order or a thread count.

mod change;
mod edge;
mod graph;
mod matrix;
mod node;
mod options;
mod place;
#[cfg(feature = "png")]
mod png;
mod reduce;
mod scene;
mod svg;

#[cfg(test)]
mod tests;

use crate::check::Report;
use crate::diff::{self, FilteredMaps};
use crate::layout::{self, LayeredError};
use crate::model::Map;
use graph::Graph;
use matrix::Matrix;
use place::Placement;
use reduce::PreviousPositions;
use scene::Scene;

pub use options::{HubBadges, Layout, Options, Theme};
pub use place::GAP;
#[cfg(feature = "png")]
pub use png::{PngError, png};
pub use reduce::{Glance, glance};

/// Draws a map as SVG.
///
/// The same map and options give the same bytes.
///
/// # Errors
/// When the layered layout exceeds its limits.
pub fn svg(map: &Map, options: &Options) -> Result<String, LayeredError> {
    write(reduce::reduce(map, options), None, options)
}

/// Draws two maps as one SVG: what stayed is pale and where it is in the picture of the first alone.
///
/// The first map is given again as it is drawn alone: not grouped, and without what only the second
/// map tells about it, with its findings if checks were run. `options` are those of the second map.
///
/// # Errors
/// As [`svg`].
pub fn changes(
    maps: &FilteredMaps,
    compare: &diff::Options,
    (before, findings): (Map, Option<Report>),
    options: &Options,
) -> Result<String, LayeredError> {
    let alone = Options {
        findings,
        ..options.clone()
    };
    if options.layout == Layout::Matrix {
        let graph = reduce::compare(maps, compare, &PreviousPositions::default(), options);
        return write(graph, None, options);
    }
    let (graph, mut previous) = reduce::previous(before, compare.by, &alone);
    let placement = place::fresh::arrange(&graph, &node::shapes(&graph), options.layout)?;
    drop(graph);
    previous.positions.clone_from(&placement.positions);
    let graph = reduce::compare(maps, compare, &previous, options);
    write(graph, Some(&placement), options)
}

/// The input of the layout for a map: what is left after reduction, with the sizes of boxes.
pub fn reduced(map: &Map) -> layout::Graph {
    let options = Options::default();
    let graph = reduce::reduce(map, &options);
    place::input(&graph, &node::shapes(&graph), options.layout)
}

fn write(
    graph: Graph,
    previous: Option<&Placement>,
    options: &Options,
) -> Result<String, LayeredError> {
    if options.layout == Layout::Matrix {
        return Ok(svg::write_matrix(
            &graph,
            &Matrix::new(&graph),
            options.theme,
        ));
    }
    let shapes = node::shapes(&graph);
    let placement = place::place(&graph, &shapes, previous, options)?;
    let lines = edge::draw(&graph, &shapes, &placement);
    let scene = Scene {
        graph,
        shapes,
        placement,
        lines,
    };
    Ok(svg::write(&scene, options.theme))
}
