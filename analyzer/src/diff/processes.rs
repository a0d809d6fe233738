//! Compares processes: groups that came, went, changed size, or whose processes were replaced.

use super::context::Context;
use super::report::{Change, Ignored, ProcessChange};
use super::side::{OldNew, Side};
use crate::model::ProcessId;

/// One row for each group that changed.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Vec<ProcessChange> {
    let mut rows = Vec::new();
    for (group, members) in context.members.iter().enumerate() {
        let Some(change) = change(context, members) else {
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
        let OldNew { mut old, mut new } = members.clone();
        if change == Change::Replaced {
            old.retain(|id| !context.matching.is_same(Side::Old, *id));
            new.retain(|id| !context.matching.is_same(Side::New, *id));
            // After a reboot, or on another machine, every process is another one.
            let hosts = old.iter().map(|id| context.maps.old.process(*id).host);
            let same_boot = hosts
                .into_iter()
                .all(|host| context.is_same_boot(Side::Old, host));
            if !same_boot && !context.options.all {
                continue;
            }
        }
        rows.push(ProcessChange {
            change,
            role: context.groups.labels.text(group as u32).to_owned(),
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
            let mut old = members.old.iter();
            let same = old.all(|id| context.matching.is_same(Side::Old, *id));
            (!same).then_some(Change::Replaced)
        }
    }
}
