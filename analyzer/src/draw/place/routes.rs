//! Lines of edges that the layered layout chose.

use crate::layout::{Point, Route};

/// Lines of edges that the layout chose.
#[derive(Debug)]
pub(crate) struct Routes {
    /// Ordered by nodes, which are indices into `nodes`.
    pub(super) routes: Vec<Route>,
    pub(super) nodes: Vec<u32>,
    /// From the layout's coordinates to those of the drawing.
    pub(super) shift: Point,
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            nodes: Vec::new(),
            shift: Point { x: 0.0, y: 0.0 },
        }
    }
}

impl Routes {
    /// The points of the line between two nodes, if the layout chose one.
    pub(crate) fn find(&self, a: u32, b: u32) -> Option<Vec<Point>> {
        if self.routes.is_empty() {
            return None;
        }
        let index = |node: u32| self.nodes.binary_search(&node).ok();
        let key = (index(a)?, index(b)?);
        let found = self
            .routes
            .binary_search_by_key(&key, |route| (route.a as usize, route.b as usize))
            .ok()?;
        let shifted = self.routes[found].points.iter().map(|point| Point {
            x: point.x + self.shift.x,
            y: point.y + self.shift.y,
        });
        Some(shifted.collect())
    }
}
