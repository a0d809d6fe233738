//! Sparse stress of a large component (Ortmann, Klimenta, Brandes: A sparse stress model,
//! 2016), minimised by the same gradient descent as full stress.
//!
//! Each node has a term for each neighbour and for each pivot; a leaf also for some leaves
//! of the same hub, which would otherwise coincide. A pivot represents the nodes around it:
//! its term is weighted by the number of nodes of its region that are at most half as far
//! from it. A pivot's term moves the node only, never the pivot.

use super::adjacency::Adjacency;
use super::boxes::Coordinates;
use super::distances::Pivots;
use super::objective::{Ratios, Stress};
use super::rng::Rng;
use super::target_distances::TargetDistances;

/// The terms of the objective: `8 · nodes · pivots` bytes.
#[derive(Debug)]
pub(crate) struct SparseStress {
    pivots: Pivots,
    /// For each pivot, the number of nodes of its region at most `d` edges away.
    within: Vec<Vec<u32>>,
    /// Target distance and weight: for each pivot a row of all nodes.
    target: Vec<Vec<f32>>,
    weight: Vec<Vec<f32>>,
    near: Vec<NearPair>,
    /// Target distance and weight of pairs one and two edges apart, by hops.
    near_targets: [(f32, f32); 3],
    order: Vec<u32>,
}

impl SparseStress {
    /// The targets are [`TargetDistances::PLAIN`].
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
            let mut count = vec![0u32; row_max(hops) as usize + 1];
            for v in (0..nodes).filter(|&v| nearest[v] == p) {
                count[hops[v] as usize] += 1;
            }
            for d in 1..count.len() {
                count[d] += count[d - 1];
            }
            within.push(count);
        }
        let order = (0..pivots.hops.len() as u32).collect();
        let near = near_pairs(adjacency, rng);
        let (target, weight) = (Vec::new(), Vec::new());
        let near_targets = [(0.0, 0.0); 3];
        let mut stress = Self {
            pivots,
            within,
            target,
            weight,
            near,
            near_targets,
            order,
        };
        stress.set_targets(TargetDistances::PLAIN);
        stress
    }
}

impl Stress for SparseStress {
    fn set_targets(&mut self, targets: TargetDistances) {
        self.target.clear();
        self.weight.clear();
        let (distances, weights) = (targets.distances(2), targets.weights(2));
        self.near_targets = [0, 1, 2].map(|hops| (distances[hops], weights[hops]));
        for (hops, within) in self.pivots.hops.iter().zip(&self.within) {
            let distances = targets.distances(row_max(hops));
            let mut weights = targets.weights(row_max(hops));
            for (d, weight) in weights.iter_mut().enumerate() {
                // Neighbours have terms of their own; a pivot has none with itself.
                *weight *= if d <= 1 { 0.0 } else { within[d / 2] as f32 };
            }
            let look_up = |table: &[f32]| hops.iter().map(|&h| table[h as usize]).collect();
            self.target.push(look_up(&distances));
            self.weight.push(look_up(&weights));
        }
    }

    fn max_hops(&self) -> u32 {
        let longest = self.pivots.hops.iter().map(|hops| row_max(hops)).max();
        longest.unwrap_or(0)
    }

    /// Near pairs are interleaved with the pivots, so that neither kind always comes last.
    fn sweep(&mut self, coordinates: &mut Coordinates, step: f32, rng: &mut Rng) {
        rng.shuffle(&mut self.order);
        let chunk = self.near.len().div_ceil(self.order.len().max(1)).max(1);
        let mut chunks = self.near.chunks(chunk);
        for &p in &self.order {
            let p = p as usize;
            let pivot = self.pivots.nodes[p] as usize;
            relax_pivot(coordinates, pivot, &self.target[p], &self.weight[p], step);
            for near in chunks.next().unwrap_or(&[]) {
                let (target, weight) = self.near_targets[near.hops];
                relax_pair(coordinates, near, target, step * weight * near.represents);
            }
        }
    }

    /// Over the pairs of a pivot and a node.
    fn measure(&self, Coordinates { x, y }: &Coordinates) -> f64 {
        let (mut ratios, mut count) = (Ratios::default(), 0.0);
        for (&pivot, hops) in self.pivots.nodes.iter().zip(&self.pivots.hops) {
            let (px, py) = (x[pivot as usize], y[pivot as usize]);
            let nodes = x.iter().zip(y).zip(hops);
            for ((x, y), &hops) in nodes.filter(|(_, hops)| **hops > 0) {
                let length = ((x - px).powi(2) + (y - py).powi(2)).sqrt();
                ratios.add(f64::from(length) / f64::from(hops));
                count += 1.0;
            }
        }
        ratios.stress(count)
    }
}

/// A pair of nodes one or two edges apart.
#[derive(Debug, Clone, Copy)]
struct NearPair {
    a: u32,
    b: u32,
    hops: usize,
    /// Number of pairs that this sampled one represents.
    represents: f32,
}

/// Leaves sampled for each leaf among the other leaves of its hub.
const SAMPLED_LEAVES: usize = 3;

/// All edges, and a sample of the pairs of leaves of one hub. Other nodes are kept apart by
/// their own terms.
fn near_pairs(adjacency: &Adjacency, rng: &mut Rng) -> Vec<NearPair> {
    let pair = |(a, b), hops, represents| NearPair {
        a,
        b,
        hops,
        represents,
    };
    let edges = adjacency.edges().into_iter();
    let mut near: Vec<NearPair> = edges.map(|edge| pair(edge, 1, 1.0)).collect();
    for v in 0..adjacency.len() {
        let mut leaves = adjacency.neighbours(v).to_vec();
        leaves.retain(|&u| adjacency.neighbours(u as usize).len() == 1);
        let represents = (leaves.len() as f32 / (2.0 * SAMPLED_LEAVES as f32)).max(1.0);
        for &a in leaves.iter().filter(|_| leaves.len() > 1) {
            for _ in 0..SAMPLED_LEAVES {
                let b = leaves[rng.below(leaves.len())];
                if a != b {
                    near.push(pair((a, b), 2, represents));
                }
            }
        }
    }
    rng.shuffle(&mut near);
    near
}

fn row_max(hops: &[u32]) -> u32 {
    hops.iter().copied().max().unwrap_or(0)
}

/// Moves every node by its term with one pivot.
fn relax_pivot(
    coordinates: &mut Coordinates,
    pivot: usize,
    target: &[f32],
    weight: &[f32],
    step: f32,
) {
    let (px, py) = (coordinates.x[pivot], coordinates.y[pivot]);
    let nodes = coordinates.x.iter_mut().zip(&mut coordinates.y);
    for (((x, y), &target), &weight) in nodes.zip(target).zip(weight) {
        let dx = *x - px;
        let dy = *y - py;
        let length = (dx * dx + dy * dy).sqrt().max(1e-6);
        let share = (step * weight).min(1.0);
        let by = 0.5 * share * (length - target) / length;
        *x -= by * dx;
        *y -= by * dy;
    }
}

/// Moves both nodes of a pair towards their target distance.
fn relax_pair(coordinates: &mut Coordinates, near: &NearPair, target: f32, rate: f32) {
    let (a, b) = (near.a as usize, near.b as usize);
    let dx = coordinates.x[a] - coordinates.x[b];
    let dy = coordinates.y[a] - coordinates.y[b];
    let length = (dx * dx + dy * dy).sqrt().max(1e-6);
    let by = 0.5 * rate.min(1.0) * (length - target) / length;
    coordinates.x[a] -= by * dx;
    coordinates.y[a] -= by * dy;
    coordinates.x[b] += by * dx;
    coordinates.y[b] += by * dy;
}
