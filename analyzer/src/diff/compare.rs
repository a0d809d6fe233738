//! The comparison, step by step.

use super::coverage::{Coverage, pair_hosts};
use super::filter::Judged;
use super::links::Links;
use super::matching::Matching;
use super::noise::{Noise, Noises, noise};
use super::report::{Diff, Ignored};
use super::shared_groups::SharedGroups;
use super::{HostPair, OldNew, Options, Side, descriptors, links, listeners, processes};
use crate::model::{HostId, Map, ProcessId};

/// What every part of the comparison looks at.
pub(super) struct Context<'a> {
    pub(super) maps: OldNew<&'a Map>,
    pub(super) hosts: Vec<HostPair>,
    pub(super) matching: Matching,
    pub(super) union: SharedGroups,
    pub(super) coverage: Coverage,
    /// By process: left out.
    pub(super) ignored: OldNew<Vec<bool>>,
    pub(super) options: Options,
}

impl Context<'_> {
    /// Whether a process takes part.
    pub(super) fn counts(&self, side: Side, id: ProcessId) -> bool {
        !self.ignored.of(side)[id.index()]
    }

    /// Whether something on a host has an identity in the other map.
    pub(super) fn same_boot(&self, side: Side, host: HostId) -> bool {
        self.matching.relation(side, host) == Some(super::HostRelation::SameBoot)
    }

    /// The first process that takes part and began before the others: of a socket that many have
    /// inherited, most likely who made it.
    pub(super) fn eldest(&self, side: Side, of: &[ProcessId]) -> Option<ProcessId> {
        let counted = of.iter().filter(|id| self.counts(side, **id));
        let started = |id: &&ProcessId| (self.maps.of(side).process(**id).start_ticks, **id);
        counted.min_by_key(started).copied()
    }
}

/// Compares two maps.
pub fn diff(old: &Map, new: &Map, options: &Options) -> Diff {
    let (context, ignored) = context(old, new, options, None);
    let (diff, _) = compare(&context, ignored);
    finish(diff, context)
}

/// Who is whom in both maps, and who is noise: without partner by role, unless all are wanted.
pub(super) fn partners(
    maps: OldNew<&Map>,
    all: bool,
    judged: Option<&Judged>,
) -> (Vec<HostPair>, Matching, Noises) {
    let hosts = pair_hosts(maps.old, maps.new);
    let mut matching = Matching::certain(maps, &hosts);
    let noise = match judged {
        Some(judged) => judged.noise.clone(),
        None => noise(maps, &hosts, &matching),
    };
    let wanted = |noise: &[Option<Noise>]| noise.iter().map(|n| all || n.is_none()).collect();
    let wanted = OldNew {
        old: wanted(&noise.old),
        new: wanted(&noise.new),
    };
    let known = judged.map_or(&[][..], |judged| &judged.pairs);
    matching.add_roles(maps, &hosts, &wanted, known);
    (hosts, matching, noise)
}

/// Matches and groups what is compared, and leaves noise out; it may have been judged before.
pub(super) fn context<'a>(
    old: &'a Map,
    new: &'a Map,
    options: &Options,
    judged: Option<&Judged>,
) -> (Context<'a>, Ignored) {
    let maps = OldNew { old, new };
    let (hosts, matching, noise) = partners(maps, options.all, judged);
    let mut ignored = Ignored::default();
    for side in Side::BOTH {
        for noise in noise.of(side).iter().flatten() {
            match noise {
                Noise::Capture => ignored.capture += 1,
                Noise::ShortLived => ignored.short_lived += 1,
            }
        }
    }
    if options.all {
        ignored = Ignored::default();
    }
    let is_out = |noise: &[Option<Noise>]| -> Vec<bool> {
        noise.iter().map(|n| !options.all && n.is_some()).collect()
    };
    let context = Context {
        maps,
        union: SharedGroups::of(maps, &hosts, &matching, options.by),
        coverage: Coverage::of(old, new, &hosts),
        ignored: OldNew {
            old: is_out(&noise.old),
            new: is_out(&noise.new),
        },
        hosts,
        matching,
        options: *options,
    };
    (context, ignored)
}

/// All differences, and all links whether they differ or not.
pub(super) fn compare(context: &Context<'_>, mut ignored: Ignored) -> (Diff, Links) {
    let processes = processes::compare(context, &mut ignored);
    let listeners = listeners::compare(context, &mut ignored);
    let links = links::compare(context, &mut ignored);
    let descriptors = descriptors::compare(context, &mut ignored);
    let told = links.rows.iter().filter(|row| row.told);
    let diff = Diff {
        processes,
        listeners,
        links: told.map(|row| row.link.clone()).collect(),
        descriptors,
        unlinked: listeners::unlinked(context),
        ignored,
        ..Diff::default()
    };
    (diff, links)
}

/// With what was compared, and how.
pub(super) fn finish(diff: Diff, context: Context<'_>) -> Diff {
    Diff {
        hosts: context.hosts,
        coverage: context.coverage,
        matching: context.matching,
        ..diff
    }
}
