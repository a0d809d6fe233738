//! Which distance two nodes should have on the picture, and how much it counts.
//!
//! Plain stress wishes for as many units as there are edges between the nodes. On graphs
//! that no plane can hold (hubs with shortcuts between them) it pays to ask for more the
//! farther apart they are: edges become short against the whole, cross less, and the
//! plain stress that readers measure hardly grows.

/// `hops^power` with weight `hops^-falloff`, `edge_weight` for neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) power: f32,
    pub(crate) falloff: f32,
    pub(crate) edge_weight: f32,
}

impl Wishes {
    /// What stress is defined with.
    pub(crate) const PLAIN: Self = Self {
        power: 1.0,
        falloff: 2.0,
        edge_weight: 1.0,
    };

    /// Between plain (0) and fully bent (1).
    pub(crate) fn bent(degree: f32) -> Self {
        Self {
            power: 1.0 + degree,
            falloff: 2.0 + 1.5 * degree,
            edge_weight: 1.0 + 3.0 * degree,
        }
    }

    /// Wished distance for each number of hops up to `deepest`, at 0 nothing.
    pub(crate) fn distances(self, deepest: u32) -> Vec<f32> {
        (0..=deepest)
            .map(|hops| (hops as f32).powf(self.power))
            .collect()
    }

    /// Weight for each number of hops up to `deepest`, at 0 none.
    pub(crate) fn weights(self, deepest: u32) -> Vec<f32> {
        let weigh = |hops: u32| match hops {
            0 => 0.0,
            1 => self.edge_weight,
            _ => (hops as f32).powf(-self.falloff),
        };
        (0..=deepest).map(weigh).collect()
    }

    /// The learning rate at which the lightest pair may still move freely.
    pub(crate) fn first_step(self, deepest: u32) -> f32 {
        (deepest.max(1) as f32).powf(self.falloff)
    }
}

#[cfg(test)]
mod tests {
    use super::Wishes;

    #[test]
    fn plain_wishes_are_hops_weighed_by_their_square() {
        assert_eq!(Wishes::bent(0.0), Wishes::PLAIN);
        assert_eq!(Wishes::PLAIN.distances(3), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            Wishes::PLAIN.weights(4),
            [0.0, 1.0, 0.25, 1.0 / 9.0, 0.0625]
        );
        assert_eq!(Wishes::PLAIN.first_step(4), 16.0);
        assert!(Wishes::bent(1.0).distances(3)[3] > 8.9);
    }
}
