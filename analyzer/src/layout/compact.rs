//! Compaction: shrinks a drawing stepwise and removes the overlaps that appear, as long as
//! stress hardly rises. Boxes become larger relative to the whole, so labels stay readable.

use super::boxes::Boxes;
use super::objective::{SMALL, Stress};
use super::overlap;

/// Scale factor of one step.
const STEP: f64 = 0.88;
const STEPS: usize = 8;
/// Above this number of boxes a step is expensive, so fewer and larger ones are made.
const MANY: usize = 600;
/// Maximum share of the canvas covered by boxes: edges must stay visible.
const MAX_COVERAGE: f64 = 0.2;
/// Maximum rise of stress, as a factor; less for small components, which fit any canvas.
const SLACK: f64 = 1.07;
const SMALL_SLACK: f64 = 1.015;

/// Moves boxes closer together; the result has no overlaps.
pub(crate) fn compact(stress: &dyn Stress, boxes: &mut Boxes) {
    let slack = if boxes.len() <= SMALL {
        SMALL_SLACK
    } else {
        SLACK
    };
    let max_stress = slack * stress.measure(&boxes.coordinates());
    let (step, steps) = match boxes.len() > MANY {
        true => (STEP * STEP, 2),
        false => (STEP, STEPS),
    };
    for _ in 0..steps {
        if coverage(boxes) > MAX_COVERAGE {
            return;
        }
        let mut closer = boxes.clone();
        for value in closer.x.iter_mut().chain(&mut closer.y) {
            *value *= step;
        }
        overlap::remove_all(&mut closer);
        if stress.measure(&closer.coordinates()) > max_stress {
            return;
        }
        *boxes = closer;
    }
}

/// Share of the bounding box that boxes cover.
fn coverage(boxes: &Boxes) -> f64 {
    let [left, top, right, bottom] = boxes.bounds();
    boxes.area() / ((right - left) * (bottom - top)).max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::adjacency::Adjacency;
    use crate::layout::full_stress::FullStress;
    use crate::layout::types::Edge;

    /// A path of boxes 1,000 units apart.
    fn path(nodes: u32) -> (FullStress, Boxes) {
        let edges: Vec<Edge> = (1..nodes).map(|b| Edge { a: b - 1, b }).collect();
        let adjacency = Adjacency::new(nodes as usize, &edges);
        let boxes = Boxes {
            x: (0..nodes).map(|nth| 1000.0 * f64::from(nth)).collect(),
            y: (0..nodes).map(|nth| 300.0 * f64::from(nth % 3)).collect(),
            half_width: vec![30.0; nodes as usize],
            half_height: vec![10.0; nodes as usize],
        };
        (FullStress::new(&adjacency), boxes)
    }

    #[test]
    fn smaller_without_overlaps_and_within_the_stress_allowed() {
        let (stress, mut boxes) = path(12);
        let before = stress.measure(&boxes.coordinates());
        let [left, _, right, _] = boxes.bounds();
        compact(&stress, &mut boxes);
        let [nearer_left, _, nearer_right, _] = boxes.bounds();
        assert!(nearer_right - nearer_left < 0.5 * (right - left));
        assert!(stress.measure(&boxes.coordinates()) <= SMALL_SLACK * before + 1e-9);
        for a in 0..boxes.len() {
            for b in 0..a {
                let apart = (boxes.x[a] - boxes.x[b]).abs() >= 60.0 - 1e-6
                    || (boxes.y[a] - boxes.y[b]).abs() >= 20.0 - 1e-6;
                assert!(apart, "{a} and {b} overlap");
            }
        }
    }

    #[test]
    fn a_full_canvas_is_not_compacted() {
        let (stress, mut boxes) = path(4);
        boxes.half_width.fill(400.0);
        boxes.half_height.fill(140.0);
        let before = boxes.clone();
        compact(&stress, &mut boxes);
        assert_eq!((before.x, before.y), (boxes.x, boxes.y));
    }
}
