//! Ranked drawings of small directed graphs, by the layout-rs crate.
//!
//! layout-rs panics on assertions and its checks take exponential time on some graphs,
//! so it gets only graphs below a limit, with edges that form no circle and no loops,
//! on its own thread with a large stack; a panic becomes an error. Its own SVG is not
//! used: a backend records where boxes and edges lie.

use super::adjacency::Adjacency;
use super::{Graph, Options, Point, Positions, sane};
use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point as Place;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

/// More boxes take layout-rs seconds.
const MOST_NODES: usize = 150;
/// More edges do, too.
const MOST_EDGES: usize = 300;
/// Its recursion follows paths through the graph.
const STACK_BYTES: usize = 256 << 20;
const THREAD: &str = "layered-layout";

/// Boxes on ranks, and the way of each edge between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Layered {
    /// Where the boxes stand.
    pub positions: Positions,
    /// The edges without loops and repeats, `a < b`, ascending.
    pub routes: Vec<Route>,
}

/// One edge as a chain of cubic Bézier curves, from box `a` to box `b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Index of the box where it begins.
    pub a: u32,
    /// Index of the box where it ends.
    pub b: u32,
    /// Start, then for each curve two control points and its end: `1 + 3 · curves`.
    pub points: Vec<Point>,
}

/// Why there is no layered drawing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayeredError {
    /// layout-rs would take too long.
    #[error(
        "{nodes} boxes and {edges} edges are too many for the layered layout \
         (at most {MOST_NODES} and {MOST_EDGES}); use --layout stress, or narrow the view"
    )]
    TooLarge {
        /// Boxes asked for.
        nodes: usize,
        /// Edges asked for, without loops and repeats.
        edges: usize,
    },
    /// layout-rs panicked or lost a box.
    #[error("the layered layout failed on this graph; use --layout stress")]
    Failed,
}

/// Ranks the boxes from top to bottom along their edges, `a` above `b` where the edges
/// form no circle.
pub fn layered(graph: &Graph, options: &Options) -> Result<Layered, LayeredError> {
    let nodes = graph.sizes.len();
    let edges = Adjacency::new(nodes, &graph.edges).edges();
    if nodes > MOST_NODES || edges.len() > MOST_EDGES {
        return Err(LayeredError::TooLarge {
            nodes,
            edges: edges.len(),
        });
    }
    if nodes == 0 {
        let size = 2.0 * options.margin;
        let positions = Positions {
            centers: Vec::new(),
            width: size,
            height: size,
        };
        return Ok(Layered {
            positions,
            routes: Vec::new(),
        });
    }
    let downwards = orient(nodes, graph, &edges);
    let sizes: Vec<(f64, f64)> = graph
        .sizes
        .iter()
        .map(|&s| sane(s))
        .map(|s| (s.w, s.h))
        .collect();
    let wanted = downwards.clone();
    let drawing = on_large_stack(move || draw(&sizes, &wanted)).ok_or(LayeredError::Failed)?;
    if drawing.boxes.iter().any(Option::is_none) || drawing.ways.iter().any(Option::is_none) {
        return Err(LayeredError::Failed);
    }
    Ok(assemble(graph, &downwards, drawing, options))
}

/// Every edge in one of its two directions, so that there is no circle: as given, if that
/// agrees with the order in which a depth-first search leaves the nodes.
fn orient(nodes: usize, graph: &Graph, edges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut given: Vec<(u32, u32)> = graph.edges.iter().map(|e| (e.a, e.b)).collect();
    given.sort_unstable();
    given.dedup();
    let mut below = vec![Vec::new(); nodes];
    for &(a, b) in edges {
        // Given both ways: the first one counts.
        let (from, to) = if given.binary_search(&(a, b)).is_ok() {
            (a, b)
        } else {
            (b, a)
        };
        below[from as usize].push(to);
    }
    let mut rank = vec![u32::MAX; nodes];
    let mut seen = vec![false; nodes];
    let mut next = nodes as u32;
    for root in 0..nodes {
        let mut stack = vec![(root, 0)];
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        while let Some((v, at)) = stack.pop() {
            if let Some(&u) = below[v].get(at) {
                stack.push((v, at + 1));
                if !std::mem::replace(&mut seen[u as usize], true) {
                    stack.push((u as usize, 0));
                }
            } else {
                next -= 1;
                rank[v] = next;
            }
        }
    }
    let upright = |&(a, b): &(u32, u32)| {
        if rank[a as usize] < rank[b as usize] {
            (a, b)
        } else {
            (b, a)
        }
    };
    edges.iter().map(upright).collect()
}

/// What the backend saw. Boxes and edges carry their index as a property.
struct Drawing {
    boxes: Vec<Option<Place>>,
    ways: Vec<Option<Vec<(Place, Place)>>>,
}

impl RenderBackend for Drawing {
    fn draw_rect(
        &mut self,
        xy: Place,
        size: Place,
        _: &StyleAttr,
        properties: Option<String>,
        _: Option<ClipHandle>,
    ) {
        let index: Option<usize> = properties.and_then(|text| text.parse().ok());
        if let Some(slot) = index.and_then(|i| self.boxes.get_mut(i)) {
            *slot = Some(Place::new(xy.x + size.x / 2.0, xy.y + size.y / 2.0));
        }
    }

    fn draw_arrow(
        &mut self,
        path: &[(Place, Place)],
        _: bool,
        _: (bool, bool),
        _: &StyleAttr,
        properties: Option<String>,
        _: &str,
    ) {
        let index: Option<usize> = properties.and_then(|text| text.parse().ok());
        if let Some(slot) = index.and_then(|i| self.ways.get_mut(i)) {
            *slot = Some(path.to_vec());
        }
    }

    fn draw_line(&mut self, _: Place, _: Place, _: &StyleAttr, _: Option<String>) {}
    fn draw_circle(&mut self, _: Place, _: Place, _: &StyleAttr, _: Option<String>) {}
    fn draw_text(&mut self, _: Place, _: &str, _: &StyleAttr) {}
    fn create_clip(&mut self, _: Place, _: Place, _: usize) -> ClipHandle {
        0
    }
}

fn draw(sizes: &[(f64, f64)], edges: &[(u32, u32)]) -> Drawing {
    let mut visual = VisualGraph::new(Orientation::TopToBottom);
    // Its reachability check is exponential; the edges are known to form no circle.
    visual.dag.set_validate(false);
    let handles: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(i, &(w, h))| {
            let shape = ShapeKind::new_box("");
            let size = Place::new(w, h);
            let look = StyleAttr::simple();
            let down = Orientation::TopToBottom;
            visual.add_node(Element::create_with_properties(
                shape,
                look,
                down,
                size,
                i.to_string(),
            ))
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
        ways: vec![None; edges.len()],
    };
    visual.do_it(false, false, false, &mut drawing);
    drawing
}

/// Runs `work` on a thread of its own; `None` if it panicked, about which nothing is
/// printed.
fn on_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some(THREAD) {
                before(info);
            }
        }));
    });
    let builder = std::thread::Builder::new()
        .name(THREAD.to_owned())
        .stack_size(STACK_BYTES);
    // A panic ends the thread, and `join` says so.
    builder.spawn(work).ok()?.join().ok()
}

fn assemble(
    graph: &Graph,
    downwards: &[(u32, u32)],
    drawing: Drawing,
    options: &Options,
) -> Layered {
    let mut centers: Vec<Point> = drawing
        .boxes
        .into_iter()
        .flatten()
        .map(|p| Point { x: p.x, y: p.y })
        .collect();
    let mut routes: Vec<Route> = Vec::with_capacity(downwards.len());
    for (&(from, to), way) in downwards.iter().zip(drawing.ways.into_iter().flatten()) {
        let mut points = bezier(&way);
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
        let size = sane(size);
        reach(center.x - size.w / 2.0, center.y - size.h / 2.0);
        reach(center.x + size.w / 2.0, center.y + size.h / 2.0);
    }
    for point in routes.iter().flat_map(|route| &route.points) {
        reach(point.x, point.y);
    }
    for point in centers
        .iter_mut()
        .chain(routes.iter_mut().flat_map(|r| &mut r.points))
    {
        point.x += options.margin - low[0];
        point.y += options.margin - low[1];
    }
    let positions = Positions {
        centers,
        width: high[0] - low[0] + 2.0 * options.margin,
        height: high[1] - low[1] + 2.0 * options.margin,
    };
    Layered { positions, routes }
}

/// layout-rs's path: first (start, control), then (control, end) of each curve, where the
/// next curve's first control mirrors the last one's second.
fn bezier(way: &[(Place, Place)]) -> Vec<Point> {
    let point = |p: Place| Point { x: p.x, y: p.y };
    let Some(&(start, control)) = way.first() else {
        return Vec::new();
    };
    let mut points = vec![point(start)];
    let mut control = control;
    for &(second, end) in &way[1..] {
        points.extend([point(control), point(second), point(end)]);
        control = Place::new(2.0 * end.x - second.x, 2.0 * end.y - second.y);
    }
    points
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may stop where it stands.
    use super::*;
    use crate::layout::{Edge, Size, metrics};

    fn graph(nodes: usize, edges: &[(u32, u32)]) -> Graph {
        let edges = edges.iter().map(|&(a, b)| Edge { a, b }).collect();
        Graph {
            sizes: vec![Size { w: 80.0, h: 24.0 }; nodes],
            edges,
        }
    }

    #[test]
    fn a_chain_goes_down_and_a_circle_is_broken() {
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
        assert_eq!(
            metrics::measure(&looped, &drawing.positions.centers).overlaps,
            0
        );
    }

    #[test]
    fn diamonds_end_soon() {
        // The number of ways through is 2^40.
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
    fn a_panic_is_an_error_and_says_nothing() {
        assert_eq!(on_large_stack(|| 7), Some(7));
        assert_eq!(on_large_stack::<()>(|| panic!("must not be seen")), None);
    }
}
