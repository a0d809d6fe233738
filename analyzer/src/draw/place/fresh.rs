//! Fresh layout: positions by the layout, and shelves below.

use super::layout::{self, layout_nodes};
use super::placement::{MARGIN, Placement, Routes};
use super::shelf_rows;
use crate::draw::graph::{Graph, Shelf};
use crate::draw::node::shape::Shape;
use crate::draw::options::Layout;
use crate::layout::{LayeredError, Point};

/// Room for the caption and the legend.
const MIN_WIDTH: f64 = 640.0;
/// Largest width that shelves demand.
const MAX_SHELF_WIDTH: f64 = 20_000.0;

/// Places all nodes below the caption.
pub(crate) fn arrange(
    graph: &Graph,
    shapes: &[Shape],
    layout: Layout,
) -> Result<Placement, LayeredError> {
    let shelves: Vec<Shelf> = graph.nodes.iter().map(|node| node.shelf).collect();
    let nodes = layout_nodes(graph, &shelves);
    let (centers, routes) = layout::run(graph, shapes, &nodes, layout)?;
    let (mut width, mut height) = (MIN_WIDTH, MARGIN);
    if !nodes.is_empty() {
        width = width.max(centers.width);
        height = centers.height - MARGIN;
    }
    // Wide enough that a long shelf does not become a tower below a small drawing.
    let area = shelf_rows::area(graph, shapes, &shelves);
    width = width.max((area * 1.6).sqrt().min(MAX_SHELF_WIDTH) + 2.0 * MARGIN);
    let shift = Point::new(((width - centers.width) / 2.0).max(0.0), 0.0);
    let mut placement = Placement {
        positions: vec![Point::default(); shapes.len()],
        width,
        height,
        ..Placement::default()
    };
    shelf_rows::fill(graph, shapes, &shelves, &mut placement);
    placement.put(shapes, &nodes, &centers.centers, shift);
    placement.routes = Routes {
        routes,
        nodes,
        shift,
    };
    placement.place_attached(shapes);
    Ok(placement)
}
