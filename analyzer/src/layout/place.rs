//! One component from nothing to boxes that do not overlap.
//!
//! The steps: distances in the graph, a start, stress, a turn to a good aspect, a scale
//! at which few boxes overlap, stress again while the boxes push each other apart, and
//! what is left of overlaps removed for certain. Packing is not done here.

use super::adjacency::Adjacency;
use super::boxes::Boxes;
use super::components::Component;
use super::distances::pivots;
use super::rng::Rng;
use super::sparse::SparseStress;
use super::stress::{FullStress, Layout, steps};
use super::target_distances::Wishes;
use super::{Options, Size, boxes_of, compact, pivot_mds, refine, scale};

/// Up to here many attempts are made, up to there some.
pub(crate) const SMALL: usize = 100;
const MEDIUM: usize = 400;
/// Of many attempts, how many are refined.
const REFINED: usize = 3;
/// Up to here every pair counts; above, nodes against pivots.
const FULL: usize = 3_000;

/// Every component, its bounds beginning at the origin, in the order given.
pub(crate) fn all(components: &[Component], sizes: &[Size], options: &Options) -> Vec<Boxes> {
    components
        .iter()
        .map(|component| one(component, sizes, options))
        .collect()
}

fn one(component: &Component, sizes: &[Size], options: &Options) -> Boxes {
    let mut boxes = boxes_of(&component.nodes, sizes, options.gap);
    match boxes.len() {
        0 | 1 => {}
        2 => boxes.x[1] = boxes.half_width[0] + boxes.half_width[1] + 4.0 * options.gap,
        _ => {
            let mut rng = Rng::new(options.seed);
            // The tournament of `stress` wants numbers that mean nothing.
            let mut order: Vec<u32> = (0..boxes.len() as u32).collect();
            rng.shuffle(&mut order);
            let shuffled = Shuffled::new(component, &boxes, &order);
            let placed = shuffled.place(options, &mut rng);
            for (new, &old) in order.iter().enumerate() {
                boxes.x[old as usize] = placed.x[new];
                boxes.y[old as usize] = placed.y[new];
            }
        }
    }
    boxes.move_to_origin();
    boxes
}

/// A component in random numbering.
struct Shuffled {
    adjacency: Adjacency,
    boxes: Boxes,
}

/// Either way of measuring stress.
pub(crate) enum Stress {
    Full(FullStress),
    Sparse(SparseStress),
}

impl Stress {
    fn wish(&mut self, wishes: Wishes) {
        match self {
            Self::Full(full) => full.wish(wishes),
            Self::Sparse(sparse) => sparse.wish(wishes),
        }
    }

    fn deepest(&self) -> u32 {
        match self {
            Self::Full(full) => full.deepest(),
            Self::Sparse(sparse) => sparse.deepest(),
        }
    }

    pub(crate) fn measure(&self, layout: &Layout) -> f64 {
        match self {
            Self::Full(full) => full.measure(layout),
            Self::Sparse(sparse) => sparse.measure(layout),
        }
    }

    pub(crate) fn sweep(&mut self, layout: &mut Layout, step: f32, rng: &mut Rng) {
        match self {
            Self::Full(full) => full.sweep(layout, step, rng),
            Self::Sparse(sparse) => sparse.sweep(layout, step, rng),
        }
    }
}

impl Shuffled {
    fn new(component: &Component, boxes: &Boxes, order: &[u32]) -> Self {
        let mut new_of = vec![0u32; order.len()];
        for (new, &old) in order.iter().enumerate() {
            new_of[old as usize] = new as u32;
        }
        let edges: Vec<super::Edge> = component
            .adjacency
            .edges()
            .into_iter()
            .map(|(a, b)| super::Edge {
                a: new_of[a as usize],
                b: new_of[b as usize],
            })
            .collect();
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

    fn place(&self, options: &Options, rng: &mut Rng) -> Boxes {
        let nodes = self.boxes.len();
        // Terms of sparse stress, times this many for each node; full stress wants only a
        // start from them.
        let count = if nodes > FULL && nodes <= 10_000 {
            200
        } else if nodes > FULL && nodes <= 30_000 {
            100
        } else {
            50
        };
        let pivots = pivots(&self.adjacency, count);
        let begin = start(&pivots, nodes, rng);
        let mut stress = if nodes <= FULL {
            Stress::Full(FullStress::new(&self.adjacency))
        } else {
            Stress::Sparse(SparseStress::new(&self.adjacency, pivots, rng))
        };
        let mut plain = begin;
        for step in steps(stress.deepest().max(2) as f32, 0.1, PLAIN_SWEEPS) {
            stress.sweep(&mut plain, step, rng);
        }
        let fit = stress.measure(&plain);
        let mut attempts: Vec<(f64, Boxes)> =
            bends(nodes, self.adjacency.edges().len(), fit, stress.deepest())
                .into_iter()
                .enumerate()
                .map(|(nth, degree)| {
                    if nodes <= SMALL && nth > 0 && nth % BENDS == 0 {
                        plain = anywhere(&mut stress, nodes, rng);
                    }
                    let boxes = self.attempt(&mut stress, plain.clone(), degree, options, rng);
                    // Nothing to choose from above: counting crossings would be for nothing.
                    let cost = if nodes <= MEDIUM {
                        self.cost(&stress, &boxes)
                    } else {
                        0.0
                    };
                    (cost, boxes)
                })
                .collect();
        // Stable, so the earlier of two equals stays first.
        attempts.sort_by(|a, b| a.0.total_cmp(&b.0));
        attempts.truncate(if nodes <= SMALL { REFINED } else { 1 });
        for (cost, boxes) in &mut attempts {
            refine::refine(&self.adjacency, boxes, fit, rng);
            if nodes <= SMALL {
                *cost = self.cost(&stress, boxes);
            }
        }
        attempts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut best = attempts.swap_remove(0).1;
        compact::tighten(&stress, &mut best);
        best
    }

    /// From a plain layout to boxes without overlaps, with wishes bent by `degree`.
    fn attempt(
        &self,
        stress: &mut Stress,
        mut layout: Layout,
        degree: f32,
        options: &Options,
        rng: &mut Rng,
    ) -> Boxes {
        let wishes = Wishes::bent(degree);
        stress.wish(wishes);
        if degree > 0.0 {
            for step in steps(wishes.first_step(stress.deepest()), 0.05, BENT_SWEEPS) {
                stress.sweep(&mut layout, step, rng);
            }
        }
        let mut boxes = self.boxes.clone();
        boxes.x = layout.x.iter().map(|&x| f64::from(x)).collect();
        boxes.y = layout.y.iter().map(|&y| f64::from(y)).collect();
        turn(&mut boxes, options.aspect);
        let mut unit = scale::unit(&boxes);
        if boxes.len() <= SMALL {
            unit *= AIRY;
        }
        scale::make(stress, &mut boxes, unit, rng);
        boxes
    }

    /// What the best of several attempts has least of: stress and crossings, a percent of
    /// one as good as ten percent of the other.
    fn cost(&self, stress: &Stress, boxes: &Boxes) -> f64 {
        let crossings = refine::crossings(&self.adjacency, boxes);
        (stress.measure(&boxes.layout()) + 0.01).ln() + 0.1 * (crossings as f64 + 5.0).ln()
    }
}

/// Sweeps over plain stress, then over bent.
const PLAIN_SWEEPS: usize = 20;
const BENT_SWEEPS: usize = 20;

/// Attempts on a small graph from one start, each bent a little more than the last.
const BENDS: usize = 4;
/// There is room for small graphs on any page, and edges that nothing covers need it.
const AIRY: f64 = 1.6;
/// How much longer bending makes the longest way, at most. More would part what hangs
/// together by so much that no box could be read on a picture of the whole.
const LONGEST: f64 = 5.0;

/// How far wishes are to be bent, for each attempt. Small graphs try. Large ones are bent
/// as far as the plane does not hold them (`fit` is their plain stress), and less the
/// fewer circles they have: a tree's leaves need the room that bending takes.
fn bends(nodes: usize, edges: usize, fit: f64, deepest: u32) -> Vec<f32> {
    if nodes <= SMALL {
        return (0..4 * BENDS).map(|i| (i % BENDS) as f32 * 0.25).collect();
    }
    let circles = edges as f64 / nodes as f64 - 1.0;
    let misfit = ((fit - 0.03) / 0.05).clamp(0.0, 1.0);
    let degree = misfit * (0.5 + circles / 0.3).clamp(0.0, 1.0);
    let tried = match nodes <= MEDIUM {
        true => vec![0.0, degree, 0.7, 1.3],
        // Measured on graphs of hubs: 1 leaves crossings, 2 gives up too much stress.
        false => vec![1.5 * degree],
    };
    let most = LONGEST.ln() / f64::from(deepest.max(2)).ln();
    tried
        .into_iter()
        .map(|bent| bent.min(most) as f32)
        .collect()
}

/// A plain layout from random places, in case another start ends in a better one.
fn anywhere(stress: &mut Stress, nodes: usize, rng: &mut Rng) -> Layout {
    let deepest = stress.deepest().max(2) as f32;
    let mut random = || (0..nodes).map(|_| rng.unit() as f32 * deepest).collect();
    let (x, y) = (random(), random());
    let mut layout = Layout { x, y };
    stress.wish(Wishes::PLAIN);
    for step in steps(deepest * deepest, 0.1, PLAIN_SWEEPS) {
        stress.sweep(&mut layout, step, rng);
    }
    layout
}

/// PivotMDS and a little noise, since it puts all leaves of a hub on one point.
fn start(found: &super::distances::Pivots, nodes: usize, rng: &mut Rng) -> Layout {
    let (mut x, mut y) = pivot_mds::layout(found, nodes, rng);
    for value in x.iter_mut().chain(&mut y) {
        *value += (rng.unit() as f32 - 0.5) * 0.5;
    }
    Layout { x, y }
}

/// Turns the drawing to the angle at which a canvas of the wished aspect is smallest.
fn turn(boxes: &mut Boxes, aspect: f64) {
    let mut best = (f64::INFINITY, 0.0);
    for tick in 0..60 {
        let angle = f64::from(tick) * std::f64::consts::PI / 60.0;
        let (sin, cos) = angle.sin_cos();
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for (x, y) in boxes.x.iter().zip(&boxes.y) {
            for (axis, value) in [x * cos - y * sin, x * sin + y * cos]
                .into_iter()
                .enumerate()
            {
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
