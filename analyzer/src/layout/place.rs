//! One component from nothing to boxes that do not overlap.
//!
//! The steps: distances in the graph, a start, stress, a turn to a good aspect, a scale
//! at which few boxes overlap, stress again while the boxes push each other apart, and
//! what is left of overlaps removed for certain. Packing is not done here.

use super::adjacency::Adjacency;
use super::boxes::Boxes;
use super::components::Component;
use super::distances::pivots;
use super::overlap;
use super::rng::Rng;
use super::sparse::SparseStress;
use super::stress::{FullStress, Layout, steps};
use super::{Options, Size, boxes_of, pivot_mds, refine};

/// Up to here several seeds are tried.
const SMALL: usize = 100;
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
        let deepest;
        let (mut stress, mut layout) = if nodes <= FULL {
            let found = pivots(&self.adjacency, 50);
            deepest = found.hops.iter().flatten().copied().max().unwrap_or(1) as f32;
            let full = FullStress::new(&self.adjacency, |hops, _, _| {
                let hops = hops as f32;
                (hops, 1.0 / (hops * hops))
            });
            (Stress::Full(full), start(&found, nodes, rng))
        } else {
            let count = match nodes {
                ..=10_000 => 200,
                10_001..=30_000 => 100,
                _ => 50,
            };
            let found = pivots(&self.adjacency, count);
            deepest = found.hops.iter().flatten().copied().max().unwrap_or(1) as f32;
            let layout = start(&found, nodes, rng);
            (
                Stress::Sparse(SparseStress::new(&self.adjacency, &found, rng)),
                layout,
            )
        };
        if nodes <= SMALL {
            layout = best_of(&mut stress, layout, deepest, rng);
        } else {
            for step in steps(deepest.max(2.0), 0.1, 30) {
                stress.sweep(&mut layout, step, rng);
            }
        }
        let mut boxes = self.boxes.clone();
        boxes.x = layout.x.iter().map(|&x| f64::from(x)).collect();
        boxes.y = layout.y.iter().map(|&y| f64::from(y)).collect();
        turn(&mut boxes, options.aspect);
        let edge = edge_length(&boxes);
        make_room(&mut stress, &mut boxes, edge, rng);
        refine::refine(&self.adjacency, &mut boxes, edge, rng);
        finish(&mut boxes);
        boxes
    }
}

/// PivotMDS and a little noise, since it puts all leaves of a hub on one point.
fn start(found: &super::distances::Pivots, nodes: usize, rng: &mut Rng) -> Layout {
    let (mut x, mut y) = pivot_mds::layout(found, nodes, rng);
    for value in x.iter_mut().chain(&mut y) {
        *value += (rng.unit() as f32 - 0.5) * 0.5;
    }
    Layout { x, y }
}

/// The start given and some random ones, each brought to rest; the least stress wins.
fn best_of(stress: &mut Stress, given: Layout, deepest: f32, rng: &mut Rng) -> Layout {
    let Stress::Full(full) = stress else {
        return given;
    };
    let mut best: Option<(f64, Layout)> = None;
    for attempt in 0..8 {
        let mut layout = given.clone();
        if attempt > 0 {
            for value in layout.x.iter_mut().chain(&mut layout.y) {
                *value = (rng.unit() as f32 - 0.5) * deepest;
            }
        }
        for step in steps(deepest * deepest, 0.05, 40) {
            full.sweep(&mut layout, step, rng);
        }
        let cost = full.stress(&layout);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, layout));
        }
    }
    best.map_or(given, |(_, layout)| layout)
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

/// Drawing units an edge: what most boxes need to stand clear of their neighbours on the
/// plane, but never so much that the boxes are lost on the canvas.
fn edge_length(boxes: &Boxes) -> f64 {
    let mut needed: Vec<f64> = overlap::neighbours(boxes)
        .into_iter()
        .map(|(a, b)| {
            let (a, b) = (a as usize, b as usize);
            let dx = (boxes.x[a] - boxes.x[b]).abs().max(1e-6);
            let dy = (boxes.y[a] - boxes.y[b]).abs().max(1e-6);
            let x = (boxes.half_width[a] + boxes.half_width[b]) / dx;
            let y = (boxes.half_height[a] + boxes.half_height[b]) / dy;
            x.min(y)
        })
        .collect();
    needed.sort_unstable_by(f64::total_cmp);
    let quantile = needed.get(needed.len() * 7 / 10).copied().unwrap_or(1.0);
    let nodes = boxes.len() as f64;
    let mean = boxes
        .half_width
        .iter()
        .chain(&boxes.half_height)
        .sum::<f64>()
        / nodes;
    let area: f64 = boxes
        .half_width
        .iter()
        .zip(&boxes.half_height)
        .map(|(w, h)| 4.0 * w * h)
        .sum();
    let low = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (spread_x, spread_y) = (
        high(&boxes.x) - low(&boxes.x),
        high(&boxes.y) - low(&boxes.y),
    );
    let most = (area * 12.0 / (spread_x * spread_y).max(1e-6)).sqrt();
    let least = 1.5 * mean;
    quantile.min(most).max(least)
}

/// Stress again, the boxes pushing each other apart after each pass. In and out in units
/// of edges and of the drawing; `edge` converts.
fn make_room(stress: &mut Stress, boxes: &mut Boxes, edge: f64, rng: &mut Rng) {
    let mut layout = Layout {
        x: boxes.x.iter().map(|&x| x as f32).collect(),
        y: boxes.y.iter().map(|&y| y as f32).collect(),
    };
    for step in steps(0.3, 0.01, 30) {
        stress.sweep(&mut layout, step, rng);
        boxes.x = layout.x.iter().map(|&x| f64::from(x) * edge).collect();
        boxes.y = layout.y.iter().map(|&y| f64::from(y) * edge).collect();
        for _ in 0..2 {
            overlap::push(boxes, 0.8);
        }
        layout.x = boxes.x.iter().map(|&x| (x / edge) as f32).collect();
        layout.y = boxes.y.iter().map(|&y| (y / edge) as f32).collect();
    }
    for _ in 0..60 {
        if overlap::push(boxes, 1.05) == 0 {
            break;
        }
    }
    finish(boxes);
}

/// No overlaps from here on.
fn finish(boxes: &mut Boxes) {
    if !overlap::grow(boxes) {
        overlap::scatter(boxes);
    }
}
