//! From stress units to drawing units: the scale of a component, and descent that
//! alternates with pushing overlapping boxes apart.
//!
//! Removing overlaps while stress is still being minimised costs little stress; the
//! remaining ones are removed at the end.

use super::boxes::Boxes;
use super::full_stress::annealing_schedule;
use super::objective::Stress;
use super::overlap;
use super::rng::Rng;

/// Drawing units per unit of the layout: enough for most boxes not to overlap their
/// neighbours, limited so that boxes stay large relative to the canvas.
pub(crate) fn scale_factor(boxes: &Boxes) -> f64 {
    let mut needed: Vec<f64> = overlap::delaunay_edges(boxes)
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
    let share = (needed.len() as f64 * QUANTILE) as usize;
    let enough = needed.get(share).copied().unwrap_or(1.0);
    let halves = boxes.half_width.iter().chain(&boxes.half_height);
    let mean = halves.sum::<f64>() / boxes.len() as f64;
    let field = (spread(&boxes.x) * spread(&boxes.y)).max(1e-6);
    let most = (boxes.area() * SPARSEST / field).sqrt();
    enough.min(most).max(SHORTEST * mean)
}

/// Share of neighbouring boxes that do not overlap at the chosen scale.
const QUANTILE: f64 = 0.7;
/// Maximum canvas area per unit of box area.
const SPARSEST: f64 = 12.0;
/// Minimum scale in mean box sizes: an edge of length 1 must be visible between two boxes.
const SHORTEST: f64 = 1.5;

fn spread(values: &[f64]) -> f64 {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - low
}

/// Sweeps of stress, each followed by pushing.
const SWEEPS: usize = 30;
/// Rounds of pushing alone.
const PUSHES: usize = 60;

/// Scales by `unit`, then minimises stress while overlapping boxes are pushed apart. The
/// result has no overlaps.
pub(crate) fn scale_and_separate(
    stress: &mut dyn Stress,
    boxes: &mut Boxes,
    unit: f64,
    rng: &mut Rng,
) {
    let mut coordinates = boxes.coordinates();
    for step in annealing_schedule(0.3, 0.01, SWEEPS) {
        stress.sweep(&mut coordinates, step, rng);
        boxes.set_centers(&coordinates, unit);
        for _ in 0..2 {
            overlap::push_apart(boxes, 0.8);
        }
        coordinates.x = boxes.x.iter().map(|&x| (x / unit) as f32).collect();
        coordinates.y = boxes.y.iter().map(|&y| (y / unit) as f32).collect();
    }
    // Slightly more than the overlap, so that rows of boxes converge sooner. Where boxes
    // are too dense to separate by pushing, `remove_all` is quicker.
    let mut before = usize::MAX;
    for round in 1..=PUSHES {
        let overlaps = overlap::push_apart(boxes, 1.05);
        if overlaps == 0 {
            break;
        }
        if round % 10 == 0 {
            if overlaps > before - before / 10 {
                break;
            }
            before = overlaps;
        }
    }
    overlap::remove_all(boxes);
}
