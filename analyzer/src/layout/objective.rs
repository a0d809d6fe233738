//! The objective that a component's layout minimises.

use super::boxes::Coordinates;
use super::rng::Rng;
use super::target_distances::TargetDistances;

/// Components of up to this many boxes are small: many attempts and long refinement are
/// affordable, and any canvas has room for them.
pub(crate) const SMALL: usize = 100;

/// Stress of one component. The targets are at first [`TargetDistances::PLAIN`].
pub(crate) trait Stress {
    /// Replaces the target distances and weights.
    fn set_targets(&mut self, targets: TargetDistances);

    /// The longest distance in the graph that is part of the objective, in edges.
    fn max_hops(&self) -> u32;

    /// One pass of stochastic gradient descent at learning rate `step`.
    fn sweep(&mut self, coordinates: &mut Coordinates, step: f32, rng: &mut Rng);

    /// Plain stress at the best scale, divided by the number of pairs (the normalised stress of
    /// arXiv 2408.04688).
    fn measure(&self, coordinates: &Coordinates) -> f64;
}

/// Ratios of the distances of pairs on the plane to those in the graph.
#[derive(Default)]
pub(crate) struct Ratios {
    pub(crate) sum: f64,
    pub(crate) squares: f64,
}

impl Ratios {
    /// Adds the ratio of one pair.
    pub(crate) fn add(&mut self, ratio: f64) {
        self.sum += ratio;
        self.squares += ratio * ratio;
    }

    /// Stress per pair at the best scale.
    pub(crate) fn stress(&self, pairs: f64) -> f64 {
        if self.squares > 0.0 {
            1.0 - self.sum * self.sum / self.squares / pairs
        } else {
            0.0
        }
    }
}
