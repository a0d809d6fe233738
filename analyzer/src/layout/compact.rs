//! Takes out the air that a drawing's stress does not need.
//!
//! Step by step everything is moved together and what overlaps then is parted again, as long as that
//! costs little stress: boxes are larger on the picture of the whole, and can be read.

use super::boxes::Boxes;
use super::place::{SMALL, Stress};
use super::scale;

/// So much smaller in each step.
const STEP: f64 = 0.88;
const STEPS: usize = 8;
/// Above this number of boxes a step takes a part of what the layout itself takes.
const MANY: usize = 600;
/// What of the canvas boxes may cover: edges need to be seen, too.
const FULLEST: f64 = 0.2;
/// By how much stress may rise above what it was: little where there is room on any page.
const SLACK: f64 = 1.07;
const SMALL_SLACK: f64 = 1.015;

/// Boxes that do not overlap, nearer to each other.
pub(crate) fn tighten(stress: &Stress, boxes: &mut Boxes) {
    let slack = match boxes.len() <= SMALL {
        true => SMALL_SLACK,
        false => SLACK,
    };
    let most = slack * stress.measure(&boxes.layout());
    let (step, steps) = match boxes.len() > MANY {
        true => (STEP * STEP, 2),
        false => (STEP, STEPS),
    };
    for _ in 0..steps {
        if covered(boxes) > FULLEST {
            return;
        }
        let mut nearer = boxes.clone();
        for place in nearer.x.iter_mut().chain(&mut nearer.y) {
            *place *= step;
        }
        scale::finish(&mut nearer);
        if stress.measure(&nearer.layout()) > most {
            return;
        }
        *boxes = nearer;
    }
}

/// The boxes' share of what they lie in.
fn covered(boxes: &Boxes) -> f64 {
    let [left, top, right, bottom] = boxes.bounds();
    boxes.area() / ((right - left) * (bottom - top)).max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Edge;
    use crate::layout::adjacency::Adjacency;
    use crate::layout::stress::FullStress;

    /// A path of boxes a thousand apart.
    fn path(nodes: u32) -> (Stress, Boxes) {
        let edges: Vec<Edge> = (1..nodes).map(|b| Edge { a: b - 1, b }).collect();
        let adjacency = Adjacency::new(nodes as usize, &edges);
        let boxes = Boxes {
            x: (0..nodes).map(|nth| 1000.0 * f64::from(nth)).collect(),
            y: (0..nodes).map(|nth| 300.0 * f64::from(nth % 3)).collect(),
            half_width: vec![30.0; nodes as usize],
            half_height: vec![10.0; nodes as usize],
        };
        (Stress::Full(FullStress::new(&adjacency)), boxes)
    }

    #[test]
    fn smaller_without_overlaps_and_within_the_stress_allowed() {
        let (stress, mut boxes) = path(12);
        let before = stress.measure(&boxes.layout());
        let [left, _, right, _] = boxes.bounds();
        tighten(&stress, &mut boxes);
        let [nearer_left, _, nearer_right, _] = boxes.bounds();
        assert!(nearer_right - nearer_left < 0.5 * (right - left));
        assert!(stress.measure(&boxes.layout()) <= SMALL_SLACK * before + 1e-9);
        for a in 0..boxes.len() {
            for b in 0..a {
                let apart = (boxes.x[a] - boxes.x[b]).abs() >= 60.0 - 1e-6
                    || (boxes.y[a] - boxes.y[b]).abs() >= 20.0 - 1e-6;
                assert!(apart, "{a} and {b} overlap");
            }
        }
    }

    #[test]
    fn what_is_full_stays() {
        let (stress, mut boxes) = path(4);
        boxes.half_width.fill(400.0);
        boxes.half_height.fill(140.0);
        let before = boxes.clone();
        tighten(&stress, &mut boxes);
        assert_eq!((before.x, before.y), (boxes.x, boxes.y));
    }
}
