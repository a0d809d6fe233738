//! Layered layout of small directed graphs, by the layout-rs crate.
//!
//! layout-rs panics on assertions, and its checks take exponential time on some graphs. It
//! receives only acyclic graphs below a size limit and runs on its own thread with a large
//! stack; a panic becomes an error. Its SVG output is not used: a backend records the
//! positions of boxes and edges.

use super::adjacency::Adjacency;
use super::types::{Graph, Options, Point, Positions, Size};
use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point as RsPoint;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;
use petgraph::csr::Csr;
use petgraph::visit::{DfsEvent, depth_first_search};

/// More boxes take layout-rs seconds.
const MAX_NODES: usize = 150;
/// So do more edges.
const MAX_EDGES: usize = 300;
/// layout-rs recurses along paths through the graph.
const STACK_BYTES: usize = 256 << 20;
const THREAD: &str = "layered-layout";

/// Boxes on ranks, and the route of each edge between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layered {
    /// Positions of the boxes.
    pub positions: Positions,
    /// The edges without self-loops and repeats, `a < b`, ascending.
    pub routes: Vec<Route>,
}

/// One edge as a chain of cubic Bézier curves, from box `a` to box `b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Index of the box at the start.
    pub a: u32,
    /// Index of the box at the end.
    pub b: u32,
    /// The start, then two control points and the end of each curve: `1 + 3 · curves`.
    pub points: Vec<Point>,
}

/// Failures of the layered layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayeredError {
    /// layout-rs would take too long.
    #[error(
        "{nodes} boxes and {edges} edges are too many for the layered layout \
         (at most {MAX_NODES} and {MAX_EDGES}); use --layout stress, or narrow the view"
    )]
    TooLarge {
        /// Number of boxes.
        nodes: usize,
        /// Number of edges, without self-loops and repeats.
        edges: usize,
    },
    /// layout-rs panicked or lost a box.
    #[error("the layered layout failed on this graph; use --layout stress")]
    Failed,
}

/// Ranks the boxes from top to bottom along their edges: `a` above `b`, except for some
/// edges of each cycle.
pub fn layered(graph: &Graph, options: &Options) -> Result<Layered, LayeredError> {
    let nodes = graph.sizes.len();
    let edges = Adjacency::new(nodes, &graph.edges).edges();
    if nodes > MAX_NODES || edges.len() > MAX_EDGES {
        return Err(LayeredError::TooLarge {
            nodes,
            edges: edges.len(),
        });
    }
    if nodes == 0 {
        let mut empty = Layered::default();
        empty.positions.width = 2.0 * options.margin;
        empty.positions.height = 2.0 * options.margin;
        return Ok(empty);
    }
    let downwards = orient(nodes, graph, &edges);
    let sizes: Vec<Size> = graph.sizes.iter().map(|size| size.clamped()).collect();
    let edges = downwards.clone();
    let drawing = on_large_stack(move || draw(&sizes, &edges)).ok_or(LayeredError::Failed)?;
    if drawing.boxes.iter().any(Option::is_none) || drawing.paths.iter().any(Option::is_none) {
        return Err(LayeredError::Failed);
    }
    Ok(assemble(graph, &downwards, drawing, options))
}

/// Directs every edge so that there is no cycle: as given, if that agrees with the reverse
/// postorder of a depth-first search.
fn orient(nodes: usize, graph: &Graph, edges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut given: Vec<(u32, u32)> = graph.edges.iter().map(|e| (e.a, e.b)).collect();
    given.sort_unstable();
    given.dedup();
    let mut search = Csr::<(), ()>::with_nodes(nodes);
    for &(a, b) in edges {
        // If both directions are given, the first one counts.
        match given.binary_search(&(a, b)) {
            Ok(_) => search.add_edge(a, b, ()),
            Err(_) => search.add_edge(b, a, ()),
        };
    }
    let mut rank = vec![u32::MAX; nodes];
    let mut next = nodes as u32;
    depth_first_search(&search, 0..nodes as u32, |event| {
        if let DfsEvent::Finish(v, _) = event {
            next -= 1;
            rank[v as usize] = next;
        }
    });
    let downwards = |&(a, b): &(u32, u32)| match rank[a as usize] < rank[b as usize] {
        true => (a, b),
        false => (b, a),
    };
    edges.iter().map(downwards).collect()
}

/// Records the output of layout-rs. Boxes and edges carry their index as a property.
struct Drawing {
    boxes: Vec<Option<RsPoint>>,
    paths: Vec<Option<Vec<(RsPoint, RsPoint)>>>,
}

impl RenderBackend for Drawing {
    fn draw_rect(
        &mut self,
        xy: RsPoint,
        size: RsPoint,
        _: &StyleAttr,
        properties: Option<String>,
        _: Option<ClipHandle>,
    ) {
        let index: Option<usize> = properties.and_then(|text| text.parse().ok());
        if let Some(slot) = index.and_then(|i| self.boxes.get_mut(i)) {
            *slot = Some(RsPoint::new(xy.x + size.x / 2.0, xy.y + size.y / 2.0));
        }
    }

    fn draw_arrow(
        &mut self,
        path: &[(RsPoint, RsPoint)],
        _: bool,
        _: (bool, bool),
        _: &StyleAttr,
        properties: Option<String>,
        _: &str,
    ) {
        let index: Option<usize> = properties.and_then(|text| text.parse().ok());
        if let Some(slot) = index.and_then(|i| self.paths.get_mut(i)) {
            *slot = Some(path.to_vec());
        }
    }

    fn draw_line(&mut self, _: RsPoint, _: RsPoint, _: &StyleAttr, _: Option<String>) {}
    fn draw_circle(&mut self, _: RsPoint, _: RsPoint, _: &StyleAttr, _: Option<String>) {}
    fn draw_text(&mut self, _: RsPoint, _: &str, _: &StyleAttr) {}
    fn create_clip(&mut self, _: RsPoint, _: RsPoint, _: usize) -> ClipHandle {
        0
    }
}

fn draw(sizes: &[Size], edges: &[(u32, u32)]) -> Drawing {
    let mut visual = VisualGraph::new(Orientation::TopToBottom);
    // The reachability check is exponential; the edges are known to be acyclic.
    visual.dag.set_validate(false);
    let handles: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(i, size)| {
            let (shape, style) = (ShapeKind::new_box(""), StyleAttr::simple());
            let (down, size) = (Orientation::TopToBottom, RsPoint::new(size.w, size.h));
            let properties = i.to_string();
            let node = Element::create_with_properties(shape, style, down, size, properties);
            visual.add_node(node)
        })
        .collect();
    for (i, &(a, b)) in edges.iter().enumerate() {
        let arrow = Arrow {
            properties: Some(i.to_string()),
            ..Arrow::default()
        };
        visual.add_edge(arrow, handles[a as usize], handles[b as usize]);
    }
    let mut drawing = Drawing {
        boxes: vec![None; sizes.len()],
        paths: vec![None; edges.len()],
    };
    visual.do_it(false, false, false, &mut drawing);
    drawing
}

/// Runs `work` on its own thread; `None` if it panicked. The panic message is suppressed.
fn on_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    static SUPPRESS_MESSAGE: std::sync::Once = std::sync::Once::new();
    SUPPRESS_MESSAGE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some(THREAD) {
                previous(info);
            }
        }));
    });
    let builder = std::thread::Builder::new()
        .name(THREAD.to_owned())
        .stack_size(STACK_BYTES);
    // `join` returns an error if the thread panicked.
    builder.spawn(work).ok()?.join().ok()
}

fn assemble(
    graph: &Graph,
    downwards: &[(u32, u32)],
    drawing: Drawing,
    options: &Options,
) -> Layered {
    let centers = drawing.boxes.into_iter().flatten();
    let mut centers: Vec<Point> = centers.map(|p| Point::new(p.x, p.y)).collect();
    let mut routes: Vec<Route> = Vec::with_capacity(downwards.len());
    for (&(from, to), path) in downwards.iter().zip(drawing.paths.into_iter().flatten()) {
        let mut points = bezier(&path);
        let (a, b) = (from.min(to), from.max(to));
        if a != from {
            points.reverse();
        }
        routes.push(Route { a, b, points });
    }
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    let mut reach = |x: f64, y: f64| {
        low = [low[0].min(x), low[1].min(y)];
        high = [high[0].max(x), high[1].max(y)];
    };
    for (center, &size) in centers.iter().zip(&graph.sizes) {
        let size = size.clamped();
        reach(center.x - size.w / 2.0, center.y - size.h / 2.0);
        reach(center.x + size.w / 2.0, center.y + size.h / 2.0);
    }
    for point in routes.iter().flat_map(|route| &route.points) {
        reach(point.x, point.y);
    }
    let shift = Point::new(options.margin - low[0], options.margin - low[1]);
    let points = routes.iter_mut().flat_map(|route| &mut route.points);
    for point in centers.iter_mut().chain(points) {
        *point = *point + shift;
    }
    let positions = Positions {
        centers,
        width: high[0] - low[0] + 2.0 * options.margin,
        height: high[1] - low[1] + 2.0 * options.margin,
    };
    Layered { positions, routes }
}

/// Converts a path of layout-rs: (start, control), then (control, end) of each curve; the
/// first control point of a curve mirrors the last one of the curve before.
fn bezier(path: &[(RsPoint, RsPoint)]) -> Vec<Point> {
    let point = |p: RsPoint| Point::new(p.x, p.y);
    let Some(&(start, control)) = path.first() else {
        return Vec::new();
    };
    let mut points = vec![point(start)];
    let mut control = control;
    for &(second, end) in &path[1..] {
        points.extend([point(control), point(second), point(end)]);
        control = RsPoint::new(2.0 * end.x - second.x, 2.0 * end.y - second.y);
    }
    points
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test fails by panicking.
    use super::*;
    use crate::layout::boxes::Boxes;
    use crate::layout::overlap::overlapping;
    use crate::layout::types::Edge;

    fn graph(nodes: usize, edges: &[(u32, u32)]) -> Graph {
        let edges = edges.iter().map(|&(a, b)| Edge { a, b }).collect();
        Graph {
            sizes: vec![Size { w: 80.0, h: 24.0 }; nodes],
            edges,
        }
    }

    #[test]
    fn a_chain_goes_down_and_a_cycle_is_broken() {
        let chain = layered(&graph(3, &[(2, 1), (1, 0)]), &Options::default()).unwrap();
        let y: Vec<f64> = chain.positions.centers.iter().map(|p| p.y).collect();
        assert!(y[2] < y[1] && y[1] < y[0], "{y:?}");
        let looped = graph(4, &[(0, 1), (1, 2), (2, 0), (3, 3), (0, 1), (1, 0)]);
        let drawing = layered(&looped, &Options::default()).unwrap();
        assert_eq!(drawing.routes.len(), 3);
        assert!(
            drawing
                .routes
                .iter()
                .all(|r| r.points.len() % 3 == 1 && r.points.len() >= 4)
        );
        let mut boxes = Boxes::at_origin(&[0, 1, 2, 3], &looped.sizes, 0.0);
        for (v, center) in drawing.positions.centers.iter().enumerate() {
            (boxes.x[v], boxes.y[v]) = (center.x, center.y);
        }
        assert!(overlapping(&boxes).is_empty());
    }

    #[test]
    fn many_paths_do_not_take_exponential_time() {
        // There are 2^40 paths through the graph.
        let edges: Vec<(u32, u32)> = (0..40)
            .flat_map(|i| {
                [
                    (3 * i, 3 * i + 1),
                    (3 * i, 3 * i + 2),
                    (3 * i + 1, 3 * i + 3),
                    (3 * i + 2, 3 * i + 3),
                ]
            })
            .collect();
        let diamonds = graph(121, &edges);
        assert!(layered(&diamonds, &Options::default()).is_ok());
    }

    #[test]
    fn above_the_limit_the_error_names_the_other_layout() {
        let error = layered(&graph(151, &[]), &Options::default()).unwrap_err();
        assert!(error.to_string().contains("--layout stress"), "{error}");
        assert!(layered(&graph(0, &[]), &Options::default()).is_ok());
    }

    #[test]
    fn a_panic_is_an_error_without_a_message() {
        assert_eq!(on_large_stack(|| 7), Some(7));
        assert_eq!(on_large_stack::<()>(|| panic!("must not be seen")), None);
    }
}
