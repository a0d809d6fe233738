//! Neighbourhood preservation: how far the nearest boxes on the plane are the neighbours in
//! the graph.
//!
//! The score of a box is the Jaccard index of its `k` neighbours in the graph and its `k`
//! nearest boxes on the plane. Updated incrementally while single boxes move:
//! [`NearestNeighbours::begin_move`] takes a box out, [`NearestNeighbours::score_at`] rates
//! a position for it, [`NearestNeighbours::finish_move`] puts it there.

use super::adjacency::Adjacency;
use super::boxes::{Boxes, Coordinates};
use super::types::Point;

/// The boxes as points in columns, in single precision. Distances are squared.
pub(crate) struct NearestNeighbours {
    x: Vec<f32>,
    y: Vec<f32>,
    /// `linked[v * nodes + u]`.
    linked: Vec<bool>,
    ranks: Vec<Rank>,
    /// For the moving box: the distance to each other box below which it becomes one of its
    /// nearest, and the change of the other's score if it does.
    threshold: Vec<f32>,
    change: Vec<f32>,
    scratch: Vec<f32>,
    order: Vec<(f32, u32)>,
}

/// The `k` nearest boxes of a box with `k` neighbours.
#[derive(Debug, Clone, Copy, Default)]
struct Rank {
    /// Number of them that are neighbours in the graph.
    common: usize,
    /// The farthest of them, and the nearest other box: squared distance and index.
    last: (f32, u32),
    next: (f32, u32),
}

impl NearestNeighbours {
    pub(crate) fn new(adjacency: &Adjacency, boxes: &Boxes) -> Self {
        let nodes = boxes.len();
        let mut linked = vec![false; nodes * nodes];
        for v in 0..nodes {
            for &u in adjacency.neighbours(v) {
                linked[v * nodes + u as usize] = true;
            }
        }
        let Coordinates { x, y } = boxes.coordinates();
        let mut nearest = Self {
            x,
            y,
            linked,
            ranks: vec![Rank::default(); nodes],
            threshold: vec![0.0; nodes],
            change: vec![0.0; nodes],
            scratch: vec![0.0; nodes],
            order: Vec::with_capacity(nodes),
        };
        for v in 0..nodes {
            nearest.update_rank(adjacency, v);
        }
        nearest
    }

    /// Mean score of all boxes.
    pub(crate) fn mean(&self, adjacency: &Adjacency) -> f64 {
        let score =
            |(v, rank): (usize, &Rank)| f64::from(jaccard(rank.common, degree(adjacency, v)));
        self.ranks.iter().enumerate().map(score).sum::<f64>() / self.ranks.len().max(1) as f64
    }

    /// Takes one box out, to rate positions for it.
    pub(crate) fn begin_move(&mut self, adjacency: &Adjacency, v: usize) {
        let nodes = self.ranks.len();
        for u in (0..nodes).filter(|&u| u != v) {
            let rank = self.ranks[u];
            let links = |other: u32| usize::from(self.linked[u * nodes + other as usize]);
            let own = links(v as u32);
            let inside = self.distance(u, v) < rank.last.0 || rank.last.1 == v as u32;
            // Without the moving box, the next one becomes one of the nearest.
            let (threshold, displaced, common) = if inside {
                let moved_up = links(rank.next.1);
                (rank.next.0, moved_up, rank.common - own + moved_up)
            } else {
                (rank.last.0, links(rank.last.1), rank.common)
            };
            let k = degree(adjacency, u);
            self.threshold[u] = threshold;
            self.change[u] = jaccard(common + own - displaced, k) - jaccard(common, k);
        }
        self.threshold[v] = -1.0;
        self.change[v] = 0.0;
    }

    /// Score of a position for the moving box, summed over all boxes up to a constant: only
    /// differences between two positions are meaningful.
    pub(crate) fn score_at(&mut self, adjacency: &Adjacency, v: usize, position: Point) -> f64 {
        let (px, py) = (position.x as f32, position.y as f32);
        let mut sum = 0.0f32;
        let points = self.x.iter().zip(&self.y);
        let others = self.threshold.iter().zip(&self.change);
        for (((x, y), (threshold, change)), out) in points.zip(others).zip(&mut self.scratch) {
            let distance = (x - px) * (x - px) + (y - py) * (y - py);
            *out = distance;
            sum += if distance < *threshold { *change } else { 0.0 };
        }
        self.scratch[v] = f32::INFINITY;
        let neighbours = adjacency.neighbours(v);
        let nearest = neighbours.iter().filter(|&&u| {
            let distance = self.scratch[u as usize];
            let others = self.scratch.iter();
            let nearer: u32 = others.map(|&other| u32::from(other < distance)).sum();
            (nearer as usize) < neighbours.len()
        });
        f64::from(sum + jaccard(nearest.count(), neighbours.len()))
    }

    /// Puts the moving box at its new position.
    pub(crate) fn finish_move(&mut self, adjacency: &Adjacency, v: usize, position: Point) {
        let nodes = self.ranks.len();
        let affected: Vec<bool> = (0..nodes).map(|u| self.affects(v, u)).collect();
        (self.x[v], self.y[v]) = (position.x as f32, position.y as f32);
        for (u, before) in affected.into_iter().enumerate() {
            if before || self.affects(v, u) {
                self.update_rank(adjacency, u);
            }
        }
    }

    /// Whether the rank of `u` depends on the position of `v`.
    fn affects(&self, v: usize, u: usize) -> bool {
        let rank = &self.ranks[u];
        u == v || self.distance(u, v) <= rank.next.0
    }

    fn distance(&self, u: usize, v: usize) -> f32 {
        let (dx, dy) = (self.x[u] - self.x[v], self.y[u] - self.y[v]);
        dx * dx + dy * dy
    }

    fn update_rank(&mut self, adjacency: &Adjacency, v: usize) {
        let k = degree(adjacency, v);
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        let others = (0..self.ranks.len()).filter(|&u| u != v);
        order.extend(others.map(|u| (self.distance(v, u), u as u32)));
        let order_by = |p: &(f32, u32), q: &(f32, u32)| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1));
        let mut rank = Rank {
            common: k,
            last: (f32::INFINITY, v as u32),
            next: (f32::INFINITY, v as u32),
        };
        if k > 0 && k < order.len() {
            let (nearer, next, _) = order.select_nth_unstable_by(k, order_by);
            rank.next = *next;
            rank.last = nearer.iter().copied().max_by(order_by).unwrap_or(rank.last);
            let row = &self.linked[v * self.ranks.len()..];
            rank.common = nearer.iter().filter(|(_, u)| row[*u as usize]).count();
        }
        self.ranks[v] = rank;
        self.order = order;
    }
}

fn degree(adjacency: &Adjacency, v: usize) -> usize {
    adjacency.neighbours(v).len()
}

/// The Jaccard index of two sets of `k` elements with `common` ones in both.
fn jaccard(common: usize, k: usize) -> f32 {
    if k == 0 {
        1.0
    } else {
        common as f32 / (2 * k - common) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::rng::Rng;
    use crate::layout::types::{Edge, Size};

    /// Sum of the scores, by definition.
    fn total_score(adjacency: &Adjacency, boxes: &Boxes) -> f64 {
        let score = |v: usize| {
            let distance =
                |u: usize| (boxes.x[u] - boxes.x[v]).powi(2) + (boxes.y[u] - boxes.y[v]).powi(2);
            let mut others: Vec<usize> = (0..boxes.len()).filter(|&u| u != v).collect();
            others.sort_by(|&p, &q| distance(p).total_cmp(&distance(q)));
            let neighbours = adjacency.neighbours(v);
            others.truncate(neighbours.len());
            others.retain(|&u| neighbours.contains(&(u as u32)));
            let common = others.len();
            common as f64 / (2 * neighbours.len() - common) as f64
        };
        (0..boxes.len()).map(score).sum()
    }

    #[test]
    fn the_difference_of_two_scores_is_the_change_of_the_total() {
        let mut rng = Rng::new(5);
        let nodes = 40;
        let edges: Vec<Edge> = (0..90)
            .map(|_| Edge {
                a: rng.below(nodes) as u32,
                b: rng.below(nodes) as u32,
            })
            .chain((1..nodes as u32).map(|b| Edge { a: b - 1, b }))
            .collect();
        let adjacency = Adjacency::new(nodes, &edges);
        let sizes = vec![Size { w: 1.0, h: 1.0 }; nodes];
        let mut boxes = Boxes::at_origin(&(0..nodes as u32).collect::<Vec<_>>(), &sizes, 0.0);
        for v in 0..nodes {
            (boxes.x[v], boxes.y[v]) = (100.0 * rng.unit(), 100.0 * rng.unit());
        }
        let mut nearest = NearestNeighbours::new(&adjacency, &boxes);
        let mut changed = 0;
        for _ in 0..300 {
            let v = rng.below(nodes);
            let old = boxes.center(v);
            let new = Point {
                x: 100.0 * rng.unit(),
                y: 100.0 * rng.unit(),
            };
            let before = total_score(&adjacency, &boxes);
            assert!((nearest.mean(&adjacency) * nodes as f64 - before).abs() < 1e-3);
            nearest.begin_move(&adjacency, v);
            let gain = nearest.score_at(&adjacency, v, new) - nearest.score_at(&adjacency, v, old);
            nearest.finish_move(&adjacency, v, new);
            (boxes.x[v], boxes.y[v]) = (new.x, new.y);
            assert!((total_score(&adjacency, &boxes) - before - gain).abs() < 1e-3);
            changed += usize::from(gain.abs() > 0.01);
        }
        assert!(changed > 100, "{changed}");
    }
}
