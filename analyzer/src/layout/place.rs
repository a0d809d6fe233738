//! The layout of one connected component, without overlaps. Does not pack components.
//!
//! Steps: graph distances, PivotMDS, descent on stress, rotation to a good aspect ratio,
//! scaling, descent alternating with pushing boxes apart, overlap removal. Small components
//! get several attempts with different target distances; the best are refined, and the
//! winner is compacted.

use super::adjacency::Adjacency;
use super::boxes::{Boxes, Coordinates};
use super::components::Component;
use super::distances::{Pivots, pivots};
use super::full_stress::{FullStress, annealing_schedule};
use super::intersect::crossings;
use super::objective::{SMALL, Stress};
use super::rng::Rng;
use super::sparse_stress::SparseStress;
use super::target_distances::TargetDistances;
use super::types::{Edge, Options, Size};
use super::{compact, pivot_mds, refine, scale};

/// Above [`SMALL`] and up to this many boxes, some attempts are made; above, one.
const MEDIUM: usize = 400;
/// Up to here every pair of nodes counts; above, pairs of a node and a pivot.
const MAX_FULL: usize = 3_000;
/// Number of attempts on a small component that are refined.
const REFINED: usize = 3;
/// Sweeps over plain stress, then over stretched targets.
const PLAIN_SWEEPS: usize = 20;
const STRETCHED_SWEEPS: usize = 20;
/// Attempts on a small component from each start, each with a higher degree of stretching.
const DEGREES: usize = 4;
/// Factor on the scale of small components: they fit any canvas, and edges without boxes
/// over them need space.
const SMALL_SCALE: f64 = 1.6;
/// Maximum factor by which stretching lengthens the longest graph distance. More would
/// enlarge the canvas until no label is readable in a view of the whole.
const MAX_STRETCH: f64 = 5.0;

/// Lays out one component; its bounds begin at the origin.
pub(crate) fn component(component: &Component, sizes: &[Size], options: &Options) -> Boxes {
    let mut boxes = Boxes::at_origin(&component.nodes, sizes, options.gap);
    match boxes.len() {
        0 | 1 => {}
        2 => boxes.x[1] = boxes.half_width[0] + boxes.half_width[1] + 4.0 * options.gap,
        _ => {
            let mut rng = Rng::new(options.seed);
            // Full stress requires a random numbering.
            let mut order: Vec<u32> = (0..boxes.len() as u32).collect();
            rng.shuffle(&mut order);
            let placement = Placement::new(component, &boxes, &order);
            let placed = placement.run(options, &mut rng);
            for (new, &old) in order.iter().enumerate() {
                boxes.x[old as usize] = placed.x[new];
                boxes.y[old as usize] = placed.y[new];
            }
        }
    }
    boxes.move_to_origin();
    boxes
}

/// A component in random numbering, being laid out.
struct Placement {
    adjacency: Adjacency,
    boxes: Boxes,
}

impl Placement {
    fn new(component: &Component, boxes: &Boxes, order: &[u32]) -> Self {
        let mut new_of = vec![0u32; order.len()];
        for (new, &old) in order.iter().enumerate() {
            new_of[old as usize] = new as u32;
        }
        let edge = |(a, b): (u32, u32)| Edge {
            a: new_of[a as usize],
            b: new_of[b as usize],
        };
        let edges = component.adjacency.edges().into_iter();
        let edges: Vec<Edge> = edges.map(edge).collect();
        let pick = |from: &[f64]| order.iter().map(|&old| from[old as usize]).collect();
        Self {
            adjacency: Adjacency::new(order.len(), &edges),
            boxes: Boxes {
                x: vec![0.0; order.len()],
                y: vec![0.0; order.len()],
                half_width: pick(&boxes.half_width),
                half_height: pick(&boxes.half_height),
            },
        }
    }

    fn run(&self, options: &Options, rng: &mut Rng) -> Boxes {
        let nodes = self.boxes.len();
        // Sparse stress has a term for each node and pivot; full stress uses pivots for the
        // start only.
        let count = match nodes {
            0..=MAX_FULL | 30_001.. => 50,
            ..=10_000 => 200,
            _ => 100,
        };
        let pivots = pivots(&self.adjacency, count);
        let mut plain = initial(&pivots, nodes, rng);
        let mut stress: Box<dyn Stress> = match nodes <= MAX_FULL {
            true => Box::new(FullStress::new(&self.adjacency)),
            false => Box::new(SparseStress::new(&self.adjacency, pivots, rng)),
        };
        let stress = &mut *stress;
        for step in annealing_schedule(stress.max_hops().max(2) as f32, 0.1, PLAIN_SWEEPS) {
            stress.sweep(&mut plain, step, rng);
        }
        let plain_stress = stress.measure(&plain);
        let edges = self.adjacency.edges().len();
        let degrees = stretch_degrees(nodes, edges, plain_stress, stress.max_hops());
        let mut attempts: Vec<(f64, Boxes)> = Vec::with_capacity(degrees.len());
        for (index, degree) in degrees.into_iter().enumerate() {
            if nodes <= SMALL && index > 0 && index % DEGREES == 0 {
                plain = from_random_positions(stress, nodes, rng);
            }
            let boxes = self.attempt(stress, plain.clone(), degree, options, rng);
            // Above there is one attempt only: no need to count crossings.
            let cost = if nodes <= MEDIUM {
                self.cost(stress, &boxes)
            } else {
                0.0
            };
            attempts.push((cost, boxes));
        }
        // Stable: the earlier of two equal attempts stays first.
        attempts.sort_by(|a, b| a.0.total_cmp(&b.0));
        attempts.truncate(if nodes <= SMALL { REFINED } else { 1 });
        for (cost, boxes) in &mut attempts {
            refine::refine(&self.adjacency, boxes, plain_stress, rng);
            if nodes <= SMALL {
                *cost = self.cost(stress, boxes);
            }
        }
        attempts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut best = attempts.swap_remove(0).1;
        compact::compact(stress, &mut best);
        best
    }

    /// From a plain layout to boxes without overlaps, with targets stretched by `degree`.
    fn attempt(
        &self,
        stress: &mut dyn Stress,
        mut coordinates: Coordinates,
        degree: f32,
        options: &Options,
        rng: &mut Rng,
    ) -> Boxes {
        let targets = TargetDistances::stretched(degree);
        stress.set_targets(targets);
        if degree > 0.0 {
            let first = targets.initial_step(stress.max_hops());
            for step in annealing_schedule(first, 0.05, STRETCHED_SWEEPS) {
                stress.sweep(&mut coordinates, step, rng);
            }
        }
        let mut boxes = self.boxes.clone();
        boxes.set_centers(&coordinates, 1.0);
        rotate(&mut boxes, options.aspect);
        let mut unit = scale::scale_factor(&boxes);
        if boxes.len() <= SMALL {
            unit *= SMALL_SCALE;
        }
        scale::scale_and_separate(stress, &mut boxes, unit, rng);
        boxes
    }

    /// Rates an attempt, lower is better: one percent of stress weighs as much as ten percent
    /// of the crossings.
    fn cost(&self, stress: &dyn Stress, boxes: &Boxes) -> f64 {
        let crossings = crossings(&self.adjacency, boxes);
        (stress.measure(&boxes.coordinates()) + 0.01).ln() + 0.1 * (crossings as f64 + 5.0).ln()
    }
}

/// Degree of stretching for each attempt. Small graphs try several. Larger ones are
/// stretched the more, the worse they fit the plane (`plain_stress`), and the less, the
/// fewer cycles they have: the leaves of a tree need the space that stretching takes.
fn stretch_degrees(nodes: usize, edges: usize, plain_stress: f64, max_hops: u32) -> Vec<f32> {
    if nodes <= SMALL {
        let degree = |i: usize| (i % DEGREES) as f32 * 0.25;
        return (0..4 * DEGREES).map(degree).collect();
    }
    let cycles = edges as f64 / nodes as f64 - 1.0;
    let misfit = ((plain_stress - 0.03) / 0.05).clamp(0.0, 1.0);
    let degree = misfit * (0.5 + cycles / 0.3).clamp(0.0, 1.0);
    let degrees = match nodes <= MEDIUM {
        true => vec![0.0, degree, 0.7, 1.3],
        // On generated graphs of hubs, 1 left crossings and 2 cost too much stress.
        false => vec![1.5 * degree],
    };
    let max_degree = MAX_STRETCH.ln() / f64::from(max_hops.max(2)).ln();
    let degrees = degrees.into_iter();
    degrees
        .map(|degree| degree.min(max_degree) as f32)
        .collect()
}

/// A plain layout from random positions: another start may end in a better minimum.
fn from_random_positions(stress: &mut dyn Stress, nodes: usize, rng: &mut Rng) -> Coordinates {
    let extent = stress.max_hops().max(2) as f32;
    let mut random = || (0..nodes).map(|_| rng.unit() as f32 * extent).collect();
    let (x, y) = (random(), random());
    let mut coordinates = Coordinates { x, y };
    stress.set_targets(TargetDistances::PLAIN);
    for step in annealing_schedule(extent * extent, 0.1, PLAIN_SWEEPS) {
        stress.sweep(&mut coordinates, step, rng);
    }
    coordinates
}

/// PivotMDS plus noise, because it puts all leaves of a hub on one point.
fn initial(pivots: &Pivots, nodes: usize, rng: &mut Rng) -> Coordinates {
    let (mut x, mut y) = pivot_mds::layout(pivots, nodes, rng);
    for value in x.iter_mut().chain(&mut y) {
        *value += (rng.unit() as f32 - 0.5) * 0.5;
    }
    Coordinates { x, y }
}

/// Rotates the drawing to the angle at which a canvas of the desired aspect is smallest.
fn rotate(boxes: &mut Boxes, aspect: f64) {
    let mut best = (f64::INFINITY, 0.0);
    for tick in 0..60 {
        let angle = f64::from(tick) * std::f64::consts::PI / 60.0;
        let (sin, cos) = angle.sin_cos();
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for (x, y) in boxes.x.iter().zip(&boxes.y) {
            let rotated = [x * cos - y * sin, x * sin + y * cos];
            for (axis, value) in rotated.into_iter().enumerate() {
                low[axis] = low[axis].min(value);
                high[axis] = high[axis].max(value);
            }
        }
        let cost = (high[0] - low[0]).max((high[1] - low[1]) * aspect);
        if cost < best.0 * 0.999 {
            best = (cost, angle);
        }
    }
    let (sin, cos) = best.1.sin_cos();
    for (x, y) in boxes.x.iter_mut().zip(&mut boxes.y) {
        (*x, *y) = (*x * cos - *y * sin, *x * sin + *y * cos);
    }
}
