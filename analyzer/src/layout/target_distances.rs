//! Target distance and weight of a pair of nodes, by their distance in the graph.
//!
//! Plain stress has a target of one unit per edge. Graphs that do not fit the plane well
//! (hubs with shortcuts between them) gain from targets that grow faster than the graph
//! distance: edges become short relative to the whole and cross less, while plain stress
//! hardly grows.

/// Target `hops^power` with weight `hops^-falloff`; neighbours weigh `edge_weight`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TargetDistances {
    pub(crate) power: f32,
    pub(crate) falloff: f32,
    pub(crate) edge_weight: f32,
}

impl TargetDistances {
    /// The targets of the usual definition of stress.
    pub(crate) const PLAIN: Self = Self {
        power: 1.0,
        falloff: 2.0,
        edge_weight: 1.0,
    };

    /// From plain (0) to quadratic (1) and beyond.
    pub(crate) fn stretched(degree: f32) -> Self {
        Self {
            power: 1.0 + degree,
            falloff: 2.0 + 1.5 * degree,
            edge_weight: 1.0 + 3.0 * degree,
        }
    }

    /// Target distance for each number of hops up to `max_hops`; 0 at index 0.
    pub(crate) fn distances(self, max_hops: u32) -> Vec<f32> {
        (0..=max_hops)
            .map(|hops| (hops as f32).powf(self.power))
            .collect()
    }

    /// Weight for each number of hops up to `max_hops`; 0 at index 0.
    pub(crate) fn weights(self, max_hops: u32) -> Vec<f32> {
        let weigh = |hops: u32| match hops {
            0 => 0.0,
            1 => self.edge_weight,
            _ => (hops as f32).powf(-self.falloff),
        };
        (0..=max_hops).map(weigh).collect()
    }

    /// The learning rate at which the pair of the least weight still moves the whole way.
    pub(crate) fn initial_step(self, max_hops: u32) -> f32 {
        (max_hops.max(1) as f32).powf(self.falloff)
    }
}

#[cfg(test)]
mod tests {
    use super::TargetDistances;

    #[test]
    fn plain_targets_are_hops_weighted_by_their_inverse_square() {
        assert_eq!(TargetDistances::stretched(0.0), TargetDistances::PLAIN);
        assert_eq!(TargetDistances::PLAIN.distances(3), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            TargetDistances::PLAIN.weights(4),
            [0.0, 1.0, 0.25, 1.0 / 9.0, 0.0625]
        );
        assert_eq!(TargetDistances::PLAIN.initial_step(4), 16.0);
        assert!(TargetDistances::stretched(1.0).distances(3)[3] > 8.9);
    }
}
