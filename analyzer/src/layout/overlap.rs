//! Overlap removal. Does not consider the edges of the graph.
//!
//! Three methods, gentle to strict: [`push_apart`] separates each overlapping pair a
//! little, for use between sweeps of stress; [`grow_tree`] preserves the shape of the
//! drawing (Nachmanson et al.: Node overlap removal by growing a tree, 2016); [`scatter`]
//! moves every box that still overlaps to the nearest free position and always terminates.

use std::collections::BTreeSet;

use super::boxes::Boxes;
use petgraph::unionfind::UnionFind;

/// Removes all overlaps.
pub(crate) fn remove_all(boxes: &mut Boxes) {
    if !grow_tree(boxes) {
        scatter(boxes);
    }
}

/// Pairs of boxes that overlap, each once, in an order that depends on positions only.
pub(crate) fn overlapping(boxes: &Boxes) -> Vec<(u32, u32)> {
    // Sweep along the axis on which boxes are smaller relative to the whole.
    let [left, top, right, bottom] = boxes.bounds();
    let wide = boxes.half_width.iter().sum::<f64>() * (bottom - top);
    let high = boxes.half_height.iter().sum::<f64>() * (right - left);
    let (middle, half) = match wide < high {
        true => (&boxes.x, &boxes.half_width),
        false => (&boxes.y, &boxes.half_height),
    };
    let sides = middle.iter().zip(half).zip(0u32..);
    let mut order: Vec<(f64, f64, u32)> = sides
        .map(|((middle, half), v)| (middle - half, middle + half, v))
        .collect();
    order.sort_unstable_by(|p, q| p.0.total_cmp(&q.0).then(p.2.cmp(&q.2)));
    let mut pairs = Vec::new();
    for (i, &(_, end, a)) in order.iter().enumerate() {
        let candidates = order[i + 1..].iter().take_while(|other| other.0 < end);
        let candidates = candidates.map(|other| (a, other.2));
        pairs.extend(candidates.filter(|&(a, b)| boxes.overlap(a as usize, b as usize)));
    }
    pairs
}

/// Separates every overlapping pair along the axis of the smaller overlap; each box moves
/// by half of `share` of it. Returns the number of overlapping pairs found.
pub(crate) fn push_apart(boxes: &mut Boxes, share: f64) -> usize {
    let pairs = overlapping(boxes);
    for &(a, b) in &pairs {
        let (a, b) = (a as usize, b as usize);
        let dx = boxes.x[b] - boxes.x[a];
        let dy = boxes.y[b] - boxes.y[a];
        let over_x = boxes.half_width[a] + boxes.half_width[b] - dx.abs();
        let over_y = boxes.half_height[a] + boxes.half_height[b] - dy.abs();
        if over_x <= 0.0 || over_y <= 0.0 {
            // Separated by the move of an earlier pair.
            continue;
        }
        if over_x < over_y {
            let by = 0.5 * share * over_x.copysign(if dx == 0.0 { 1.0 } else { dx });
            boxes.x[a] -= by;
            boxes.x[b] += by;
        } else {
            let by = 0.5 * share * over_y.copysign(if dy == 0.0 { 1.0 } else { dy });
            boxes.y[a] -= by;
            boxes.y[b] += by;
        }
    }
    pairs.len()
}

/// Rounds after which [`grow_tree`] gives up. The graphs of the paper need 10 to 50.
const ROUNDS: usize = 200;

/// Grows a spanning tree of neighbouring boxes until nothing overlaps. Returns whether it
/// succeeded, as it nearly always does.
pub(crate) fn grow_tree(boxes: &mut Boxes) -> bool {
    for _ in 0..ROUNDS {
        let pairs = overlapping(boxes);
        if pairs.is_empty() {
            return true;
        }
        let mut edges = delaunay_edges(boxes);
        edges.extend(pairs);
        let tree = spanning_tree(boxes, edges);
        unfold(boxes, &tree);
    }
    overlapping(boxes).is_empty()
}

/// Edges of the Delaunay triangulation, `a < b`, each once.
pub(crate) fn delaunay_edges(boxes: &Boxes) -> Vec<(u32, u32)> {
    let centers = boxes.x.iter().zip(&boxes.y);
    let points: Vec<_> = centers.map(|(&x, &y)| delaunator::Point { x, y }).collect();
    let found = delaunator::triangulate(&points);
    let mut edges = Vec::with_capacity(found.triangles.len() + found.hull.len());
    let mut add = |a: usize, b: usize| edges.push((a.min(b) as u32, a.max(b) as u32));
    for triangle in found.triangles.chunks_exact(3) {
        add(triangle[0], triangle[1]);
        add(triangle[1], triangle[2]);
        add(triangle[2], triangle[0]);
    }
    // Collinear points have a hull but no triangles.
    for pair in found.hull.windows(2) {
        add(pair[0], pair[1]);
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Kruskal's algorithm by clearance: deepest overlaps first, then the nearest boxes.
fn spanning_tree(boxes: &Boxes, edges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let mut weighted: Vec<(f64, u32, u32)> = edges
        .into_iter()
        .map(|(a, b)| (boxes.clearance(a as usize, b as usize), a, b))
        .collect();
    weighted.sort_unstable_by(|p, q| p.0.total_cmp(&q.0).then((p.1, p.2).cmp(&(q.1, q.2))));
    let mut sets = UnionFind::<u32>::new(boxes.len());
    weighted
        .into_iter()
        .map(|(_, a, b)| (a, b))
        .filter(|&(a, b)| sets.union(a, b))
        .collect()
}

/// Repositions every box, from the root of its tree outwards: each tree edge keeps its
/// direction and, if its boxes overlap, is stretched until they do not.
fn unfold(boxes: &mut Boxes, tree: &[(u32, u32)]) {
    let mut tree_neighbours: Vec<Vec<u32>> = vec![Vec::new(); boxes.len()];
    for &(a, b) in tree {
        tree_neighbours[a as usize].push(b);
        tree_neighbours[b as usize].push(a);
    }
    let (old_x, old_y) = (boxes.x.clone(), boxes.y.clone());
    let mut placed = vec![false; boxes.len()];
    for start in 0..boxes.len() {
        if std::mem::replace(&mut placed[start], true) {
            continue;
        }
        let mut stack = vec![start];
        while let Some(v) = stack.pop() {
            for &u in &tree_neighbours[v] {
                let u = u as usize;
                if std::mem::replace(&mut placed[u], true) {
                    continue;
                }
                let (dx, dy) = (old_x[u] - old_x[v], old_y[u] - old_y[v]);
                let (dx, dy) = stretched(boxes, v, u, dx, dy);
                boxes.x[u] = boxes.x[v] + dx;
                boxes.y[u] = boxes.y[v] + dy;
                stack.push(u);
            }
        }
    }
}

/// The vector from `v` to `u`, lengthened until their boxes do not overlap.
fn stretched(boxes: &Boxes, v: usize, u: usize, dx: f64, dy: f64) -> (f64, f64) {
    let width = boxes.half_width[v] + boxes.half_width[u];
    let height = boxes.half_height[v] + boxes.half_height[u];
    if dx.abs() >= width || dy.abs() >= height {
        return (dx, dy);
    }
    if dx.abs() < 1e-9 && dy.abs() < 1e-9 {
        return (0.0, height);
    }
    // Slightly more, so that rounding does not bring the overlap back.
    let factor = (width / dx.abs()).min(height / dy.abs()) * (1.0 + 1e-9);
    (dx * factor, dy * factor)
}

/// Moves boxes that overlap an earlier one to the nearest free position on rings around
/// them. Always terminates without overlaps: far enough out, every position is free.
pub(crate) fn scatter(boxes: &mut Boxes) {
    let pairs = overlapping(boxes).into_iter();
    let clashing: BTreeSet<usize> = pairs.map(|(a, b)| a.max(b) as usize).collect();
    let mut fixed: Vec<bool> = (0..boxes.len()).map(|v| !clashing.contains(&v)).collect();
    for v in clashing {
        let (x, y) = (boxes.x[v], boxes.y[v]);
        let step = boxes.half_width[v].min(boxes.half_height[v]).max(1.0);
        let mut ring = 0u32;
        while (0..boxes.len()).any(|u| fixed[u] && boxes.overlap(u, v)) {
            // Sixteen positions on each ring; the distance between rings grows.
            let angle = f64::from(ring % 16) * std::f64::consts::FRAC_PI_8;
            let radius = step * (1.0 + f64::from(ring / 16)).powf(1.3);
            boxes.x[v] = x + radius * angle.cos();
            boxes.y[v] = y + radius * angle.sin();
            ring += 1;
        }
        fixed[v] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::rng::Rng;

    fn random(count: usize, field: f64, seed: u64) -> Boxes {
        let mut rng = Rng::new(seed);
        let mut draw =
            |scale: f64, least: f64| (0..count).map(|_| least + scale * rng.unit()).collect();
        Boxes {
            x: draw(field, 0.0),
            y: draw(field, 0.0),
            half_width: draw(40.0, 10.0),
            half_height: draw(10.0, 10.0),
        }
    }

    /// By definition, pair by pair.
    fn overlaps(boxes: &Boxes) -> usize {
        let count = boxes.len();
        (0..count)
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .filter(|&(a, b)| boxes.overlap(a, b))
            .count()
    }

    #[test]
    fn the_sweep_finds_the_overlaps_of_the_definition() {
        let boxes = random(200, 800.0, 3);
        assert!(overlaps(&boxes) > 50);
        assert_eq!(overlapping(&boxes).len(), overlaps(&boxes));
    }

    #[test]
    fn growing_removes_every_overlap() {
        for (count, field) in [(2, 1.0), (50, 10.0), (300, 600.0), (300, 0.0)] {
            let mut boxes = random(count, field, 5);
            assert!(grow_tree(&mut boxes), "{count} boxes in a field of {field}");
            assert_eq!(overlaps(&boxes), 0);
        }
    }

    #[test]
    fn scattering_removes_every_overlap_even_on_one_point() {
        let mut boxes = random(150, 0.0, 9);
        scatter(&mut boxes);
        assert_eq!(overlaps(&boxes), 0);
    }

    #[test]
    fn pushing_separates_two_boxes_along_the_smaller_overlap() {
        let mut boxes = Boxes {
            x: vec![0.0, 1.0],
            y: vec![0.0, 2.0],
            half_width: vec![10.0; 2],
            half_height: vec![3.0; 2],
        };
        assert_eq!(push_apart(&mut boxes, 1.0), 1);
        assert_eq!(boxes.x, [0.0, 1.0]);
        assert_eq!(boxes.y, [-2.0, 4.0]);
        assert_eq!(push_apart(&mut boxes, 1.0), 0);
    }
}
