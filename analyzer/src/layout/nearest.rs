//! Who is nearest to whom on the plane, and how many of those are neighbours in the graph.
//!
//! For moving one box at a time: [`Nearest::lift`] takes it away, [`Nearest::worth`] says what a
//! place would be worth, [`Nearest::put`] sets it down again. Of each box the Jaccard index of its
//! neighbours in the graph and as many nearest boxes counts, as in `metrics`.

use super::Point;
use super::adjacency::Adjacency;
use super::boxes::Boxes;

/// The boxes as points, in columns. Squared distances, in single precision.
pub(crate) struct Nearest {
    x: Vec<f32>,
    y: Vec<f32>,
    /// `linked[v * nodes + u]`.
    linked: Vec<bool>,
    ranks: Vec<Rank>,
    /// For the box that is lifted: as near as this to another one it is among its nearest, and what
    /// that changes for the other.
    within: Vec<f32>,
    change: Vec<f32>,
    scratch: Vec<f32>,
    order: Vec<(f32, u32)>,
}

/// The nearest boxes of one, as many as it has neighbours.
#[derive(Debug, Clone, Copy, Default)]
struct Rank {
    /// How many of them are neighbours.
    common: usize,
    /// The farthest of them, and the first that is not among them: squared distance and number.
    last: (f32, u32),
    next: (f32, u32),
}

impl Nearest {
    pub(crate) fn new(adjacency: &Adjacency, boxes: &Boxes) -> Self {
        let nodes = boxes.len();
        let column = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        let mut linked = vec![false; nodes * nodes];
        for v in 0..nodes {
            for &u in adjacency.neighbours(v) {
                linked[v * nodes + u as usize] = true;
            }
        }
        let mut nearest = Self {
            x: column(&boxes.x),
            y: column(&boxes.y),
            linked,
            ranks: vec![Rank::default(); nodes],
            within: vec![0.0; nodes],
            change: vec![0.0; nodes],
            scratch: vec![0.0; nodes],
            order: Vec::with_capacity(nodes),
        };
        for v in 0..nodes {
            nearest.rank(adjacency, v);
        }
        nearest
    }

    /// Mean over all boxes.
    pub(crate) fn mean(&self, adjacency: &Adjacency) -> f64 {
        let of = |(v, rank): (usize, &Rank)| f64::from(share(rank.common, degree(adjacency, v)));
        self.ranks.iter().enumerate().map(of).sum::<f64>() / self.ranks.len().max(1) as f64
    }

    /// Prepares for trying places for one box.
    pub(crate) fn lift(&mut self, adjacency: &Adjacency, v: usize) {
        let nodes = self.ranks.len();
        for u in (0..nodes).filter(|&u| u != v) {
            let rank = self.ranks[u];
            let links = |other: u32| usize::from(self.linked[u * nodes + other as usize]);
            let own = links(v as u32);
            let inside = self.distance(u, v) < rank.last.0 || rank.last.1 == v as u32;
            // Without the box, the next one moves up.
            let (within, pushed, common) = if inside {
                let moved_up = links(rank.next.1);
                (rank.next.0, moved_up, rank.common - own + moved_up)
            } else {
                (rank.last.0, links(rank.last.1), rank.common)
            };
            let k = degree(adjacency, u);
            self.within[u] = within;
            self.change[u] = share(common + own - pushed, k) - share(common, k);
        }
        self.within[v] = -1.0;
        self.change[v] = 0.0;
    }

    /// What a place is worth for the box that was lifted and for all others: the difference of two
    /// places counts, not the value.
    pub(crate) fn worth(&mut self, adjacency: &Adjacency, v: usize, place: Point) -> f64 {
        let (px, py) = (place.x as f32, place.y as f32);
        let mut sum = 0.0f32;
        let points = self.x.iter().zip(&self.y);
        let others = self.within.iter().zip(&self.change);
        for (((x, y), (within, change)), out) in points.zip(others).zip(&mut self.scratch) {
            let away = (x - px) * (x - px) + (y - py) * (y - py);
            *out = away;
            sum += if away < *within { *change } else { 0.0 };
        }
        self.scratch[v] = f32::INFINITY;
        let beside = adjacency.neighbours(v);
        let among = beside.iter().filter(|&&u| {
            let away = self.scratch[u as usize];
            let nearer = self.scratch.iter().map(|&other| u32::from(other < away));
            (nearer.sum::<u32>() as usize) < beside.len()
        });
        f64::from(sum + share(among.count(), beside.len()))
    }

    /// Sets the lifted box down.
    pub(crate) fn put(&mut self, adjacency: &Adjacency, v: usize, place: Point) {
        let nodes = self.ranks.len();
        let concerned: Vec<bool> = (0..nodes).map(|u| self.touches(u, v)).collect();
        (self.x[v], self.y[v]) = (place.x as f32, place.y as f32);
        for (u, before) in concerned.into_iter().enumerate() {
            if before || self.touches(u, v) {
                self.rank(adjacency, u);
            }
        }
    }

    /// Whether the rank of one box depends on where the other stands.
    fn touches(&self, u: usize, v: usize) -> bool {
        let rank = &self.ranks[u];
        u == v || self.distance(u, v) <= rank.next.0
    }

    fn distance(&self, u: usize, v: usize) -> f32 {
        let (dx, dy) = (self.x[u] - self.x[v], self.y[u] - self.y[v]);
        dx * dx + dy * dy
    }

    fn rank(&mut self, adjacency: &Adjacency, v: usize) {
        let k = degree(adjacency, v);
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        let others = (0..self.ranks.len()).filter(|&u| u != v);
        order.extend(others.map(|u| (self.distance(v, u), u as u32)));
        let by = |p: &(f32, u32), q: &(f32, u32)| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1));
        let mut rank = Rank {
            common: k,
            last: (f32::INFINITY, v as u32),
            next: (f32::INFINITY, v as u32),
        };
        if k > 0 && k < order.len() {
            let (nearer, next, _) = order.select_nth_unstable_by(k, by);
            rank.next = *next;
            rank.last = nearer.iter().copied().max_by(by).unwrap_or(rank.last);
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

/// The Jaccard index of two sets of `k` with so many in common.
fn share(common: usize, k: usize) -> f32 {
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
    use crate::layout::{Edge, Graph, Size, metrics};

    /// What worth says about two places is what the metric says about the two drawings.
    #[test]
    fn moving_one_box_is_worth_what_the_metric_gains() {
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
        let mut boxes = super::super::boxes_of(&(0..nodes as u32).collect::<Vec<_>>(), &sizes, 0.0);
        for v in 0..nodes {
            (boxes.x[v], boxes.y[v]) = (100.0 * rng.unit(), 100.0 * rng.unit());
        }
        let graph = Graph { sizes, edges };
        let sum = |boxes: &Boxes| {
            let points = boxes.x.iter().zip(&boxes.y);
            let centers: Vec<Point> = points.map(|(&x, &y)| Point { x, y }).collect();
            metrics::measure(&graph, &centers).neighbourhood * nodes as f64
        };
        let mut nearest = Nearest::new(&adjacency, &boxes);
        let mut changed = 0;
        for _ in 0..300 {
            let v = rng.below(nodes);
            let old = Point {
                x: boxes.x[v],
                y: boxes.y[v],
            };
            let new = Point {
                x: 100.0 * rng.unit(),
                y: 100.0 * rng.unit(),
            };
            let before = sum(&boxes);
            assert!((nearest.mean(&adjacency) * nodes as f64 - before).abs() < 1e-3);
            nearest.lift(&adjacency, v);
            let gain = nearest.worth(&adjacency, v, new) - nearest.worth(&adjacency, v, old);
            nearest.put(&adjacency, v, new);
            (boxes.x[v], boxes.y[v]) = (new.x, new.y);
            assert!((sum(&boxes) - before - gain).abs() < 1e-3);
            changed += usize::from(gain.abs() > 0.01);
        }
        assert!(changed > 100, "{changed}");
    }
}
