//! How good a drawing is, in numbers: for tests and for the benchmark.
//!
//! Works on any positions of a graph's boxes, whoever made them. Never part of drawing.

use super::adjacency::Adjacency;
use super::components::split;
use super::distances::Search;
use super::{Graph, Point, boxes_of, overlap};

/// Sources from which stress is measured; of larger graphs evenly spread ones.
const SOURCES: usize = 1_000;

/// All of the figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// Mean over pairs of one component of the squared relative error of distances, each
    /// component at its best scale (arXiv 2408.04688). 0 is perfect.
    pub stress: f64,
    /// Mean over nodes of the Jaccard index of neighbours in the graph and as many
    /// nearest nodes on the picture. 1 is perfect.
    pub neighbourhood: f64,
    /// Pairs of edges that cross as straight lines between centres.
    pub crossings: usize,
    /// Edges that pass under a box they do not end at, counted once for each such box.
    pub under_boxes: usize,
    /// Pairs of boxes that overlap.
    pub overlaps: usize,
    /// Shorter by longer side of the bounds of all boxes.
    pub aspect: f64,
    /// Share of the bounds that lies in the convex hull of some component.
    pub canvas_use: f64,
    /// Share of the bounds that is covered by boxes.
    pub ink: f64,
}

/// Measures a drawing. `centers` has one point for each box.
pub fn measure(graph: &Graph, centers: &[Point]) -> Quality {
    let adjacency = Adjacency::new(graph.sizes.len(), &graph.edges);
    let [left, top, right, bottom] = bounds(graph, centers);
    let (width, height) = ((right - left).max(1e-9), (bottom - top).max(1e-9));
    let ink: f64 = graph.sizes.iter().map(|s| s.w * s.h).sum();
    Quality {
        stress: stress(&adjacency, centers),
        neighbourhood: neighbourhood(&adjacency, centers),
        crossings: crossings(&adjacency, centers),
        under_boxes: under_boxes(graph, &adjacency, centers),
        overlaps: overlaps(graph, centers),
        aspect: (width / height).min(height / width),
        canvas_use: hull_share(graph, &adjacency, centers),
        ink: ink / (width * height),
    }
}

fn bounds(graph: &Graph, centers: &[Point]) -> [f64; 4] {
    let all: Vec<u32> = (0..graph.sizes.len() as u32).collect();
    placed(graph, centers, &all).bounds()
}

fn placed(graph: &Graph, centers: &[Point], nodes: &[u32]) -> super::Boxes {
    let mut boxes = boxes_of(nodes, &graph.sizes, 0.0);
    boxes.x = nodes.iter().map(|&v| centers[v as usize].x).collect();
    boxes.y = nodes.iter().map(|&v| centers[v as usize].y).collect();
    boxes
}

fn overlaps(graph: &Graph, centers: &[Point]) -> usize {
    let all: Vec<u32> = (0..graph.sizes.len() as u32).collect();
    overlap::overlapping(&placed(graph, centers, &all)).len()
}

fn stress(adjacency: &Adjacency, centers: &[Point]) -> f64 {
    let (mut total, mut pairs) = (0.0, 0.0);
    let mut search = Search::default();
    let mut hops = Vec::new();
    for component in split(adjacency) {
        let nodes = component.nodes.len();
        // With r = length / hops: sum of (scale · r - 1)², least at scale = Σr / Σr².
        let (mut first, mut second, mut count) = (0.0, 0.0, 0.0);
        for source in (0..nodes).step_by(nodes.div_ceil(SOURCES).max(1)) {
            search.from(&component.adjacency, source, &mut hops);
            let from = centers[component.nodes[source] as usize];
            for (v, &hops_to) in hops.iter().enumerate().filter(|&(v, _)| v != source) {
                let to = centers[component.nodes[v] as usize];
                let ratio = distance(from, to) / f64::from(hops_to);
                first += ratio;
                second += ratio * ratio;
                count += 1.0;
            }
        }
        if second > 0.0 {
            total += count - first * first / second;
            pairs += count;
        }
    }
    if pairs > 0.0 { total / pairs } else { 0.0 }
}

/// Plainly: `hypot` is many times slower, and nothing here overflows.
fn distance(p: Point, q: Point) -> f64 {
    ((p.x - q.x).powi(2) + (p.y - q.y).powi(2)).sqrt()
}

fn neighbourhood(adjacency: &Adjacency, centers: &[Point]) -> f64 {
    let nodes = adjacency.len();
    let (mut sum, mut count) = (0.0, 0.0);
    let mut order: Vec<(f64, u32)> = Vec::new();
    for v in (0..nodes).step_by(nodes.div_ceil(4 * SOURCES).max(1)) {
        let beside = adjacency.neighbours(v);
        if beside.is_empty() {
            continue;
        }
        let from = centers[v];
        order.clear();
        let others = (0..nodes).filter(|&u| u != v);
        order.extend(others.map(|u| (distance(centers[u], from), u as u32)));
        let nearest = beside.len();
        if nearest < order.len() {
            order.select_nth_unstable_by(nearest - 1, |p, q| {
                p.0.total_cmp(&q.0).then(p.1.cmp(&q.1))
            });
        }
        let common = order[..nearest]
            .iter()
            .filter(|(_, u)| beside.binary_search(u).is_ok())
            .count();
        sum += common as f64 / (2 * nearest - common) as f64;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 1.0 }
}

/// Pairs of edges that cross as straight lines between centres.
pub(crate) fn crossings(adjacency: &Adjacency, centers: &[Point]) -> usize {
    let mut edges = adjacency.edges();
    let low = |&(a, b): &(u32, u32)| centers[a as usize].x.min(centers[b as usize].x);
    let high = |&(a, b): &(u32, u32)| centers[a as usize].x.max(centers[b as usize].x);
    edges.sort_by(|p, q| low(p).total_cmp(&low(q)));
    let mut count = 0;
    for (i, p) in edges.iter().enumerate() {
        let end = high(p);
        for q in edges[i + 1..].iter().take_while(|q| low(q) <= end) {
            let apart = p.0 != q.0 && p.0 != q.1 && p.1 != q.0 && p.1 != q.1;
            let at = |v: u32| centers[v as usize];
            if apart && cross(at(p.0), at(p.1), at(q.0), at(q.1)) {
                count += 1;
            }
        }
    }
    count
}

/// Whether the segments `ab` and `cd` cross at a point inside both.
pub(crate) fn cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

fn under_boxes(graph: &Graph, adjacency: &Adjacency, centers: &[Point]) -> usize {
    let mut order: Vec<usize> = (0..centers.len()).collect();
    order.sort_by(|&a, &b| centers[a].x.total_cmp(&centers[b].x));
    let widest = graph.sizes.iter().map(|s| s.w).fold(0.0, f64::max) / 2.0;
    let mut count = 0;
    for (a, b) in adjacency.edges() {
        let (a, b) = (a as usize, b as usize);
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

/// Whether the segment `pq` passes through the box around `middle`.
pub(crate) fn through(
    p: Point,
    q: Point,
    middle: Point,
    half_width: f64,
    half_height: f64,
) -> bool {
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (from, to, at, half) in [
        (p.x, q.x, middle.x, half_width),
        (p.y, q.y, middle.y, half_height),
    ] {
        let run = to - from;
        if run.abs() < 1e-12 {
            if (from - at).abs() >= half {
                return false;
            }
            continue;
        }
        let (s, t) = ((at - half - from) / run, (at + half - from) / run);
        enter = enter.max(s.min(t));
        leave = leave.min(s.max(t));
    }
    enter < leave
}

/// Sampled on a raster of 256 × 256 points.
fn hull_share(graph: &Graph, adjacency: &Adjacency, centers: &[Point]) -> f64 {
    const RASTER: usize = 256;
    let [left, top, right, bottom] = bounds(graph, centers);
    let (dx, dy) = (
        (right - left) / RASTER as f64,
        (bottom - top) / RASTER as f64,
    );
    let mut inside = vec![false; RASTER * RASTER];
    for component in split(adjacency) {
        let boxes = placed(graph, centers, &component.nodes);
        let mut corners = Vec::with_capacity(4 * boxes.len());
        for v in 0..boxes.len() {
            for (sx, sy) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
                corners.push(Point {
                    x: boxes.x[v] + sx * boxes.half_width[v],
                    y: boxes.y[v] + sy * boxes.half_height[v],
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

/// Andrew's monotone chain.
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|p, q| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y)));
    let mut hull: Vec<Point> = Vec::new();
    for pass in 0..2 {
        let begin = hull.len();
        for &p in &points {
            while hull.len() >= begin + 2 {
                let (a, b) = (hull[hull.len() - 2], hull[hull.len() - 1]);
                if (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0.0 {
                    break;
                }
                hull.pop();
            }
            hull.push(p);
        }
        hull.pop();
        if pass == 0 {
            points.reverse();
        }
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Edge, Size};

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
    fn a_square_measures_as_by_hand() {
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
