//! Positions in the picture of the first of two maps, for an incremental layout of both.

use super::arrangement::Heading;
use super::fresh;
use crate::draw::graph::Graph;
use crate::draw::node;
use crate::draw::options::Layout;
use crate::layout::{LayeredError, Point};

/// What surrounds the nodes of a picture, below the caption.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) headings: Vec<Heading>,
    pub(crate) width: f64,
    pub(crate) bottom: f64,
}

/// The positions of a graph's nodes below the caption, and what surrounds them.
pub(crate) fn previous(graph: &Graph, layout: Layout) -> Result<(Vec<Point>, Frame), LayeredError> {
    let shapes = node::shapes(graph);
    let mut arrangement = fresh::arrange(graph, &shapes, layout)?;
    arrangement.place_attached(&shapes);
    let frame = Frame {
        headings: arrangement.headings,
        width: arrangement.width,
        bottom: arrangement.bottom,
    };
    Ok((arrangement.positions, frame))
}
