//! The objective that a component's layout minimises: full stress for small graphs, sparse
//! stress for large ones, behind one interface.

use super::adjacency::Adjacency;
use super::boxes::Coordinates;
use super::distances::Pivots;
use super::full_stress::FullStress;
use super::rng::Rng;
use super::sparse_stress::SparseStress;
use super::target_distances::TargetDistances;

/// Components of up to this many boxes are small: many attempts and long refinement are
/// affordable, and any canvas has room for them.
pub(crate) const SMALL: usize = 100;
/// Up to here every pair of nodes counts; above, pairs of a node and a pivot.
pub(crate) const MAX_FULL: usize = 3_000;

/// Stress of one component.
pub(crate) enum Stress {
    /// Over all pairs.
    Full(FullStress),
    /// Over neighbours and pivots.
    Sparse(SparseStress),
}

impl Stress {
    /// Chooses by the number of nodes. The targets are [`TargetDistances::PLAIN`].
    pub(crate) fn new(adjacency: &Adjacency, pivots: Pivots, rng: &mut Rng) -> Self {
        if adjacency.len() <= MAX_FULL {
            Self::Full(FullStress::new(adjacency))
        } else {
            Self::Sparse(SparseStress::new(adjacency, pivots, rng))
        }
    }

    /// Replaces the target distances and weights.
    pub(crate) fn set_targets(&mut self, targets: TargetDistances) {
        match self {
            Self::Full(full) => full.set_targets(targets),
            Self::Sparse(sparse) => sparse.set_targets(targets),
        }
    }

    /// The longest distance in the graph that is part of the objective, in edges.
    pub(crate) fn max_hops(&self) -> u32 {
        match self {
            Self::Full(full) => full.max_hops(),
            Self::Sparse(sparse) => sparse.max_hops(),
        }
    }

    /// Plain stress at the best scale, per pair.
    pub(crate) fn measure(&self, coordinates: &Coordinates) -> f64 {
        match self {
            Self::Full(full) => full.measure(coordinates),
            Self::Sparse(sparse) => sparse.measure(coordinates),
        }
    }

    /// One pass of stochastic gradient descent at learning rate `step`.
    pub(crate) fn sweep(&mut self, coordinates: &mut Coordinates, step: f32, rng: &mut Rng) {
        match self {
            Self::Full(full) => full.sweep(coordinates, step, rng),
            Self::Sparse(sparse) => sparse.sweep(coordinates, step, rng),
        }
    }
}
