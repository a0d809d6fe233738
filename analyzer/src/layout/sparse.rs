//! Stress of a large component, against some pivots instead of all nodes (Ortmann,
//! Klimenta, Brandes: A sparse stress model, 2016), minimised as `stress` does.
//!
//! Each node has a term for each neighbour, for each pivot and, if it is a leaf, for
//! some leaves of the same hub, which would otherwise fall on one point; a pivot stands for
//! the nodes around it, so its term weighs as many of them as lie nearer to it than half
//! of the way. Only the node moves by a pivot's term, never the pivot.

use super::adjacency::Adjacency;
use super::distances::Pivots;
use super::rng::Rng;
use super::stress::Layout;
use super::target_distances::Wishes;

/// The terms. `8 · nodes · pivots` bytes.
#[derive(Debug)]
pub(crate) struct SparseStress {
    pivots: Pivots,
    /// For each pivot, how many nodes of its region are at most `d` edges away.
    within: Vec<Vec<u32>>,
    /// Wished distance and weight, for each pivot a row of all nodes.
    wished: Vec<Vec<f32>>,
    weight: Vec<Vec<f32>>,
    near: Vec<Near>,
    /// Wished distance and weight of pairs one and two edges apart.
    beside: [(f32, f32); 3],
    order: Vec<u32>,
}

impl SparseStress {
    /// The wishes are plain.
    pub(crate) fn new(adjacency: &Adjacency, pivots: Pivots, rng: &mut Rng) -> Self {
        let nodes = adjacency.len();
        let mut nearest = vec![0usize; nodes];
        for (p, hops) in pivots.hops.iter().enumerate() {
            for (v, best) in nearest.iter_mut().enumerate() {
                if hops[v] < pivots.hops[*best][v] {
                    *best = p;
                }
            }
        }
        let mut within = Vec::with_capacity(pivots.hops.len());
        for (p, hops) in pivots.hops.iter().enumerate() {
            let mut count = vec![0u32; deepest(hops) as usize + 1];
            for v in (0..nodes).filter(|&v| nearest[v] == p) {
                count[hops[v] as usize] += 1;
            }
            for d in 1..count.len() {
                count[d] += count[d - 1];
            }
            within.push(count);
        }
        let order = (0..pivots.hops.len() as u32).collect();
        let near = near(adjacency, rng);
        let (wished, weight) = (Vec::new(), Vec::new());
        let beside = [(0.0, 0.0); 3];
        let mut stress = Self {
            pivots,
            within,
            wished,
            weight,
            near,
            beside,
            order,
        };
        stress.wish(Wishes::PLAIN);
        stress
    }

    /// From here on, `wishes` hold.
    pub(crate) fn wish(&mut self, wishes: Wishes) {
        self.wished.clear();
        self.weight.clear();
        let (distances, weights) = (wishes.distances(2), wishes.weights(2));
        self.beside = [0, 1, 2].map(|hops| (distances[hops], weights[hops]));
        for (hops, within) in self.pivots.hops.iter().zip(&self.within) {
            let distances = wishes.distances(deepest(hops));
            let mut weights = wishes.weights(deepest(hops));
            for (d, weight) in weights.iter_mut().enumerate() {
                // Neighbours have their own term, and the pivot none with itself.
                *weight *= if d <= 1 { 0.0 } else { within[d / 2] as f32 };
            }
            self.wished
                .push(hops.iter().map(|&h| distances[h as usize]).collect());
            self.weight
                .push(hops.iter().map(|&h| weights[h as usize]).collect());
        }
    }

    /// The longest distance seen from a pivot.
    pub(crate) fn deepest(&self) -> u32 {
        self.pivots
            .hops
            .iter()
            .map(|hops| deepest(hops))
            .max()
            .unwrap_or(0)
    }

    /// Plain stress at the best scale over the pairs of pivot and node.
    pub(crate) fn measure(&self, layout: &Layout) -> f64 {
        let (mut first, mut second, mut count) = (0.0, 0.0, 0.0);
        for (&pivot, hops) in self.pivots.nodes.iter().zip(&self.pivots.hops) {
            let (px, py) = (layout.x[pivot as usize], layout.y[pivot as usize]);
            for ((x, y), &hops) in layout
                .x
                .iter()
                .zip(&layout.y)
                .zip(hops)
                .filter(|(_, h)| **h > 0)
            {
                let ratio =
                    f64::from(((x - px).powi(2) + (y - py).powi(2)).sqrt()) / f64::from(hops);
                first += ratio;
                second += ratio * ratio;
                count += 1.0;
            }
        }
        if second > 0.0 {
            1.0 - first * first / second / count
        } else {
            0.0
        }
    }

    /// One pass over all terms, as [`super::stress::FullStress::sweep`]. Near pairs are
    /// spread between the pivots, so that neither has the last word.
    pub(crate) fn sweep(&mut self, layout: &mut Layout, step: f32, rng: &mut Rng) {
        rng.shuffle(&mut self.order);
        let chunk = self.near.len().div_ceil(self.order.len().max(1)).max(1);
        let mut chunks = self.near.chunks(chunk);
        for &p in &self.order {
            let p = p as usize;
            let pivot = self.pivots.nodes[p] as usize;
            pull(layout, pivot, &self.wished[p], &self.weight[p], step);
            for near in chunks.next().unwrap_or(&[]) {
                let (wished, weight) = self.beside[near.hops];
                join(layout, near, wished, step * weight * near.stands_for);
            }
        }
    }
}

/// Two nodes one or two edges apart.
#[derive(Debug, Clone, Copy)]
struct Near {
    a: u32,
    b: u32,
    hops: usize,
    /// How many pairs this one was drawn from.
    stands_for: f32,
}

/// Partners drawn for each leaf among the other leaves of its hub.
const PARTNERS: usize = 3;

/// All edges, and a sample of the pairs of leaves of one hub. All other nodes have terms
/// of their own that keep them apart.
fn near(adjacency: &Adjacency, rng: &mut Rng) -> Vec<Near> {
    let edges = adjacency.edges().into_iter();
    let mut near: Vec<Near> = edges
        .map(|(a, b)| Near {
            a,
            b,
            hops: 1,
            stands_for: 1.0,
        })
        .collect();
    for v in 0..adjacency.len() {
        let leaves: Vec<u32> = adjacency
            .neighbours(v)
            .iter()
            .copied()
            .filter(|&u| adjacency.neighbours(u as usize).len() == 1)
            .collect();
        for &a in leaves.iter().filter(|_| leaves.len() > 1) {
            for _ in 0..PARTNERS {
                let b = leaves[rng.below(leaves.len())];
                if a != b {
                    let stands_for = (leaves.len() as f32 / (2.0 * PARTNERS as f32)).max(1.0);
                    near.push(Near {
                        a,
                        b,
                        hops: 2,
                        stands_for,
                    });
                }
            }
        }
    }
    rng.shuffle(&mut near);
    near
}

fn deepest(hops: &[u32]) -> u32 {
    hops.iter().copied().max().unwrap_or(0)
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

/// Moves both nodes of a pair towards their wished distance.
fn join(layout: &mut Layout, near: &Near, wished: f32, pull: f32) {
    let (a, b) = (near.a as usize, near.b as usize);
    let dx = layout.x[a] - layout.x[b];
    let dy = layout.y[a] - layout.y[b];
    let length = (dx * dx + dy * dy).sqrt().max(1e-6);
    let by = 0.5 * pull.min(1.0) * (length - wished) / length;
    layout.x[a] -= by * dx;
    layout.y[a] -= by * dy;
    layout.x[b] += by * dx;
    layout.y[b] += by * dy;
}
