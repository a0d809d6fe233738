//! Refinement: moves single boxes of a small drawing to free positions that reduce
//! obstructions.
//!
//! An obstruction is a crossing of two edges, or a box over an edge that does not end at
//! it. The cost of a drawing combines stress, obstructions and neighbourhood preservation,
//! each relative to its total; a move that lowers the cost is accepted. Drawings of up to
//! [`SMALL`] boxes are annealed: early passes accept some moves that raise the cost. No move
//! makes an overlap or leaves the bounds.

use super::adjacency::Adjacency;
use super::boxes::Boxes;
use super::distances::distances;
use super::intersect::{Rects, Segments, crossings};
use super::nearest::NearestNeighbours;
use super::objective::{Ratios, SMALL};
use super::rng::Rng;
use super::types::Point;

/// Up to this size a pass takes a fraction of the time of the layout itself.
const MAX_NODES: usize = 1_200;
/// Positions tried for a box in each pass.
const CANDIDATES: usize = 12;
/// Tests of an edge against another that all passes make together: about a second. The number of
/// boxes alone is no limit, because edges may be as many as their pairs.
const MAX_TESTS: usize = 2_000_000_000;

/// Passes and weights, by the size of the drawing.
struct Schedule {
    passes: usize,
    /// Weight of obstructions relative to stress.
    obstructions: f64,
    /// Weight of neighbourhood preservation relative to stress.
    neighbourhood: f64,
    /// Temperature of the first pass, in mean cost shares of one box.
    temperature: f64,
    /// Rise of stress above `floor` beyond which the other two weights decrease.
    stress_tolerance: f64,
}

impl Schedule {
    fn for_size(nodes: usize) -> Self {
        if nodes <= SMALL {
            return Self {
                passes: 40,
                obstructions: 0.15,
                neighbourhood: 0.08,
                temperature: 0.1,
                stress_tolerance: 0.02,
            };
        }
        Self {
            passes: if nodes <= 600 { 5 } else { 2 },
            obstructions: 0.5,
            neighbourhood: 0.15,
            temperature: 0.0,
            stress_tolerance: f64::INFINITY,
        }
    }
}

/// Refines a drawing without overlaps; leaves drawings above [`MAX_NODES`], and those of which a pass
/// takes more than [`MAX_TESTS`], as they are.
/// `floor` is the stress of the same graph laid out with points instead of boxes.
pub(crate) fn refine(adjacency: &Adjacency, boxes: &mut Boxes, floor: f64, rng: &mut Rng) {
    if boxes.len() > MAX_NODES || boxes.len() < 4 {
        return;
    }
    let schedule = Schedule::for_size(boxes.len());
    // Every edge is tested at both of its ends, wherever a box is tried.
    let edges = adjacency.edges().len();
    let tests = 2 * (CANDIDATES + 1) * edges * edges;
    let passes = schedule.passes.min(MAX_TESTS / tests.max(1));
    if passes == 0 {
        return;
    }
    let mut refiner = Refiner::new(adjacency, boxes);
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    for pass in 0..passes {
        // The last fifth of the passes is at temperature 0.
        let progress = pass as f64 / (0.8 * passes as f64);
        refiner.temperature = schedule.temperature * (1.0 - progress).max(0.0) / boxes.len() as f64;
        refiner.update_weights(boxes, &schedule, floor);
        rng.shuffle(&mut order);
        let mut moved = false;
        for &v in &order {
            moved |= refiner.improve(boxes, v, rng);
        }
        if !moved && refiner.temperature == 0.0 {
            break;
        }
    }
}

struct Refiner<'a> {
    adjacency: &'a Adjacency,
    /// `1 / hops` of each pair, row by row; 0 for a node and itself.
    nearness: Vec<f32>,
    segments: Segments,
    rects: Rects,
    nearest: NearestNeighbours,
    /// Edges at each node, as indices of `segments`.
    incident: Vec<Vec<usize>>,
    bounds: [f64; 4],
    /// Hops per drawing unit, at the best scale.
    scale: f32,
    /// Cost of a unit of stress.
    stress_weight: f64,
    /// Cost of an obstruction.
    obstruction_weight: f64,
    /// Gain of a unit of neighbourhood preservation.
    neighbourhood_weight: f64,
    /// Of the annealing.
    temperature: f64,
}

impl<'a> Refiner<'a> {
    fn new(adjacency: &'a Adjacency, boxes: &Boxes) -> Self {
        let nodes = boxes.len();
        let mut nearness = Vec::with_capacity(nodes * nodes);
        for v in 0..nodes {
            let near = |hops: u32| if hops == 0 { 0.0 } else { 1.0 / hops as f32 };
            nearness.extend(distances(adjacency, v).into_iter().map(near));
        }
        let edges = adjacency.edges();
        let mut incident = vec![Vec::new(); nodes];
        let mut segments = Segments::hidden(edges.len());
        for (i, &(a, b)) in edges.iter().enumerate() {
            let (a, b) = (a as usize, b as usize);
            incident[a].push(i);
            incident[b].push(i);
            segments.set(i, boxes.center(a), boxes.center(b));
        }
        Self {
            adjacency,
            nearness,
            segments,
            rects: Rects::new(boxes),
            nearest: NearestNeighbours::new(adjacency, boxes),
            incident,
            bounds: boxes.bounds(),
            scale: 1.0,
            stress_weight: 1.0,
            obstruction_weight: 1.0,
            neighbourhood_weight: 0.0,
            temperature: 0.0,
        }
    }

    /// Derives scale and weights from the present drawing.
    fn update_weights(&mut self, boxes: &Boxes, schedule: &Schedule, floor: f64) {
        let nodes = boxes.len();
        let mut ratios = Ratios::default();
        for v in 0..nodes {
            for u in 0..v {
                let length = boxes.center(v).distance(boxes.center(u));
                ratios.add(length * f64::from(self.nearness[v * nodes + u]));
            }
        }
        let pairs = (nodes * (nodes - 1) / 2) as f64;
        let (first, second) = (ratios.sum, ratios.squares.max(1e-9));
        let stress = pairs - first * first / second;
        self.scale = (first / second) as f32;
        // The constants limit the weight of the last obstruction.
        self.stress_weight = 1.0 / (stress + 0.01 * pairs);
        let mut obstructions = crossings(self.adjacency, boxes) as f64;
        for (a, b) in self.adjacency.edges() {
            // Both ends of an edge intersect it.
            let ends = (boxes.center(a as usize), boxes.center(b as usize));
            obstructions += f64::from(self.rects.count_crossed_by(ends.0, ends.1)) - 2.0;
        }
        let excess = (stress / pairs / floor.max(1e-6) - 1.0).max(1e-6);
        let damping = (schedule.stress_tolerance / excess).powi(2);
        let damping = damping.clamp(0.02, 1.0);
        self.obstruction_weight = damping * schedule.obstructions / (obstructions + 5.0);
        // The constant limits the weight where hardly any neighbour is near.
        let preserved = self.nearest.mean(self.adjacency) + 0.05;
        self.neighbourhood_weight = damping * schedule.neighbourhood / (preserved * nodes as f64);
    }

    /// Tries positions for one box; returns whether it moved.
    fn improve(&mut self, boxes: &mut Boxes, v: usize, rng: &mut Rng) -> bool {
        for &segment in &self.incident[v] {
            self.segments.hide(segment);
        }
        self.rects.hide(v);
        self.nearest.begin_move(self.adjacency, v);
        let old = boxes.center(v);
        // Staying gets twice the noise of a move.
        let noise = |temperature: f64, rng: &mut Rng| match temperature > 0.0 {
            true => -temperature * rng.unit().max(1e-9).ln(),
            false => 0.0,
        };
        let stay = self.cost(boxes, v, old, f64::INFINITY) + noise(2.0 * self.temperature, rng);
        let mut best = (stay, old);
        for attempt in 0..CANDIDATES {
            let position = self.candidate(boxes, v, attempt, rng);
            if self.is_free(boxes, v, position) {
                let cost = noise(self.temperature, rng) + self.cost(boxes, v, position, best.0);
                if cost < best.0 - 1e-9 {
                    best = (cost, position);
                }
            }
        }
        (boxes.x[v], boxes.y[v]) = (best.1.x, best.1.y);
        self.rects.set(v, best.1);
        if best.1 != old {
            self.nearest.finish_move(self.adjacency, v, best.1);
        }
        for (&segment, &u) in self.incident[v].iter().zip(self.adjacency.neighbours(v)) {
            self.segments.set(segment, best.1, boxes.center(u as usize));
        }
        best.1 != old
    }

    /// A random position near the mean of the neighbours, near one of them, or near the
    /// present position, in turn.
    fn candidate(&self, boxes: &Boxes, v: usize, attempt: usize, rng: &mut Rng) -> Point {
        let neighbours = self.adjacency.neighbours(v);
        let unit = 1.0 / f64::from(self.scale);
        let (sin, cos) = (rng.unit() * std::f64::consts::TAU).sin_cos();
        let (from, radius) = match attempt % 3 {
            0 => {
                let count = neighbours.len().max(1) as f64;
                let mean = |values: &[f64]| {
                    neighbours.iter().map(|&u| values[u as usize]).sum::<f64>() / count
                };
                (
                    Point::new(mean(&boxes.x), mean(&boxes.y)),
                    unit * rng.unit(),
                )
            }
            1 => {
                let u = neighbours[rng.below(neighbours.len())] as usize;
                (boxes.center(u), unit * (0.2 + 0.8 * rng.unit()))
            }
            _ => (boxes.center(v), unit * rng.unit() * rng.unit()),
        };
        from + Point::new(radius * cos, radius * sin)
    }

    /// Whether a box fits at a position, within the bounds and without overlaps.
    fn is_free(&self, boxes: &Boxes, v: usize, position: Point) -> bool {
        let (w, h) = (boxes.half_width[v], boxes.half_height[v]);
        let [left, top, right, bottom] = self.bounds;
        if position.x - w < left
            || position.x + w > right
            || position.y - h < top
            || position.y + h > bottom
        {
            return false;
        }
        (0..boxes.len()).all(|u| {
            (boxes.x[u] - position.x).abs() >= boxes.half_width[u] + w
                || (boxes.y[u] - position.y).abs() >= boxes.half_height[u] + h
                || u == v
        })
    }

    /// Cost of a box at a position. A result above `limit` may be too low.
    fn cost(&mut self, boxes: &Boxes, v: usize, position: Point, limit: f64) -> f64 {
        let nodes = boxes.len();
        let mut stress = 0.0f64;
        let row = &self.nearness[v * nodes..(v + 1) * nodes];
        for ((x, y), &near) in boxes.x.iter().zip(&boxes.y).zip(row) {
            let (dx, dy) = ((x - position.x) as f32, (y - position.y) as f32);
            let off =
                self.scale * near * (dx * dx + dy * dy).sqrt() - if near > 0.0 { 1.0 } else { 0.0 };
            stress += f64::from(off * off);
        }
        let preserved = self.nearest.score_at(self.adjacency, v, position);
        let partial = stress * self.stress_weight - preserved * self.neighbourhood_weight;
        if partial > limit {
            // True for most positions, and skips the most expensive part.
            return partial;
        }
        let mut obstructions =
            self.segments
                .count_through_box(position, boxes.half_width[v], boxes.half_height[v]);
        for &u in self.adjacency.neighbours(v) {
            let end = boxes.center(u as usize);
            // Without the box at the other end of the edge.
            obstructions += self.segments.count_crossing(position, end)
                + self.rects.count_crossed_by(position, end).saturating_sub(1);
        }
        partial + f64::from(obstructions) * self.obstruction_weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::overlap;
    use crate::layout::types::Edge;

    #[test]
    fn moves_lower_crossings_and_make_no_overlap() {
        let mut rng = Rng::new(3);
        let nodes = 80;
        let edges: Vec<Edge> = (1..nodes)
            .map(|i| Edge {
                a: rng.below(i) as u32,
                b: i as u32,
            })
            .collect();
        let adjacency = Adjacency::new(nodes, &edges);
        let mut boxes = Boxes {
            x: (0..nodes).map(|_| 2_000.0 * rng.unit()).collect(),
            y: (0..nodes).map(|_| 2_000.0 * rng.unit()).collect(),
            half_width: vec![30.0; nodes],
            half_height: vec![10.0; nodes],
        };
        assert!(overlap::grow_tree(&mut boxes));
        let (before, bounds) = (crossings(&adjacency, &boxes), boxes.bounds());
        refine(&adjacency, &mut boxes, 0.1, &mut rng);
        let after = crossings(&adjacency, &boxes);
        assert!(
            after * 2 < before,
            "{before} crossings before, {after} after"
        );
        assert!(overlap::overlapping(&boxes).is_empty());
        let now = boxes.bounds();
        assert!(
            now[0] >= bounds[0]
                && now[1] >= bounds[1]
                && now[2] <= bounds[2]
                && now[3] <= bounds[3]
        );
    }
}
