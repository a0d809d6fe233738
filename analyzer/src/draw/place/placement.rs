//! Positions of everything, first below the caption: its height depends on the width of what is below.

use crate::draw::node::shape::Shape;
use crate::layout::{Point, Route};

/// Around everything.
pub(crate) const MARGIN: f64 = 20.0;

/// Positions in the drawing.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    /// The centre of each node's outline.
    pub(crate) positions: Vec<Point>,
    pub(crate) headings: Vec<Heading>,
    pub(crate) routes: Routes,
    pub(crate) width: f64,
    /// Height without legend and notes.
    pub(crate) height: f64,
    /// Lines of the caption; the first is the title.
    pub(crate) caption: Vec<String>,
    /// Scale of the caption and the legend.
    pub(crate) scale: f64,
}

/// The heading of a shelf.
#[derive(Debug, Clone)]
pub(crate) struct Heading {
    pub(crate) text: String,
    /// Left end of its baseline.
    pub(crate) position: Point,
    /// Right end of the rule above it.
    pub(crate) right: f64,
}

/// Lines of edges that the layered layout chose.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Ordered by nodes, which are indices into `nodes`.
    pub(super) routes: Vec<Route>,
    pub(super) nodes: Vec<u32>,
    /// From the layout's coordinates to those of the drawing.
    pub(super) shift: Point,
}

impl Placement {
    /// Sets the positions of nodes by the centres of all their parts, shifted by `shift`.
    pub(super) fn put(&mut self, shapes: &[Shape], nodes: &[u32], centers: &[Point], shift: Point) {
        for (&node, center) in nodes.iter().zip(centers) {
            let lift = shapes[node as usize].height_below() / 2.0;
            let y = shift.y + center.y - lift;
            self.positions[node as usize] = Point::new(shift.x + center.x, y);
        }
    }

    /// Sets the positions of attached nodes by those of their owners.
    pub(super) fn place_attached(&mut self, shapes: &[Shape]) {
        for (owner, shape) in shapes.iter().enumerate() {
            for &(node, y) in &shape.attached {
                self.positions[node as usize] = self.positions[owner] + Point::new(0.0, y);
            }
        }
    }
}

impl Routes {
    /// The points of the line between two nodes, if the layout chose one.
    pub(crate) fn find(&self, a: u32, b: u32) -> Option<Vec<Point>> {
        let index = |node: u32| self.nodes.binary_search(&node).ok();
        let key = (index(a)?, index(b)?);
        let by_nodes = |route: &Route| (route.a as usize, route.b as usize);
        let found = self.routes.binary_search_by_key(&key, by_nodes).ok()?;
        let points = self.routes[found].points.iter();
        Some(points.map(|point| *point + self.shift).collect())
    }
}
