//! Fresh layout: positions by the layout, and shelves below.

use super::arrangement::{Arrangement, MARGIN};
use super::layout::{self, layout_nodes};
use super::routes::Routes;
use super::shelf_rows;
use crate::draw::graph::{Graph, Shelf};
use crate::draw::node::shape::Shape;
use crate::draw::options::Layout;
use crate::layout::{LayeredError, Point};

/// Room for the caption and the legend.
const MIN_WIDTH: f64 = 640.0;
/// Largest width that shelves demand.
const MAX_SHELF_WIDTH: f64 = 20_000.0;

/// Places all nodes but attached ones.
pub(super) fn arrange(
    graph: &Graph,
    shapes: &[Shape],
    layout: Layout,
) -> Result<Arrangement, LayeredError> {
    let shelves: Vec<Shelf> = graph.nodes.iter().map(|node| node.shelf).collect();
    let nodes = layout_nodes(graph, &shelves);
    let (centers, routes) = layout::run(graph, shapes, &nodes, layout)?;
    let (mut width, mut bottom) = (MIN_WIDTH, MARGIN);
    if !nodes.is_empty() {
        width = width.max(centers.width);
        bottom = centers.height - MARGIN;
    }
    // Wide enough that a long shelf does not become a tower below a small drawing.
    let area = shelf_rows::area(graph, shapes, &shelves);
    width = width.max((area * 1.6).sqrt().min(MAX_SHELF_WIDTH) + 2.0 * MARGIN);
    let left = ((width - centers.width) / 2.0).max(0.0);
    let mut arrangement = Arrangement {
        positions: vec![Point { x: 0.0, y: 0.0 }; shapes.len()],
        width,
        bottom,
        ..Arrangement::default()
    };
    shelf_rows::fill(graph, shapes, &shelves, &mut arrangement);
    for (&node, center) in nodes.iter().zip(&centers.centers) {
        let lift = shapes[node as usize].height_below() / 2.0;
        arrangement.positions[node as usize] = Point {
            x: center.x + left,
            y: center.y - lift,
        };
    }
    arrangement.routes = Routes {
        routes,
        nodes,
        shift: Point { x: left, y: 0.0 },
    };
    Ok(arrangement)
}
