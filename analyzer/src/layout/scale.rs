//! Room for the boxes: the scale of a component, and stress while boxes push each other.
//!
//! Overlaps are removed while stress still pulls, so that they cost little of it; what is
//! left at the end is removed for certain.

use super::boxes::Boxes;
use super::overlap;
use super::place::Stress;
use super::rng::Rng;
use super::stress::steps;

/// Drawing units for each unit of the layout: what most boxes need to stand clear of
/// their neighbours, but never so much that the boxes are lost on the canvas.
pub(crate) fn unit(boxes: &Boxes) -> f64 {
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
    let share = (needed.len() as f64 * QUANTILE) as usize;
    let enough = needed.get(share).copied().unwrap_or(1.0);
    let mean = boxes
        .half_width
        .iter()
        .chain(&boxes.half_height)
        .sum::<f64>()
        / boxes.len() as f64;
    let field = (spread(&boxes.x) * spread(&boxes.y)).max(1e-6);
    let most = (boxes.area() * SPARSEST / field).sqrt();
    enough.min(most).max(SHORTEST * mean)
}

/// Of neighbours on the plane, the share that should not overlap from the start.
const QUANTILE: f64 = 0.7;
/// Canvas for each unit of boxes' area, at most.
const SPARSEST: f64 = 12.0;
/// In mean box sizes: so that an edge of length 1 can be seen between two boxes.
const SHORTEST: f64 = 1.5;

fn spread(values: &[f64]) -> f64 {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    high - low
}

/// Passes of stress with pushing in between.
const PASSES: usize = 30;
/// Passes of pushing alone.
const PUSHES: usize = 60;

/// Scales by `unit`, then lowers stress while the boxes push each other apart, and ends
/// without overlaps.
pub(crate) fn make(stress: &mut Stress, boxes: &mut Boxes, unit: f64, rng: &mut Rng) {
    let mut layout = boxes.layout();
    for step in steps(0.3, 0.01, PASSES) {
        stress.sweep(&mut layout, step, rng);
        boxes.x = layout.x.iter().map(|&x| f64::from(x) * unit).collect();
        boxes.y = layout.y.iter().map(|&y| f64::from(y) * unit).collect();
        for _ in 0..2 {
            overlap::push(boxes, 0.8);
        }
        layout.x = boxes.x.iter().map(|&x| (x / unit) as f32).collect();
        layout.y = boxes.y.iter().map(|&y| (y / unit) as f32).collect();
    }
    // A little more than is missing, so that rows of boxes come to rest sooner. Where
    // boxes are too dense to part them by pushing, `finish` is quicker.
    let mut before = usize::MAX;
    for round in 1..=PUSHES {
        let left = overlap::push(boxes, 1.05);
        if left == 0 {
            break;
        }
        if round % 10 == 0 {
            if left > before - before / 10 {
                break;
            }
            before = left;
        }
    }
    finish(boxes);
}

/// No overlaps from here on.
pub(crate) fn finish(boxes: &mut Boxes) {
    if !overlap::grow(boxes) {
        overlap::scatter(boxes);
    }
}
