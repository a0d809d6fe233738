//! What all steps of a comparison share: options, what corresponds in the two maps, groups and noise.

use super::coverage::Coverage;
use super::host_pair::{HostPair, is_same_boot, partner};
use super::matching::{Matching, Pair};
use super::noise::{Noise, Noises, noise};
use super::report::Ignored;
use super::role_matching::match_by_role;
use super::shared_groups::SharedGroups;
use super::side::{OldNew, Side};
use crate::graph::By;
use crate::model::{HostId, Map, ProcessId};

/// What to compare and how much noise to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How processes are grouped.
    pub by: By,
    /// Report noise too: short-lived processes, the capture itself, insignificant changes.
    pub all: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            by: By::Role,
            all: false,
        }
    }
}

/// What corresponds in the two maps before any option applies: the paired hosts, the processes and
/// sockets that are certainly the same, and the noise.
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

/// What the steps of a comparison share.
pub(super) struct Context<'a> {
    pub(super) maps: OldNew<&'a Map>,
    pub(super) hosts: Vec<HostPair>,
    pub(super) matching: Matching,
    pub(super) groups: SharedGroups,
    /// The processes of each group that are compared, by group.
    pub(super) members: Vec<OldNew<Vec<ProcessId>>>,
    pub(super) coverage: Coverage,
    pub(super) options: Options,
    /// How many processes are left out as noise.
    pub(super) ignored: Ignored,
    noise: &'a Noises,
}

impl<'a> Context<'a> {
    /// Matches and groups the processes of two maps, and leaves noise out.
    pub(super) fn new(
        maps: OldNew<&'a Map>,
        correspondence: &'a Correspondence,
        options: &Options,
    ) -> Self {
        let hosts = correspondence.hosts.clone();
        let matching = correspondence.matching(maps, options.all);
        let noise = &correspondence.noise;
        let mut ignored = Ignored::default();
        let all_noise = noise.old.iter().chain(&noise.new).flatten();
        for noise in all_noise.filter(|_| !options.all) {
            match noise {
                Noise::Capture => ignored.capture += 1,
                Noise::ShortLived => ignored.short_lived += 1,
            }
        }
        let mut context = Self {
            maps,
            groups: SharedGroups::new(maps, &hosts, &matching, options.by),
            members: Vec::new(),
            coverage: Coverage::compare(maps, &hosts),
            hosts,
            matching,
            options: *options,
            ignored,
            noise,
        };
        context.members = context.members();
        context
    }

    fn members(&self) -> Vec<OldNew<Vec<ProcessId>>> {
        let mut members = vec![OldNew::<Vec<ProcessId>>::default(); self.groups.labels.len()];
        for side in Side::BOTH {
            let processes = (0..self.maps.of(side).processes.len()).map(ProcessId::new);
            for id in processes.filter(|id| self.is_compared(side, *id)) {
                let group = self.groups.group(side, id) as usize;
                members[group].of_mut(side).push(id);
            }
        }
        members
    }

    /// Whether a process is compared: it is not noise.
    pub(super) fn is_compared(&self, side: Side, id: ProcessId) -> bool {
        self.options.all || self.noise.of(side)[id.index()].is_none()
    }

    /// Whether what is on a host can be identified in the other map.
    pub(super) fn is_same_boot(&self, side: Side, host: HostId) -> bool {
        is_same_boot(&self.hosts, side, host)
    }

    /// The host of the other map that a host is compared with.
    pub(super) fn partner_host(&self, side: Side, host: HostId) -> Option<HostId> {
        partner(&self.hosts, side, host)
    }

    /// The oldest compared process of some: of an inherited socket most likely the one that created
    /// it.
    pub(super) fn oldest(&self, side: Side, processes: &[ProcessId]) -> Option<ProcessId> {
        let compared = processes.iter().filter(|id| self.is_compared(side, **id));
        let age = |id: &&ProcessId| (self.maps.of(side).process(**id).start_ticks, **id);
        compared.min_by_key(age).copied()
    }
}
