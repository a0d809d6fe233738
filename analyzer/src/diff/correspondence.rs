//! What corresponds in the two maps: computed once per comparison, before any option applies.

use super::host_pair::HostPair;
use super::matching::{Matching, Pair};
use super::noise::{Noises, noise};
use super::role_matching::match_by_role;
use super::side::OldNew;
use crate::model::Map;

/// The paired hosts, the processes and sockets that are certainly the same, and the noise.
#[derive(Debug)]
pub(super) struct Correspondence {
    pub(super) hosts: Vec<HostPair>,
    /// Matched by identity only.
    pub(super) identity: Matching,
    pub(super) noise: Noises,
    /// Pairs that were matched by role in larger maps, of which these are parts.
    pub(super) known: Vec<Pair>,
}

impl Correspondence {
    /// Classifies the noise of maps whose hosts are paired and whose processes and sockets are matched
    /// by identity.
    pub(super) fn new(maps: OldNew<&Map>, hosts: Vec<HostPair>, identity: Matching) -> Self {
        Self {
            noise: noise(maps, &hosts, &identity),
            hosts,
            identity,
            known: Vec::new(),
        }
    }

    /// Matches the rest by role: noise only if `all`.
    pub(super) fn matching(&self, maps: OldNew<&Map>, all: bool) -> Matching {
        let wanted = OldNew::from_fn(|side| {
            let noise = self.noise.of(side).iter();
            noise.map(|noise| all || noise.is_none()).collect()
        });
        let mut matching = self.identity.clone();
        match_by_role(&mut matching, maps, &self.hosts, &wanted, &self.known);
        matching
    }
}
