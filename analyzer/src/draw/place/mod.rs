//! Positions of everything: components by the layout, other nodes in rows of shelves below, the caption
//! above. Reads the resolved graph and the sizes of nodes only.

mod arrangement;
pub(crate) mod caption;
mod fresh;
pub(crate) mod grid;
mod incremental;
mod layout;
mod previous;
mod routes;
mod shelf_rows;

pub(crate) use arrangement::{Heading, MARGIN};
pub use layout::GAP;
pub(crate) use layout::input;
pub(crate) use previous::{Frame, previous};
pub(crate) use routes::Routes;
pub(crate) use shelf_rows::RULE;

use super::graph::Graph;
use super::node::shape::Shape;
use super::options::Options;
use crate::layout::{LayeredError, Point};

/// Positions in the drawing.
#[derive(Debug)]
pub(crate) struct Placement {
    /// The centre of each node's outline.
    pub(crate) positions: Vec<Point>,
    pub(crate) headings: Vec<Heading>,
    /// Lines of the caption; the first is the title.
    pub(crate) caption: Vec<String>,
    /// Scale of the caption and the legend.
    pub(crate) scale: f64,
    pub(crate) width: f64,
    /// Height without legend and notes.
    pub(crate) height: f64,
    pub(crate) routes: Routes,
}

/// Places a graph; with `previous` beside the nodes of an earlier picture.
pub(crate) fn place(
    graph: &Graph,
    shapes: &[Shape],
    previous: Option<&Frame>,
    options: &Options,
) -> Result<Placement, LayeredError> {
    let mut below = match previous {
        Some(frame) => incremental::arrange(graph, shapes, frame, options.layout)?,
        None => fresh::arrange(graph, shapes, options.layout)?,
    };
    below.place_attached(shapes);
    let scale = caption::scale(below.width);
    let caption = caption::wrap(&graph.caption, below.width / scale - 2.0 * MARGIN);
    let top = scale * caption::height(&caption);
    for position in &mut below.positions {
        position.y += top;
    }
    for heading in &mut below.headings {
        heading.position.y += top;
    }
    below.routes.shift.y += top;
    Ok(Placement {
        positions: below.positions,
        headings: below.headings,
        caption,
        scale,
        width: below.width,
        height: below.bottom + top,
        routes: below.routes,
    })
}
