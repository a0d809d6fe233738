//! The context of a comparison: hosts, matching, groups and noise, computed once for all steps.

use super::correspondence::Correspondence;
use super::coverage::Coverage;
use super::host_pair::{HostPair, is_same_boot};
use super::matching::Matching;
use super::noise::{Noise, Noises};
use super::options::Options;
use super::report::Ignored;
use super::shared_groups::SharedGroups;
use super::side::{OldNew, Side};
use crate::model::{HostId, Map, ProcessId};

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
        let mut members = vec![OldNew::<Vec<ProcessId>>::default(); self.groups.len()];
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

    /// The oldest compared process of some: of an inherited socket most likely the one that created
    /// it.
    pub(super) fn oldest(&self, side: Side, processes: &[ProcessId]) -> Option<ProcessId> {
        let compared = processes.iter().filter(|id| self.is_compared(side, **id));
        let age = |id: &&ProcessId| (self.maps.of(side).process(**id).start_ticks, **id);
        compared.min_by_key(age).copied()
    }
}
