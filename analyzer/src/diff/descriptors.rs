//! Compares the number of descriptors of each group, by kind.
//!
//! A pool that grew has more of everything, and a process that has just started has fewer: neither
//! is worth a row beside that of the processes. So a row is reported if the processes that are in
//! both maps changed significantly, not counting conversations. Its numbers are those of the whole
//! group.

use std::collections::BTreeMap;

use super::context::Context;
use super::matching::MatchReason;
use super::report::{DescriptorChange, Ignored};
use super::side::{OldNew, Side};
use super::significance::{Explained, explained, is_significant, is_significant_replacement};
use crate::model::{Family, FdsStatus, ProcessId, SocketId};

/// One row for each group and kind.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Vec<DescriptorChange> {
    let explained = OldNew::from_fn(|side| {
        let mut explained = explained(context.maps.of(side), |id| context.is_compared(side, id));
        if !context.options.all {
            add_fleeting(context, side, &mut explained);
        }
        explained
    });
    let mut rows = Vec::new();
    for (group, members) in context.members.iter().enumerate() {
        let mut kinds: BTreeMap<&str, Counts> = BTreeMap::new();
        let mut unknown = false;
        for side in Side::BOTH {
            for id in members.of(side) {
                if is_read(context, side, *id) {
                    count(context, explained.of(side), side, *id, &mut kinds);
                } else {
                    // A process that is in both maps is left out of both.
                    unknown |= !context.matching.is_same(side, *id);
                }
            }
        }
        for (kind, counts) in kinds {
            let OldNew { old, new } = counts.total;
            if old == new {
                continue;
            }
            if unknown {
                ignored.coverage += 1;
                continue;
            }
            if !context.options.all && !counts.is_significant() {
                ignored.small += 1;
                continue;
            }
            rows.push(DescriptorChange {
                role: context.groups.labels.text(group as u32).to_owned(),
                kind: kind.into(),
                old,
                new,
                processes: members.new.clone(),
            });
        }
    }
    rows.sort_by(|a, b| (&a.role, &a.kind).cmp(&(&b.role, &b.kind)));
    rows
}

/// Counts sockets that were closed during the capture as noise: no table lists them, and the other
/// capture of the boot lacks them.
fn add_fleeting(context: &Context<'_>, side: Side, explained: &mut Explained) {
    let map = context.maps.of(side);
    for (index, socket) in map.sockets.iter().enumerate() {
        let id = SocketId::new(index);
        if socket.family == Family::Other
            && matches!(socket.protocol, None | Some("tcp" | "udp" | "unix"))
            && context.is_same_boot(side, socket.host)
            && context.matching.socket(side, id).is_none()
        {
            for holder in map.holders(id) {
                explained.noise.add(holder.process, "socket");
            }
        }
    }
}

/// The number of descriptors of one kind in a group.
#[derive(Debug, Clone, Default)]
struct Counts {
    /// In all processes.
    total: OldNew<u64>,
    /// In each process that is certainly in both maps, by its id in the first map; without
    /// conversations.
    same: BTreeMap<ProcessId, OldNew<u64>>,
    /// In the processes matched by role, without conversations.
    alike: OldNew<u64>,
}

impl Counts {
    fn is_significant(&self) -> bool {
        let same = || self.same.values();
        let change = |old: u64, new: u64| old.abs_diff(new);
        let largest = same().map(|count| change(count.old, count.new)).max();
        let (old, new) = (same().map(|count| count.old), same().map(|count| count.new));
        let total = change(old.sum(), new.sum());
        is_significant(largest.unwrap_or_default(), total, self.same.len())
            || is_significant_replacement(self.alike.old, self.alike.new)
    }
}

/// Whether the descriptors of a process and its partner were read.
fn is_read(context: &Context<'_>, side: Side, id: ProcessId) -> bool {
    let read =
        |side: Side, id: ProcessId| context.maps.of(side).process(id).fds_status == FdsStatus::Read;
    let partner = context.matching.process(side, id);
    read(side, id) && partner.is_none_or(|(partner, _)| read(side.other(), partner))
}

/// Adds the descriptors of a process.
fn count<'a>(
    context: &Context<'a>,
    explained: &Explained,
    side: Side,
    id: ProcessId,
    kinds: &mut BTreeMap<&'a str, Counts>,
) {
    let partner = context.matching.process(side, id);
    let process = context.maps.of(side).process(id);
    for (kind, count) in &process.fd_counts {
        let count = u64::from(*count).saturating_sub(explained.noise.get(id, kind));
        let rest = count.saturating_sub(explained.conversations.get(id, kind));
        let counts = kinds.entry(kind).or_default();
        *counts.total.of_mut(side) += count;
        let partners = match partner {
            Some((other, MatchReason::Identity)) => {
                let old = if side == Side::Old { id } else { other };
                counts.same.entry(old).or_default()
            }
            Some(_) => &mut counts.alike,
            None => continue,
        };
        *partners.of_mut(side) += rest;
    }
}
