//! Descriptors that grew or shrank.
//!
//! A pool that grew has more of everything, and who has just started has fewer: neither is news
//! beside the row of its processes. So a role's row is told when the processes that are in both maps
//! have moved, by more than the conversations that are counted elsewhere; its numbers are those of the
//! whole role.

use std::collections::{BTreeMap, HashMap};

use super::compare::Context;
use super::links::is_told;
use super::processes::by_group;
use super::report::{DescriptorChange, Ignored};
use super::{MatchReason, OldNew, Side};
use crate::graph::{Conversation, conversations};
use crate::model::{FdsStatus, Map, ProcessId};

/// The same process opens and closes a few of a kind all the time.
pub(crate) const FEW: u64 = 3;
/// Two processes of one role are never quite alike: half as many again, and at least so many, are
/// worth a word.
pub(crate) const MANY: u64 = 16;

/// One row for each role and kind.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Vec<DescriptorChange> {
    let explained = |side: Side| {
        let map = context.maps.of(side);
        explained(map, |id| context.counts(side, id))
    };
    let explained = OldNew {
        old: explained(Side::Old),
        new: explained(Side::New),
    };
    let mut rows = Vec::new();
    for (group, members) in by_group(context).into_iter().enumerate() {
        let mut kinds: BTreeMap<&str, Row> = BTreeMap::new();
        let mut unknown = false;
        for side in Side::BOTH {
            for id in members.of(side) {
                match known(context, side, *id) {
                    Known::OldNew => count(context, explained.of(side), side, *id, &mut kinds),
                    // What is unread in one map is left out of both.
                    Known::Partly => unknown |= !context.matching.is_same(side, *id),
                }
            }
        }
        for (kind, row) in kinds {
            if row.old == row.new {
                continue;
            }
            if unknown {
                ignored.coverage += 1;
                continue;
            }
            if !context.options.all && !row.is_told() {
                ignored.small += 1;
                continue;
            }
            rows.push(DescriptorChange {
                role: context.union.label(group as u32).to_owned(),
                kind: kind.into(),
                old: row.old,
                new: row.new,
                processes: members.new.clone(),
            });
        }
    }
    rows.sort_by(|a, b| (&a.role, &a.kind).cmp(&(&b.role, &b.kind)));
    rows
}

/// Counts of one kind.
#[derive(Debug, Clone, Default)]
struct Row {
    old: u64,
    new: u64,
    /// In each process that is in both, by its id in the first map.
    same: BTreeMap<ProcessId, (u64, u64)>,
    /// In those that are matched by role.
    alike: (u64, u64),
}

impl Row {
    fn is_told(&self) -> bool {
        let moved = |(old, new): (u64, u64)| old.abs_diff(new);
        let sum = |all: (u64, u64), one: &(u64, u64)| (all.0 + one.0, all.1 + one.1);
        // In a large pool somebody has a few more at any time: all of it must have, or one of it many.
        let all = moved(self.same.values().fold((0, 0), sum));
        let one = self.same.values().any(|one| moved(*one) >= FEW);
        let (old, new) = self.alike;
        let (less, more) = (old.min(new), old.max(new));
        one || all >= FEW.max(self.same.len() as u64) || more - less >= MANY && 2 * more >= 3 * less
    }
}

enum Known {
    OldNew,
    Partly,
}

/// Whether a process's descriptors were read, and its partner's.
fn known(context: &Context<'_>, side: Side, id: ProcessId) -> Known {
    let read =
        |side: Side, id: ProcessId| context.maps.of(side).process(id).fds_status == FdsStatus::Read;
    let partner = context.matching.process(side, id);
    match partner {
        _ if !read(side, id) => Known::Partly,
        Some((other, _)) if !read(side.other(), other) => Known::Partly,
        _ => Known::OldNew,
    }
}

fn count<'a>(
    context: &Context<'a>,
    explained: &Explained,
    side: Side,
    id: ProcessId,
    kinds: &mut BTreeMap<&'a str, Row>,
) {
    let partner = context.matching.process(side, id);
    let map: &'a Map = context.maps.of(side);
    for (kind, count) in &map.process(id).fd_counts {
        let known = ["socket", "pipe"]
            .into_iter()
            .find(|known| **known == **kind);
        let of = |counts: &Counts| {
            known
                .and_then(|kind| counts.get(&(id, kind)).copied())
                .unwrap_or(0)
        };
        let count = u64::from(*count).saturating_sub(of(&explained.noise));
        let rest = count.saturating_sub(of(&explained.talks));
        let row = kinds.entry(kind).or_default();
        let add = |two: &mut (u64, u64)| match side {
            Side::Old => two.0 += rest,
            Side::New => two.1 += rest,
        };
        match side {
            Side::Old => row.old += count,
            Side::New => row.new += count,
        }
        match partner {
            Some((other, MatchReason::Identity)) => {
                let old = if side == Side::Old { id } else { other };
                add(row.same.entry(old).or_default());
            }
            Some(_) => add(&mut row.alike),
            None => {}
        }
    }
}

/// How many descriptors of a process and kind something else accounts for.
pub(crate) type Counts = HashMap<(ProcessId, &'static str), u64>;

/// Descriptors that say nothing by themselves.
#[derive(Debug, Default)]
pub(crate) struct Explained {
    /// Whose other end only processes hold that are left out: what the parent of a capture has for
    /// its sake.
    pub(crate) noise: Counts,
    /// Ends of conversations between roles, which `links` counts.
    pub(crate) talks: Counts,
}

/// What accounts for descriptors of a map, in which not every process counts.
pub(crate) fn explained(map: &Map, counts: impl Fn(ProcessId) -> bool) -> Explained {
    let mut explained = Explained::default();
    for ends in conversations(map) {
        let kind = match ends.conversation {
            Conversation::Connection(_) => "socket",
            Conversation::Pipe(_) => "pipe",
        };
        let told = is_told(map, &ends);
        for (own, others) in [(&ends.from, &ends.to), (&ends.to, &ends.from)] {
            let noise = !others.is_empty() && others.iter().all(|id| !counts(*id));
            for id in own.iter().filter(|id| counts(**id)) {
                if noise {
                    *explained.noise.entry((*id, kind)).or_default() += 1;
                } else if told {
                    *explained.talks.entry((*id, kind)).or_default() += 1;
                }
            }
        }
    }
    explained
}
