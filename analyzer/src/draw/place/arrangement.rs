//! Positions below the caption, whose height depends on the width of what is below it.

use super::routes::Routes;
use crate::draw::node::shape::Shape;
use crate::layout::Point;

/// Around everything.
pub(crate) const MARGIN: f64 = 20.0;

/// The heading of a shelf.
#[derive(Debug, Clone)]
pub(crate) struct Heading {
    pub(crate) text: String,
    /// Left end of its baseline.
    pub(crate) position: Point,
    /// Right end of the rule above it.
    pub(crate) right: f64,
}

/// Positions below the caption.
#[derive(Debug, Default)]
pub(super) struct Arrangement {
    /// The centre of each node's outline.
    pub(super) positions: Vec<Point>,
    pub(super) headings: Vec<Heading>,
    pub(super) width: f64,
    pub(super) bottom: f64,
    pub(super) routes: Routes,
}

impl Arrangement {
    /// Sets the positions of attached nodes by those of their owners.
    pub(super) fn place_attached(&mut self, shapes: &[Shape]) {
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
