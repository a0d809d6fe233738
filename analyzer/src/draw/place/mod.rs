//! Positions of everything: the layout for what hangs together, rows of shelves for the rest, the
//! caption above. Reads the resolved graph and the sizes of nodes only.

pub(crate) mod caption;
mod fresh;
pub(crate) mod grid;
mod incremental;
mod layout;
mod previous;
mod shelf_rows;

pub use layout::GAP;
pub(crate) use layout::{Routes, input};
pub(crate) use previous::{Frame, previous};
pub(crate) use shelf_rows::{Heading, RULE};

use super::graph::Graph;
use super::node::shape::Shape;
use super::options::Options;
use crate::layout::{LayeredError, Point};

/// Around everything.
pub(crate) const MARGIN: f64 = 20.0;

/// Positions below the caption.
#[derive(Debug, Default)]
struct Arrangement {
    /// The centre of each node's outline.
    positions: Vec<Point>,
    headings: Vec<Heading>,
    width: f64,
    bottom: f64,
    routes: Routes,
}

impl Arrangement {
    /// Sets the positions of attached nodes by those of their owners.
    fn place_attached(&mut self, shapes: &[Shape]) {
        for (owner, shape) in shapes.iter().enumerate() {
            for &(node, y) in &shape.attached {
                let owner = self.positions[owner];
                self.positions[node as usize] = Point {
                    x: owner.x,
                    y: owner.y + y,
                };
            }
        }
    }
}

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
