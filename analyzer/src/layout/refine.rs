//! Moves single boxes of a small drawing to free places where they are less in the way.
//!
//! In the way are edges that cross, and boxes with an edge under them that does not end
//! there. A move is taken if what it saves of these, and how many more neighbours stand
//! nearest to each other, is worth more than what it costs in stress, all measured as
//! shares of their totals. Drawings of up to a hundred boxes are annealed: at first some
//! moves are taken that make it worse. No move makes an overlap or leaves the bounds.

use super::Point;
use super::adjacency::Adjacency;
use super::boxes::Boxes;
use super::distances::Search;
use super::lines::{Frames, Lines};
use super::metrics;
use super::nearest::Nearest;
use super::place::SMALL;
use super::rng::Rng;

/// Up to here a pass takes a fraction of what the layout itself takes.
const MOST_NODES: usize = 1_200;
/// Places tried for a box in each pass.
const PLACES: usize = 12;

/// How a drawing is worked on, by its size.
struct Plan {
    passes: usize,
    /// What a percent less of what is in the way may cost, in percent of stress.
    crossings: f64,
    /// What a percent more of neighbours that stand nearest may cost.
    nearest: f64,
    /// At first, by how much a move may make it worse: in mean shares of one box.
    heat: f64,
    /// How far stress may rise above what it would be without boxes, before the other two
    /// count for less.
    above: f64,
}

impl Plan {
    fn of(nodes: usize) -> Self {
        if nodes <= SMALL {
            return Self {
                passes: 40,
                crossings: 0.15,
                nearest: 0.08,
                heat: 0.1,
                above: 0.02,
            };
        }
        Self {
            passes: if nodes <= 600 { 5 } else { 2 },
            crossings: 0.5,
            nearest: 0.15,
            heat: 0.0,
            above: f64::INFINITY,
        }
    }
}

/// Pairs of edges that cross as straight lines between centres.
pub(crate) fn crossings(adjacency: &Adjacency, boxes: &Boxes) -> usize {
    let centers: Vec<Point> = boxes
        .x
        .iter()
        .zip(&boxes.y)
        .map(|(&x, &y)| Point { x, y })
        .collect();
    metrics::crossings(adjacency, &centers)
}

/// Works on drawings without overlaps, up to a size at which it does nothing. `floor` is
/// the stress that they would have if boxes were points and nothing else counted.
pub(crate) fn refine(adjacency: &Adjacency, boxes: &mut Boxes, floor: f64, rng: &mut Rng) {
    if boxes.len() > MOST_NODES || boxes.len() < 4 {
        return;
    }
    let plan = Plan::of(boxes.len());
    let mut refiner = Refiner::new(adjacency, boxes);
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    for pass in 0..plan.passes {
        // The last fifth of the passes is cold.
        let done = pass as f64 / (0.8 * plan.passes as f64);
        refiner.heat = plan.heat * (1.0 - done).max(0.0) / boxes.len() as f64;
        refiner.weigh(boxes, &plan, floor);
        rng.shuffle(&mut order);
        let mut moved = false;
        for &v in &order {
            moved |= refiner.improve(boxes, v, rng);
        }
        if !moved && refiner.heat == 0.0 {
            break;
        }
    }
}

struct Refiner<'a> {
    adjacency: &'a Adjacency,
    /// `1 / hops` of each pair, row by row; 0 for a node and itself.
    nearness: Vec<f32>,
    lines: Lines,
    frames: Frames,
    nearest: Nearest,
    /// Edges at each node, as indices of `lines`.
    at_node: Vec<Vec<u32>>,
    bounds: [f64; 4],
    /// Hops for a drawing unit, at the best scale.
    scale: f32,
    /// What a unit of stress and what a crossing cost.
    stress_price: f64,
    crossing_price: f64,
    /// What a neighbour's nearness is worth.
    near_price: f64,
    /// By how much a move may make it worse.
    heat: f64,
}

impl<'a> Refiner<'a> {
    fn new(adjacency: &'a Adjacency, boxes: &Boxes) -> Self {
        let nodes = boxes.len();
        let mut nearness = Vec::with_capacity(nodes * nodes);
        let mut search = Search::default();
        let mut row = Vec::new();
        for v in 0..nodes {
            search.from(adjacency, v, &mut row);
            nearness.extend(
                row.iter()
                    .map(|&hops| if hops == 0 { 0.0 } else { 1.0 / hops as f32 }),
            );
        }
        let edges = adjacency.edges();
        let mut at_node = vec![Vec::new(); nodes];
        for (i, &(a, b)) in edges.iter().enumerate() {
            at_node[a as usize].push(i as u32);
            at_node[b as usize].push(i as u32);
        }
        let mut lines = Lines::with(edges.len());
        for (i, &(a, b)) in edges.iter().enumerate() {
            lines.set(i, at(boxes, a as usize), at(boxes, b as usize));
        }
        Self {
            adjacency,
            nearness,
            lines,
            frames: Frames::new(boxes),
            nearest: Nearest::new(adjacency, boxes),
            at_node,
            bounds: boxes.bounds(),
            scale: 1.0,
            stress_price: 1.0,
            crossing_price: 1.0,
            near_price: 0.0,
            heat: 0.0,
        }
    }

    /// Sets scale and prices by the drawing as it is.
    fn weigh(&mut self, boxes: &Boxes, plan: &Plan, floor: f64) {
        let nodes = boxes.len();
        let (mut first, mut second) = (0.0, 0.0);
        for v in 0..nodes {
            for u in 0..v {
                let length = (boxes.x[v] - boxes.x[u]).hypot(boxes.y[v] - boxes.y[u]);
                let ratio = length * f64::from(self.nearness[v * nodes + u]);
                first += ratio;
                second += ratio * ratio;
            }
        }
        let pairs = (nodes * (nodes - 1) / 2) as f64;
        let stress = pairs - first * first / second.max(1e-9);
        self.scale = (first / second.max(1e-9)) as f32;
        // A little more than there is, so that the last crossing is not worth everything.
        self.stress_price = 1.0 / (stress + 0.01 * pairs);
        let mut in_the_way = crossings(self.adjacency, boxes) as f64;
        for (a, b) in self.adjacency.edges() {
            // Both ends lie under their own edge.
            in_the_way += f64::from(
                self.frames
                    .pierced(at(boxes, a as usize), at(boxes, b as usize)),
            ) - 2.0;
        }
        let over = (stress / pairs / floor.max(1e-6) - 1.0).max(1e-6);
        let strict = (plan.above / over).powi(2).clamp(0.02, 1.0);
        self.crossing_price = strict * plan.crossings / (in_the_way + 5.0);
        // As above: where nobody is near to anybody, one who is is not worth everything.
        let near = self.nearest.mean(self.adjacency) + 0.05;
        self.near_price = strict * plan.nearest / (near * nodes as f64);
    }

    /// Tries places for one box; returns whether it moved.
    fn improve(&mut self, boxes: &mut Boxes, v: usize, rng: &mut Rng) -> bool {
        for &line in &self.at_node[v] {
            self.lines.hide(line as usize);
        }
        self.frames.hide(v);
        self.nearest.lift(self.adjacency, v);
        let old = at(boxes, v);
        // To stay is more of a risk than any single move.
        let luck = |heat: f64, rng: &mut Rng| match heat > 0.0 {
            true => -heat * rng.unit().max(1e-9).ln(),
            false => 0.0,
        };
        let stay = self.price(boxes, v, old, f64::INFINITY) + luck(2.0 * self.heat, rng);
        let mut best = (stay, old);
        for attempt in 0..PLACES {
            let place = self.place(boxes, v, attempt, rng);
            if self.free(boxes, v, place) {
                let price = luck(self.heat, rng) + self.price(boxes, v, place, best.0);
                if price < best.0 - 1e-9 {
                    best = (price, place);
                }
            }
        }
        (boxes.x[v], boxes.y[v]) = (best.1.x, best.1.y);
        self.frames.set(v, best.1);
        if best.1 != old {
            self.nearest.put(self.adjacency, v, best.1);
        }
        for (&line, &u) in self.at_node[v].iter().zip(self.adjacency.neighbours(v)) {
            self.lines.set(line as usize, best.1, at(boxes, u as usize));
        }
        best.1 != old
    }

    /// A place to try: near the middle of the neighbours, beside one of them, or not far.
    fn place(&self, boxes: &Boxes, v: usize, attempt: usize, rng: &mut Rng) -> Point {
        let beside = self.adjacency.neighbours(v);
        let unit = 1.0 / f64::from(self.scale);
        let (sin, cos) = (rng.unit() * std::f64::consts::TAU).sin_cos();
        let (from, radius) = match attempt % 3 {
            0 => {
                let count = beside.len().max(1) as f64;
                let mean = |values: &[f64]| {
                    beside.iter().map(|&u| values[u as usize]).sum::<f64>() / count
                };
                (
                    Point {
                        x: mean(&boxes.x),
                        y: mean(&boxes.y),
                    },
                    unit * rng.unit(),
                )
            }
            1 => {
                let u = beside[rng.below(beside.len())] as usize;
                (at(boxes, u), unit * (0.2 + 0.8 * rng.unit()))
            }
            _ => (at(boxes, v), unit * rng.unit() * rng.unit()),
        };
        Point {
            x: from.x + radius * cos,
            y: from.y + radius * sin,
        }
    }

    fn free(&self, boxes: &Boxes, v: usize, place: Point) -> bool {
        let (w, h) = (boxes.half_width[v], boxes.half_height[v]);
        let [left, top, right, bottom] = self.bounds;
        if place.x - w < left || place.x + w > right || place.y - h < top || place.y + h > bottom {
            return false;
        }
        (0..boxes.len()).all(|u| {
            (boxes.x[u] - place.x).abs() >= boxes.half_width[u] + w
                || (boxes.y[u] - place.y).abs() >= boxes.half_height[u] + h
                || u == v
        })
    }

    /// Stress of the box, crossings of its edges and who is near, if it stood there; more than
    /// `limit`, however much, if it is more.
    fn price(&mut self, boxes: &Boxes, v: usize, place: Point, limit: f64) -> f64 {
        let nodes = boxes.len();
        let mut stress = 0.0f64;
        let row = &self.nearness[v * nodes..(v + 1) * nodes];
        for ((x, y), &near) in boxes.x.iter().zip(&boxes.y).zip(row) {
            let (dx, dy) = ((x - place.x) as f32, (y - place.y) as f32);
            let off =
                self.scale * near * (dx * dx + dy * dy).sqrt() - if near > 0.0 { 1.0 } else { 0.0 };
            stress += f64::from(off * off);
        }
        let near = self.nearest.worth(self.adjacency, v, place);
        let least = stress * self.stress_price - near * self.near_price;
        if least > limit {
            // Most places: lines and boxes, which take longest, need not be looked at.
            return least;
        }
        let mut in_the_way = self
            .lines
            .through(place, boxes.half_width[v], boxes.half_height[v]);
        for &u in self.adjacency.neighbours(v) {
            let end = at(boxes, u as usize);
            // The other end's own box is not in the way.
            in_the_way +=
                self.lines.crossed(place, end) + self.frames.pierced(place, end).saturating_sub(1);
        }
        least + f64::from(in_the_way) * self.crossing_price
    }
}

fn at(boxes: &Boxes, v: usize) -> Point {
    Point {
        x: boxes.x[v],
        y: boxes.y[v],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Edge, overlap};

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
        assert!(overlap::grow(&mut boxes));
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
