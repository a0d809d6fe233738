//! Quality measures of a drawing, computed from the positions of its boxes.
//!
//! Independent of the layout that made the drawing: uses none of its code.

use crate::geometry::{cross, distance, hull, through};
use whotalks::layout::{Graph, Point};

/// Number of nodes from which stress is measured; in larger components, evenly spread ones.
const SOURCES: usize = 1_000;

/// All measures of one drawing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quality {
    /// Mean over pairs of one component of the squared relative error of distances, each
    /// component at its best scale (arXiv 2408.04688). 0 is perfect.
    pub(crate) stress: f64,
    /// Mean over nodes of the Jaccard index of the `k` neighbours in the graph and the `k`
    /// nearest nodes on the plane. 1 is perfect.
    pub(crate) neighbourhood: f64,
    /// Pairs of edges that cross as straight lines between centers.
    pub(crate) crossings: usize,
    /// Pairs of an edge and a box that it passes under without ending there.
    pub(crate) under_boxes: usize,
    /// Pairs of boxes that overlap.
    pub(crate) overlaps: usize,
    /// Shorter by longer side of the bounds of all boxes.
    pub(crate) aspect: f64,
    /// Share of the bounds inside the convex hull of some component.
    pub(crate) canvas_use: f64,
    /// Share of the bounds covered by boxes.
    pub(crate) ink: f64,
}

/// Measures a drawing. `centers` has one point for each box.
pub(crate) fn measure(graph: &Graph, centers: &[Point]) -> Quality {
    let neighbours = neighbours(graph);
    let components = components(&neighbours);
    let all: Vec<usize> = (0..graph.sizes.len()).collect();
    let [left, top, right, bottom] = bounds(graph, centers, &all);
    let (width, height) = ((right - left).max(1e-9), (bottom - top).max(1e-9));
    let ink: f64 = graph.sizes.iter().map(|s| s.w * s.h).sum();
    Quality {
        stress: stress(&neighbours, &components, centers),
        neighbourhood: neighbourhood(&neighbours, centers),
        crossings: crossings(&neighbours, centers),
        under_boxes: under_boxes(graph, &neighbours, centers),
        overlaps: overlaps(graph, centers),
        aspect: (width / height).min(height / width),
        canvas_use: hull_share(graph, &components, centers),
        ink: ink / (width * height),
    }
}

/// Neighbours of each node, ascending, without self-loops, repeats and missing nodes.
fn neighbours(graph: &Graph) -> Vec<Vec<usize>> {
    let nodes = graph.sizes.len();
    let mut neighbours = vec![Vec::new(); nodes];
    for edge in &graph.edges {
        let (a, b) = (edge.a as usize, edge.b as usize);
        if a != b && a < nodes && b < nodes {
            neighbours[a].push(b);
            neighbours[b].push(a);
        }
    }
    for row in &mut neighbours {
        row.sort_unstable();
        row.dedup();
    }
    neighbours
}

/// Every edge once, as `(a, b)` with `a < b`, ascending.
fn edges(neighbours: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let row = |(a, row): (usize, &Vec<usize>)| {
        let later = row.iter().filter(move |&&b| b > a);
        later.map(|&b| (a, b)).collect::<Vec<_>>()
    };
    neighbours.iter().enumerate().flat_map(row).collect()
}

/// Fills `hops` with the distances from `source`, and returns the nodes reached.
fn search(neighbours: &[Vec<usize>], source: usize, hops: &mut [u32]) -> Vec<usize> {
    hops[source] = 0;
    let mut reached = vec![source];
    let mut next = 0;
    while let Some(&v) = reached.get(next) {
        next += 1;
        for &u in &neighbours[v] {
            if hops[u] == u32::MAX {
                hops[u] = hops[v] + 1;
                reached.push(u);
            }
        }
    }
    reached
}

/// The nodes of each connected component, ascending.
fn components(neighbours: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut hops = vec![u32::MAX; neighbours.len()];
    let mut components = Vec::new();
    for root in 0..neighbours.len() {
        if hops[root] == u32::MAX {
            let mut nodes = search(neighbours, root, &mut hops);
            nodes.sort_unstable();
            components.push(nodes);
        }
    }
    components
}

/// Left, top, right, bottom of some boxes; zeros if there are none.
fn bounds(graph: &Graph, centers: &[Point], nodes: &[usize]) -> [f64; 4] {
    let mut bounds = [
        f64::INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
    ];
    if nodes.is_empty() {
        return [0.0; 4];
    }
    for &v in nodes {
        let (center, size) = (centers[v], graph.sizes[v]);
        bounds[0] = bounds[0].min(center.x - size.w / 2.0);
        bounds[1] = bounds[1].min(center.y - size.h / 2.0);
        bounds[2] = bounds[2].max(center.x + size.w / 2.0);
        bounds[3] = bounds[3].max(center.y + size.h / 2.0);
    }
    bounds
}

/// Pairs of boxes that overlap by more than rounding errors.
fn overlaps(graph: &Graph, centers: &[Point]) -> usize {
    const TOLERANCE: f64 = 1e-6;
    let left = |v: usize| centers[v].x - graph.sizes[v].w / 2.0;
    let right = |v: usize| centers[v].x + graph.sizes[v].w / 2.0;
    let mut order: Vec<usize> = (0..centers.len()).collect();
    order.sort_by(|&a, &b| left(a).total_cmp(&left(b)));
    let mut count = 0;
    for (i, &a) in order.iter().enumerate() {
        let candidates = order[i + 1..].iter();
        count += candidates
            .take_while(|&&b| left(b) + TOLERANCE < right(a))
            .filter(|&&b| {
                let distance = (centers[a].y - centers[b].y).abs();
                distance + TOLERANCE < (graph.sizes[a].h + graph.sizes[b].h) / 2.0
            })
            .count();
    }
    count
}

fn stress(neighbours: &[Vec<usize>], components: &[Vec<usize>], centers: &[Point]) -> f64 {
    let (mut total, mut pairs) = (0.0, 0.0);
    let mut hops = vec![u32::MAX; centers.len()];
    for component in components {
        // With r = length / hops: the sum of (scale · r - 1)², least at scale = Σr / Σr².
        let (mut first, mut second, mut count) = (0.0, 0.0, 0.0);
        let stride = component.len().div_ceil(SOURCES).max(1);
        for &source in component.iter().step_by(stride) {
            for v in search(neighbours, source, &mut hops) {
                let hops = std::mem::replace(&mut hops[v], u32::MAX);
                if v != source {
                    let ratio = distance(centers[source], centers[v]) / f64::from(hops);
                    first += ratio;
                    second += ratio * ratio;
                    count += 1.0;
                }
            }
        }
        if second > 0.0 {
            total += count - first * first / second;
            pairs += count;
        }
    }
    if pairs > 0.0 { total / pairs } else { 0.0 }
}

fn neighbourhood(neighbours: &[Vec<usize>], centers: &[Point]) -> f64 {
    let nodes = neighbours.len();
    let (mut sum, mut count) = (0.0, 0.0);
    let mut order: Vec<(f64, usize)> = Vec::new();
    for v in (0..nodes).step_by(nodes.div_ceil(4 * SOURCES).max(1)) {
        let row = &neighbours[v];
        if row.is_empty() {
            continue;
        }
        let from = centers[v];
        order.clear();
        let others = (0..nodes).filter(|&u| u != v);
        order.extend(others.map(|u| (distance(centers[u], from), u)));
        let nearest = row.len();
        if nearest < order.len() {
            order.select_nth_unstable_by(nearest - 1, |p, q| {
                p.0.total_cmp(&q.0).then(p.1.cmp(&q.1))
            });
        }
        let common = order[..nearest]
            .iter()
            .filter(|(_, u)| row.binary_search(u).is_ok())
            .count();
        sum += common as f64 / (2 * nearest - common) as f64;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 1.0 }
}

/// Pairs of edges that cross as straight lines between centers.
fn crossings(neighbours: &[Vec<usize>], centers: &[Point]) -> usize {
    let mut edges = edges(neighbours);
    let low = |&(a, b): &(usize, usize)| centers[a].x.min(centers[b].x);
    let high = |&(a, b): &(usize, usize)| centers[a].x.max(centers[b].x);
    edges.sort_by(|p, q| low(p).total_cmp(&low(q)));
    let mut count = 0;
    for (i, p) in edges.iter().enumerate() {
        let end = high(p);
        for q in edges[i + 1..].iter().take_while(|q| low(q) <= end) {
            let disjoint = p.0 != q.0 && p.0 != q.1 && p.1 != q.0 && p.1 != q.1;
            if disjoint && cross(centers[p.0], centers[p.1], centers[q.0], centers[q.1]) {
                count += 1;
            }
        }
    }
    count
}

fn under_boxes(graph: &Graph, neighbours: &[Vec<usize>], centers: &[Point]) -> usize {
    let mut order: Vec<usize> = (0..centers.len()).collect();
    order.sort_by(|&a, &b| centers[a].x.total_cmp(&centers[b].x));
    let widest = graph.sizes.iter().map(|s| s.w).fold(0.0, f64::max) / 2.0;
    let mut count = 0;
    for (a, b) in edges(neighbours) {
        let (p, q) = (centers[a], centers[b]);
        let from = order.partition_point(|&v| centers[v].x < p.x.min(q.x) - widest);
        for &v in order[from..]
            .iter()
            .take_while(|&&v| centers[v].x <= p.x.max(q.x) + widest)
        {
            if v != a
                && v != b
                && through(
                    p,
                    q,
                    centers[v],
                    graph.sizes[v].w / 2.0,
                    graph.sizes[v].h / 2.0,
                )
            {
                count += 1;
            }
        }
    }
    count
}

/// Share of the bounds inside some hull, sampled at 256 × 256 points.
fn hull_share(graph: &Graph, components: &[Vec<usize>], centers: &[Point]) -> f64 {
    const RASTER: usize = 256;
    let [left, top, right, bottom] =
        bounds(graph, centers, &(0..centers.len()).collect::<Vec<_>>());
    let (dx, dy) = (
        (right - left) / RASTER as f64,
        (bottom - top) / RASTER as f64,
    );
    let mut inside = vec![false; RASTER * RASTER];
    for component in components {
        let mut corners = Vec::with_capacity(4 * component.len());
        for &v in component {
            for (sx, sy) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
                corners.push(Point {
                    x: centers[v].x + sx * graph.sizes[v].w / 2.0,
                    y: centers[v].y + sy * graph.sizes[v].h / 2.0,
                });
            }
        }
        let hull = hull(corners);
        for (row, line) in inside.chunks_mut(RASTER).enumerate() {
            let y = top + (row as f64 + 0.5) * dy;
            let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
            for (i, &p) in hull.iter().enumerate() {
                let q = hull[(i + 1) % hull.len()];
                if (p.y <= y) != (q.y <= y) {
                    let x = p.x + (y - p.y) / (q.y - p.y) * (q.x - p.x);
                    from = from.min(x);
                    to = to.max(x);
                }
            }
            for (column, cell) in line.iter_mut().enumerate() {
                let x = left + (column as f64 + 0.5) * dx;
                *cell |= from <= x && x <= to;
            }
        }
    }
    inside.iter().filter(|&&cell| cell).count() as f64 / (RASTER * RASTER) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use whotalks::layout::{Edge, Size};

    /// A square of four small boxes whose edges are the two diagonals and one side.
    fn square() -> (Graph, Vec<Point>) {
        let edges = [(0, 2), (1, 3), (0, 1)]
            .map(|(a, b)| Edge { a, b })
            .to_vec();
        let corners = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)];
        let graph = Graph {
            sizes: vec![Size { w: 2.0, h: 2.0 }; 4],
            edges,
        };
        (graph, corners.map(|(x, y)| Point { x, y }).to_vec())
    }

    #[test]
    fn a_square_measures_as_computed_by_hand() {
        let (graph, mut centers) = square();
        let quality = measure(&graph, &centers);
        assert_eq!(
            (quality.crossings, quality.overlaps, quality.under_boxes),
            (1, 0, 0)
        );
        assert_eq!(quality.aspect, 1.0);
        assert!((quality.ink - 16.0 / 144.0).abs() < 1e-9);
        assert!(quality.canvas_use > 0.95);
        centers[1] = Point { x: 1.0, y: 1.0 };
        let quality = measure(&graph, &centers);
        assert_eq!((quality.overlaps, quality.under_boxes), (1, 1));
    }

    #[test]
    fn a_straight_path_has_no_stress_at_any_scale() {
        let edges = (0..4).map(|i| Edge { a: i, b: i + 1 }).collect();
        let graph = Graph {
            sizes: vec![Size { w: 1.0, h: 1.0 }; 5],
            edges,
        };
        let line: Vec<Point> = (0..5)
            .map(|i| Point {
                x: 37.0 * f64::from(i),
                y: 5.0,
            })
            .collect();
        let quality = measure(&graph, &line);
        assert!(quality.stress < 1e-12, "{}", quality.stress);
        assert!(quality.neighbourhood > 0.7);
    }
}
