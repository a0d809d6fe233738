//! Positions of everything: components by the layout, other nodes in rows of shelves below, the caption
//! above. Reads the resolved graph and the sizes of nodes only.

pub(crate) mod caption;
pub(crate) mod fresh;
pub(crate) mod grid;
mod incremental;
mod layout;
mod placement;
mod shelf_rows;

pub use layout::GAP;
pub(crate) use layout::input;
pub(crate) use placement::{MARGIN, Placement};
pub(crate) use shelf_rows::RULE;

use super::graph::Graph;
use super::node::shape::Shape;
use super::options::Options;
use crate::layout::LayeredError;

/// Places a graph; with `previous` beside the nodes of an earlier picture.
pub(crate) fn place(
    graph: &Graph,
    shapes: &[Shape],
    previous: Option<&Placement>,
    options: &Options,
) -> Result<Placement, LayeredError> {
    let mut placement = match previous {
        Some(previous) => incremental::arrange(graph, shapes, previous, options.layout)?,
        None => fresh::arrange(graph, shapes, options.layout)?,
    };
    let scale = caption::scale(placement.width);
    let caption = caption::wrap(&graph.caption, placement.width / scale - 2.0 * MARGIN);
    let top = scale * caption::height(&caption);
    for position in &mut placement.positions {
        position.y += top;
    }
    for heading in &mut placement.headings {
        heading.position.y += top;
    }
    placement.routes.shift.y += top;
    placement.height += top;
    (placement.caption, placement.scale) = (caption, scale);
    Ok(placement)
}
