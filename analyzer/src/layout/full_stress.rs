//! Full stress of one component, minimised by stochastic gradient descent (Zheng, Pawar,
//! Goodman: Graph drawing by stochastic gradient descent, 2018).
//!
//! All pairs of `n` nodes are scheduled as a round-robin tournament: round `r` holds the
//! disjoint pairs whose indices sum to `r` modulo `n`. Pairs of a round are stored in the
//! order of their use, so a round is straight-line arithmetic. Randomness comes from the
//! order of the rounds and from the node numbering: the caller must pass nodes in random
//! order.

use super::adjacency::Adjacency;
use super::boxes::Coordinates;
use super::distances::distances;
use super::objective::{Ratios, Stress};
use super::rng::Rng;
use super::target_distances::TargetDistances;

/// Target distance and weight of every pair: `10 · n² / 2` bytes.
#[derive(Debug)]
pub(crate) struct FullStress {
    nodes: usize,
    /// Index in `hops`, `target` and `weight` at which each round begins.
    start: Vec<usize>,
    hops: Vec<u16>,
    target: Vec<f32>,
    weight: Vec<f32>,
    order: Vec<u32>,
    max_hops: u32,
}

impl FullStress {
    /// Measures all distances in the graph. The targets are [`TargetDistances::PLAIN`].
    pub(crate) fn new(adjacency: &Adjacency) -> Self {
        let nodes = adjacency.len();
        let start = round_starts(nodes);
        let total = start[nodes];
        let mut hops = vec![0u16; total];
        let mut max_hops = 0;
        for v in 0..nodes {
            for (u, &distance) in distances(adjacency, v).iter().enumerate().skip(v + 1) {
                // Full stress is limited to thousands of nodes, so no path is longer.
                hops[pair_index(&start, nodes, v, u)] = u16::try_from(distance).unwrap_or(u16::MAX);
                max_hops = max_hops.max(distance);
            }
        }
        let order = (0..nodes as u32).collect();
        let mut stress = Self {
            nodes,
            start,
            hops,
            target: vec![],
            weight: vec![],
            order,
            max_hops,
        };
        stress.set_targets(TargetDistances::PLAIN);
        stress
    }

    /// Relaxes the pairs (first, last), (second, last but one) … of the nodes `span`.
    fn relax(
        &self,
        coordinates: &mut Coordinates,
        span: std::ops::Range<usize>,
        pairs: std::ops::Range<usize>,
        step: f32,
    ) {
        let half = pairs.len();
        let skip = span.len() - half;
        let (ax, bx) = coordinates.x[span.clone()].split_at_mut(skip);
        let (ay, by) = coordinates.y[span].split_at_mut(skip);
        let target = &self.target[pairs.clone()];
        let weight = &self.weight[pairs];
        // Whole blocks first: the compiler vectorises the loops over a block, but not one
        // loop over the whole span that runs backwards on one side.
        let whole = half - half % LANES;
        for begin in (0..whole).step_by(LANES) {
            let end = half - begin;
            let ax = &mut ax[begin..begin + LANES];
            let ay = &mut ay[begin..begin + LANES];
            let bx = &mut bx[end - LANES..end];
            let by = &mut by[end - LANES..end];
            let target = &target[begin..begin + LANES];
            let weight = &weight[begin..begin + LANES];
            let (mut dx, mut dy) = ([0.0f32; LANES], [0.0f32; LANES]);
            for i in 0..LANES {
                dx[i] = ax[i] - bx[LANES - 1 - i];
                dy[i] = ay[i] - by[LANES - 1 - i];
            }
            let mut share = [0.0f32; LANES];
            for i in 0..LANES {
                share[i] = displacement(dx[i], dy[i], target[i], step * weight[i]);
            }
            for i in 0..LANES {
                dx[i] *= share[i];
                dy[i] *= share[i];
                ax[i] -= dx[i];
                ay[i] -= dy[i];
            }
            for i in 0..LANES {
                bx[i] += dx[LANES - 1 - i];
                by[i] += dy[LANES - 1 - i];
            }
        }
        for i in whole..half {
            let end = half - 1 - i;
            let (dx, dy) = (ax[i] - bx[end], ay[i] - by[end]);
            let share = displacement(dx, dy, target[i], step * weight[i]);
            ax[i] -= share * dx;
            ay[i] -= share * dy;
            bx[end] += share * dx;
            by[end] += share * dy;
        }
    }
}

impl Stress for FullStress {
    fn set_targets(&mut self, targets: TargetDistances) {
        let look_up =
            |table: Vec<f32>| self.hops.iter().map(|&hops| table[hops as usize]).collect();
        let max_hops = self.max_hops.min(u32::from(u16::MAX));
        self.target = look_up(targets.distances(max_hops));
        self.weight = look_up(targets.weights(max_hops));
    }

    fn max_hops(&self) -> u32 {
        self.max_hops
    }

    /// One pass over all pairs: a pair of weight `w` moves `min(1, step · w)` of the way to its
    /// target distance.
    fn sweep(&mut self, coordinates: &mut Coordinates, step: f32, rng: &mut Rng) {
        rng.shuffle(&mut self.order);
        for &round in &self.order {
            let round = round as usize;
            let begin = self.start[round];
            let middle = begin + round.div_ceil(2);
            let end = self.start[round + 1];
            self.relax(coordinates, 0..round + 1, begin..middle, step);
            self.relax(coordinates, round + 1..self.nodes, middle..end, step);
        }
    }

    fn measure(&self, Coordinates { x, y }: &Coordinates) -> f64 {
        let mut ratios = Ratios::default();
        for round in 0..self.nodes {
            let mut pair = self.start[round];
            for (mut a, mut b) in [(0, round), (round + 1, self.nodes - 1)] {
                while a < b {
                    let (dx, dy) = (x[a] - x[b], y[a] - y[b]);
                    let length = f64::from((dx * dx + dy * dy).sqrt());
                    ratios.add(length / f64::from(self.hops[pair]));
                    (pair, a, b) = (pair + 1, a + 1, b - 1);
                }
            }
        }
        ratios.stress(self.hops.len() as f64)
    }
}

/// Pairs relaxed at once.
const LANES: usize = 8;

/// The share of their difference vector by which each of two nodes moves to the other.
#[inline(always)]
fn displacement(dx: f32, dy: f32, target: f32, pull: f32) -> f32 {
    let length = (dx * dx + dy * dy).sqrt().max(1e-6);
    0.5 * pull.min(1.0) * (length - target) / length
}

/// Index at which each round of the tournament begins; the total at the end.
fn round_starts(nodes: usize) -> Vec<usize> {
    let mut start = Vec::with_capacity(nodes + 1);
    let mut total = 0;
    for round in 0..nodes {
        start.push(total);
        total += round.div_ceil(2) + (nodes - 1 - round) / 2;
    }
    start.push(total);
    start
}

/// Index of the pair `a < b`.
fn pair_index(start: &[usize], nodes: usize, a: usize, b: usize) -> usize {
    let sum = a + b;
    if sum < nodes {
        start[sum] + a
    } else {
        let round = sum - nodes;
        start[round] + round.div_ceil(2) + (a - round - 1)
    }
}

/// Learning rates from `first` down to `last`, decaying exponentially.
pub(crate) fn annealing_schedule(first: f32, last: f32, count: usize) -> impl Iterator<Item = f32> {
    let ratio = (f64::from(last) / f64::from(first)).ln() / (count.max(2) - 1) as f64;
    (0..count).map(move |i| (f64::from(first) * (ratio * i as f64).exp()) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::types::Edge;

    #[test]
    fn every_pair_has_its_own_index() {
        for nodes in [2usize, 3, 4, 7, 10] {
            let start = round_starts(nodes);
            let total = start[nodes];
            assert_eq!(total, nodes * (nodes - 1) / 2);
            let mut seen = vec![false; total];
            for b in 0..nodes {
                for a in 0..b {
                    let index = pair_index(&start, nodes, a, b);
                    assert!(!std::mem::replace(&mut seen[index], true));
                }
            }
        }
    }

    #[test]
    fn a_path_becomes_straight() {
        let edges: Vec<Edge> = (0..19).map(|i| Edge { a: i, b: i + 1 }).collect();
        let path = Adjacency::new(20, &edges);
        let mut rng = Rng::new(1);
        let mut full = FullStress::new(&path);
        let mut coordinates = Coordinates {
            x: (0..20).map(|_| rng.unit() as f32).collect(),
            y: (0..20).map(|_| rng.unit() as f32).collect(),
        };
        for step in annealing_schedule(400.0, 0.05, 60) {
            full.sweep(&mut coordinates, step, &mut rng);
        }
        let (x, y) = (&coordinates.x, &coordinates.y);
        let ends = (x[0] - x[19]).hypot(y[0] - y[19]);
        assert!(ends > 18.5, "the ends are {ends} apart");
        assert!(full.measure(&coordinates) < 0.005);
    }
}
