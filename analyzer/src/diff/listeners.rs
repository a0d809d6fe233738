//! Compares listeners: added, removed, bound again, or unlinked.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::report::{Change, Ignored, ListenerChange, Unlinked};
use super::served_name::{served_name, shape_of};
use super::side::{OldNew, Side};
use crate::model::SocketId;
use crate::query::Via;

/// A listener of one map.
#[derive(Debug, Clone)]
struct Listener {
    socket: SocketId,
    key: Key,
}

/// What makes listeners of the two maps equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    protocol: &'static str,
    name: Via,
    /// The label of the group of the oldest holder.
    role: String,
}

/// One row for each name and group.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Vec<ListenerChange> {
    let mut unmatched = OldNew::from_fn(|side| listeners(context, side));
    // Names of which a socket is in both maps have not changed, whatever else is bound to them.
    let mut stayed: BTreeSet<Key> = BTreeSet::new();
    for side in Side::BOTH {
        unmatched.of_mut(side).retain(|listener| {
            let same = context.matching.socket(side, listener.socket).is_some();
            if same {
                stayed.insert(listener.key.clone());
            }
            !same
        });
    }
    let mut rows = Vec::new();
    let exact = |_: Side, listener: &Listener| listener.key.clone();
    join_equal(context, &mut unmatched, &exact, &mut rows, ignored);
    // Equal but for the random part of the name.
    let shaped = |side: Side, listener: &Listener| {
        let mut key = listener.key.clone();
        key.name.text = shape_of(context.maps.of(side).socket(listener.socket), &key.name);
        key
    };
    join_equal(context, &mut unmatched, &shaped, &mut Vec::new(), ignored);
    // Equal but for the holder, where holders may be missing.
    let hides_holders = |side: Side| context.coverage.hides_holders(side);
    if Side::BOTH.into_iter().any(hides_holders) {
        let unheld = |_: Side, listener: &Listener| Key {
            role: String::new(),
            ..listener.key.clone()
        };
        join_equal(context, &mut unmatched, &unheld, &mut Vec::new(), ignored);
    }
    for side in Side::BOTH {
        let only_here = unmatched.of(side);
        add_unmatched(context, side, only_here, &stayed, &mut rows, ignored);
    }
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    rows
}

/// By change, then name.
fn order(row: &ListenerChange) -> (Change, &Via, &str, &str) {
    (row.change, &row.name, row.protocol, &row.role)
}

/// One row for each name that only one map has.
fn add_unmatched(
    context: &Context<'_>,
    side: Side,
    unmatched: &[Listener],
    stayed: &BTreeSet<Key>,
    rows: &mut Vec<ListenerChange>,
    ignored: &mut Ignored,
) {
    let mut seen: BTreeSet<&Key> = BTreeSet::new();
    for Listener { socket: id, key } in unmatched {
        if seen.contains(key) {
            continue;
        }
        if stayed.contains(key) {
            ignored.small += 1;
            continue;
        }
        let socket = context.maps.of(side).socket(*id);
        let same_boot = context.is_same_boot(side, socket.host);
        let coverage = &context.coverage;
        if coverage.explains_socket(side.other(), socket.netns, same_boot) {
            ignored.coverage += 1;
            continue;
        }
        seen.insert(key);
        let (change, old, new) = match side {
            Side::Old => (Change::Removed, Some(*id), None),
            Side::New => (Change::Added, None, Some(*id)),
        };
        rows.push(row(change, key.clone(), old, new));
    }
}

fn row(change: Change, key: Key, old: Option<SocketId>, new: Option<SocketId>) -> ListenerChange {
    ListenerChange {
        change,
        name: key.name,
        protocol: key.protocol,
        role: key.role,
        old,
        new,
    }
}

/// Listeners that are in both maps, and whose path exists in the first map only.
pub(super) fn unlinked(context: &Context<'_>) -> Vec<Unlinked> {
    let mut rows = Vec::new();
    for Listener { socket, key } in listeners(context, Side::New) {
        let is_gone =
            |side: Side, id: SocketId| context.maps.of(side).socket(id).path_exists == Some(false);
        let Some(before) = context.matching.socket(Side::New, socket) else {
            continue;
        };
        if is_gone(Side::New, socket) && !is_gone(Side::Old, before) {
            let Key { name, role, .. } = key;
            rows.push(Unlinked { name, role, socket });
        }
    }
    rows.sort_by(|a, b| (&a.name, &a.role).cmp(&(&b.name, &b.role)));
    rows
}

/// Removes listeners that both maps have, by this key. Adds a row where the same process has bound
/// the name again.
fn join_equal(
    context: &Context<'_>,
    unmatched: &mut OldNew<Vec<Listener>>,
    key: &dyn Fn(Side, &Listener) -> Key,
    rows: &mut Vec<ListenerChange>,
    ignored: &mut Ignored,
) {
    let mut by_key: BTreeMap<Key, OldNew<Vec<Listener>>> = BTreeMap::new();
    for side in Side::BOTH {
        for listener in unmatched.of_mut(side).drain(..) {
            let both = by_key.entry(key(side, &listener)).or_default();
            both.of_mut(side).push(listener);
        }
    }
    for (key, mut both) in by_key {
        if both.old.is_empty() || both.new.is_empty() {
            unmatched.old.append(&mut both.old);
            unmatched.new.append(&mut both.new);
            continue;
        }
        let rebound = both.old.iter().zip(&both.new).find(|(old, new)| {
            old.key.name == new.key.name && share_process(context, old.socket, new.socket)
        });
        if let Some((old, new)) = rebound {
            let name = new.key.name.clone();
            let key = Key { name, ..key };
            let (old, new) = (Some(old.socket), Some(new.socket));
            rows.push(row(Change::Replaced, key, old, new));
        } else if both.old.len() != both.new.len() {
            ignored.small += 1;
        }
    }
}

/// Whether the same process holds a socket of the first map and one of the second.
fn share_process(context: &Context<'_>, old: SocketId, new: SocketId) -> bool {
    let holders = context.maps.new.holding_processes(new);
    let before = context.maps.old.holding_processes(old);
    before.iter().any(|id| {
        let same = context.matching.same_process(Side::Old, *id);
        same.is_some_and(|id| holders.binary_search(&id).is_ok())
    })
}

/// The listeners of a map that not only noise holds.
fn listeners(context: &Context<'_>, side: Side) -> Vec<Listener> {
    let map = context.maps.of(side);
    let mut listeners = Vec::new();
    for (index, socket) in map.sockets.iter().enumerate() {
        let Some(name) = served_name(socket) else {
            continue;
        };
        let id = SocketId::new(index);
        let holders = map.holding_processes(id);
        let role = match context.oldest(side, &holders) {
            Some(holder) => context
                .groups
                .labels
                .text(context.groups.group(side, holder)),
            None if !holders.is_empty() => continue,
            None if socket.holders_complete => "(none)",
            None => "(unknown)",
        };
        let protocol = socket.protocol;
        let key = Key {
            protocol: protocol.unwrap_or_else(|| socket.family.as_str()),
            name,
            role: role.to_owned(),
        };
        listeners.push(Listener { socket: id, key });
    }
    listeners
}
