//! Stress of a large component, against some pivots instead of all nodes (Ortmann,
//! Klimenta, Brandes: A sparse stress model, 2016), minimised as `stress` does.
//!
//! Each node has a term for each neighbour and one for each pivot; a pivot stands for
//! the nodes around it, so its term weighs as many of them as lie nearer to it than half
//! of the way. Only the node moves by a pivot's term, never the pivot.

use super::adjacency::Adjacency;
use super::distances::Pivots;
use super::rng::Rng;
use super::stress::Layout;

/// The terms. `8 · nodes · pivots` bytes.
#[derive(Debug)]
pub(crate) struct SparseStress {
    pivots: Vec<u32>,
    /// Wished distance and weight, for each pivot a row of all nodes.
    wished: Vec<Vec<f32>>,
    weight: Vec<Vec<f32>>,
    edges: Vec<(u32, u32)>,
    order: Vec<u32>,
}

impl SparseStress {
    pub(crate) fn new(adjacency: &Adjacency, pivots: &Pivots, rng: &mut Rng) -> Self {
        let nodes = adjacency.len();
        let rows = pivots.nodes.len();
        let mut nearest = vec![0usize; nodes];
        for p in 1..rows {
            for (v, best) in nearest.iter_mut().enumerate() {
                if pivots.hops[p][v] < pivots.hops[*best][v] {
                    *best = p;
                }
            }
        }
        let mut wished = Vec::with_capacity(rows);
        let mut weight = Vec::with_capacity(rows);
        for (p, hops) in pivots.hops.iter().enumerate() {
            // within[d]: nodes of the pivot's region at most d edges away.
            let deepest = hops.iter().copied().max().unwrap_or(0) as usize;
            let mut within = vec![0u32; deepest + 1];
            for v in (0..nodes).filter(|&v| nearest[v] == p) {
                within[hops[v] as usize] += 1;
            }
            for d in 1..within.len() {
                within[d] += within[d - 1];
            }
            wished.push(hops.iter().map(|&h| h as f32).collect());
            let weigh = |&h: &u32| {
                // Neighbours have their own term, and the pivot none with itself.
                if h <= 1 {
                    0.0
                } else {
                    within[h as usize / 2] as f32 / (h as f32 * h as f32)
                }
            };
            weight.push(hops.iter().map(weigh).collect());
        }
        let mut edges = adjacency.edges();
        rng.shuffle(&mut edges);
        Self {
            pivots: pivots.nodes.clone(),
            wished,
            weight,
            edges,
            order: (0..rows as u32).collect(),
        }
    }

    /// One pass over all terms, as [`super::stress::FullStress::sweep`]. The edges are
    /// spread between the pivots, so that neither has the last word.
    pub(crate) fn sweep(&mut self, layout: &mut Layout, step: f32, rng: &mut Rng) {
        rng.shuffle(&mut self.order);
        let chunk = self.edges.len().div_ceil(self.order.len().max(1)).max(1);
        let mut chunks = self.edges.chunks(chunk);
        for &p in &self.order {
            let p = p as usize;
            let pivot = self.pivots[p] as usize;
            pull(layout, pivot, &self.wished[p], &self.weight[p], step);
            for &(a, b) in chunks.next().unwrap_or(&[]) {
                join(layout, a as usize, b as usize, step);
            }
        }
    }
}

/// Moves every node by its term with one pivot.
fn pull(layout: &mut Layout, pivot: usize, wished: &[f32], weight: &[f32], step: f32) {
    let (px, py) = (layout.x[pivot], layout.y[pivot]);
    let nodes = layout.x.iter_mut().zip(&mut layout.y);
    for (((x, y), &wished), &weight) in nodes.zip(wished).zip(weight) {
        let dx = *x - px;
        let dy = *y - py;
        let length = (dx * dx + dy * dy).sqrt().max(1e-6);
        let share = (step * weight).min(1.0);
        let by = 0.5 * share * (length - wished) / length;
        *x -= by * dx;
        *y -= by * dy;
    }
}

/// Moves both ends of an edge towards length 1.
fn join(layout: &mut Layout, a: usize, b: usize, step: f32) {
    let dx = layout.x[a] - layout.x[b];
    let dy = layout.y[a] - layout.y[b];
    let length = (dx * dx + dy * dy).sqrt().max(1e-6);
    let by = 0.5 * step.min(1.0) * (length - 1.0) / length;
    layout.x[a] -= by * dx;
    layout.y[a] -= by * dy;
    layout.x[b] += by * dx;
    layout.y[b] += by * dy;
}
