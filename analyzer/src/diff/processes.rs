//! Roles whose processes came, went, or are others now.

use super::compare::Context;
use super::report::{Change, Ignored, ProcessChange};
use super::{HostRelation, OldNew, Side};
use crate::model::ProcessId;

/// The processes of each group that take part.
pub(super) fn by_group(context: &Context<'_>) -> Vec<OldNew<Vec<ProcessId>>> {
    let mut groups = vec![OldNew::<Vec<ProcessId>>::default(); context.union.len()];
    for side in Side::BOTH {
        for at in 0..context.maps.of(side).processes.len() {
            let id = ProcessId::new(at);
            if context.counts(side, id) {
                let group = context.union.group(side, id) as usize;
                groups[group].of_mut(side).push(id);
            }
        }
    }
    groups
}

/// One row for each group that is not what it was; a pool that grew is one row.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Vec<ProcessChange> {
    let mut rows = Vec::new();
    for (group, members) in by_group(context).into_iter().enumerate() {
        let Some(change) = change(context, &members) else {
            continue;
        };
        let lacking = match change {
            Change::Added => Some(Side::Old),
            Change::Removed => Some(Side::New),
            Change::Changed if members.old.len() < members.new.len() => Some(Side::Old),
            Change::Changed => Some(Side::New),
            Change::Replaced => None,
        };
        if lacking.is_some_and(|side| context.coverage.explains_process(side)) {
            ignored.coverage += 1;
            continue;
        }
        let (mut old, mut new) = (members.old, members.new);
        if change == Change::Replaced {
            old.retain(|id| !context.matching.is_same(Side::Old, *id));
            new.retain(|id| !context.matching.is_same(Side::New, *id));
            // Over a reboot everything is another, and between two machines.
            let of_one_boot = old.iter().all(|id| {
                let host = context.maps.old.process(*id).host;
                context.matching.relation(Side::Old, host) == Some(HostRelation::SameBoot)
            });
            if !of_one_boot && !context.options.all {
                continue;
            }
        }
        rows.push(ProcessChange {
            change,
            role: context.union.label(group as u32).to_owned(),
            old,
            new,
        });
    }
    rows.sort_by(|a, b| (a.change, &a.role).cmp(&(b.change, &b.role)));
    rows
}

fn change(context: &Context<'_>, members: &OldNew<Vec<ProcessId>>) -> Option<Change> {
    match (members.old.len(), members.new.len()) {
        (0, 0) => None,
        (0, _) => Some(Change::Added),
        (_, 0) => Some(Change::Removed),
        (old, new) if old != new => Some(Change::Changed),
        _ => {
            let stayed = members
                .old
                .iter()
                .all(|id| context.matching.is_same(Side::Old, *id));
            (!stayed).then_some(Change::Replaced)
        }
    }
}
