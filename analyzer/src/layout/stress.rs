//! Full stress of one component, minimised pair by pair (Zheng, Pawar, Goodman: Graph
//! drawing by stochastic gradient descent, 2018).
//!
//! All pairs of `n` nodes are arranged in `n` rounds of disjoint pairs, as a tournament
//! is: round `r` holds the pairs whose numbers add up to `r` modulo `n`. The pairs of a
//! round touch each node at most once and lie in memory in the order in which they are
//! used, so a round is straight-line arithmetic. Randomness comes from the order of the
//! rounds, and from the caller, who must have shuffled the numbers of the nodes.

use super::adjacency::Adjacency;
use super::distances::Search;
use super::rng::Rng;
use super::target_distances::Wishes;

/// The wished distance and weight of every pair: `10 · n² / 2` bytes.
#[derive(Debug)]
pub(crate) struct FullStress {
    nodes: usize,
    /// Where each round begins in `hops`, `wished` and `weight`.
    start: Vec<usize>,
    hops: Vec<u16>,
    wished: Vec<f32>,
    weight: Vec<f32>,
    order: Vec<u32>,
    deepest: u32,
}

/// Coordinates of each node, one unit an edge.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<f32>,
}

impl FullStress {
    /// Measures all distances in the graph; the wishes are plain.
    pub(crate) fn new(adjacency: &Adjacency) -> Self {
        let nodes = adjacency.len();
        let start = starts(nodes);
        let total = start[nodes];
        let mut hops = vec![0u16; total];
        let mut deepest = 0;
        let mut search = Search::default();
        let mut row = Vec::new();
        for v in 0..nodes {
            search.from(adjacency, v, &mut row);
            for (u, &distance) in row.iter().enumerate().skip(v + 1) {
                // Full stress is for thousands of nodes: their paths are shorter than that.
                hops[place(&start, nodes, v, u)] = u16::try_from(distance).unwrap_or(u16::MAX);
                deepest = deepest.max(distance);
            }
        }
        let order = (0..nodes as u32).collect();
        let mut stress = Self {
            nodes,
            start,
            hops,
            wished: vec![],
            weight: vec![],
            order,
            deepest,
        };
        stress.wish(Wishes::PLAIN);
        stress
    }

    /// From here on, `wishes` hold.
    pub(crate) fn wish(&mut self, wishes: Wishes) {
        let look_up =
            |table: Vec<f32>| self.hops.iter().map(|&hops| table[hops as usize]).collect();
        let deepest = self.deepest.min(u32::from(u16::MAX));
        (self.wished, self.weight) = (
            look_up(wishes.distances(deepest)),
            look_up(wishes.weights(deepest)),
        );
    }

    /// The longest distance in the graph.
    pub(crate) fn deepest(&self) -> u32 {
        self.deepest
    }

    /// One pass over all pairs. `step` is the learning rate: a pair of weight `w` covers
    /// `min(1, step · w)` of the way to its wished distance.
    pub(crate) fn sweep(&mut self, layout: &mut Layout, step: f32, rng: &mut Rng) {
        rng.shuffle(&mut self.order);
        for &round in &self.order {
            let round = round as usize;
            let begin = self.start[round];
            let middle = begin + round.div_ceil(2);
            let end = self.start[round + 1];
            self.fold(layout, 0..round + 1, begin..middle, step);
            self.fold(layout, round + 1..self.nodes, middle..end, step);
        }
    }

    /// Moves the pairs (first, last), (second, last but one) … of the nodes `span`.
    fn fold(
        &self,
        layout: &mut Layout,
        span: std::ops::Range<usize>,
        pairs: std::ops::Range<usize>,
        step: f32,
    ) {
        let half = pairs.len();
        let skip = span.len() - half;
        let (ax, bx) = layout.x[span.clone()].split_at_mut(skip);
        let (ay, by) = layout.y[span].split_at_mut(skip);
        let wished = &self.wished[pairs.clone()];
        let weight = &self.weight[pairs];
        // Whole blocks first: the compiler turns each loop over a block into a few vector
        // instructions, which it does not do for a loop over all, half of it backwards.
        let whole = half - half % LANES;
        for at in (0..whole).step_by(LANES) {
            let end = half - at;
            let ax = &mut ax[at..at + LANES];
            let ay = &mut ay[at..at + LANES];
            let bx = &mut bx[end - LANES..end];
            let by = &mut by[end - LANES..end];
            let wished = &wished[at..at + LANES];
            let weight = &weight[at..at + LANES];
            let (mut dx, mut dy) = ([0.0f32; LANES], [0.0f32; LANES]);
            for i in 0..LANES {
                dx[i] = ax[i] - bx[LANES - 1 - i];
                dy[i] = ay[i] - by[LANES - 1 - i];
            }
            let mut share = [0.0f32; LANES];
            for i in 0..LANES {
                share[i] = share_of(dx[i], dy[i], wished[i], step * weight[i]);
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
        for at in whole..half {
            let end = half - 1 - at;
            let (dx, dy) = (ax[at] - bx[end], ay[at] - by[end]);
            let share = share_of(dx, dy, wished[at], step * weight[at]);
            ax[at] -= share * dx;
            ay[at] -= share * dy;
            bx[end] += share * dx;
            by[end] += share * dy;
        }
    }

    /// Plain stress at the best scale, divided by the number of pairs; see `metrics`.
    pub(crate) fn measure(&self, layout: &Layout) -> f64 {
        let (mut first, mut second) = (0.0, 0.0);
        for round in 0..self.nodes {
            let mut at = self.start[round];
            for (mut a, mut b) in [(0, round), (round + 1, self.nodes - 1)] {
                while a < b {
                    let (dx, dy) = (layout.x[a] - layout.x[b], layout.y[a] - layout.y[b]);
                    let ratio = f64::from((dx * dx + dy * dy).sqrt()) / f64::from(self.hops[at]);
                    first += ratio;
                    second += ratio * ratio;
                    at += 1;
                    a += 1;
                    b -= 1;
                }
            }
        }
        if second > 0.0 {
            1.0 - first * first / second / self.hops.len() as f64
        } else {
            0.0
        }
    }
}

/// Pairs worked on at once.
const LANES: usize = 8;

/// By which part of their difference each of two nodes moves towards the other.
#[inline(always)]
fn share_of(dx: f32, dy: f32, wished: f32, pull: f32) -> f32 {
    let length = (dx * dx + dy * dy).sqrt().max(1e-6);
    0.5 * pull.min(1.0) * (length - wished) / length
}

/// Where each round of the tournament begins, and where the last one ends.
fn starts(nodes: usize) -> Vec<usize> {
    let mut start = Vec::with_capacity(nodes + 1);
    let mut total = 0;
    for round in 0..nodes {
        start.push(total);
        total += round.div_ceil(2) + (nodes - 1 - round) / 2;
    }
    start.push(total);
    start
}

/// Where the pair `a < b` lies.
fn place(start: &[usize], nodes: usize, a: usize, b: usize) -> usize {
    let sum = a + b;
    if sum < nodes {
        start[sum] + a
    } else {
        let round = sum - nodes;
        start[round] + round.div_ceil(2) + (a - round - 1)
    }
}

/// Learning rates from `first` down to `last`, in equal ratios.
pub(crate) fn steps(first: f32, last: f32, count: usize) -> impl Iterator<Item = f32> {
    let ratio = (f64::from(last) / f64::from(first)).ln() / (count.max(2) - 1) as f64;
    (0..count).map(move |i| (f64::from(first) * (ratio * i as f64).exp()) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Edge;

    #[test]
    fn every_pair_has_its_own_place() {
        for nodes in [2usize, 3, 4, 7, 10] {
            let start = starts(nodes);
            let total = start[nodes];
            assert_eq!(total, nodes * (nodes - 1) / 2);
            let mut seen = vec![false; total];
            for b in 0..nodes {
                for a in 0..b {
                    let at = place(&start, nodes, a, b);
                    assert!(!std::mem::replace(&mut seen[at], true));
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
        let mut layout = Layout {
            x: (0..20).map(|_| rng.unit() as f32).collect(),
            y: (0..20).map(|_| rng.unit() as f32).collect(),
        };
        for step in steps(400.0, 0.05, 60) {
            full.sweep(&mut layout, step, &mut rng);
        }
        let (x, y) = (&layout.x, &layout.y);
        let ends = (x[0] - x[19]).hypot(y[0] - y[19]);
        assert!(ends > 18.5, "the ends are {ends} apart");
        assert!(full.measure(&layout) < 0.005);
    }
}
