//! Compares listeners: added, removed, bound again, handed over, shut down, or unlinked.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::name_classes::{NameClasses, without_pids};
use super::report::{Alteration, Aspect, Change, Ignored, ListenerChange, Unlinked};
use super::served_name::served_name;
use super::side::{OldNew, Side};
use crate::model::{FdsStatus, ProcessId, Socket, SocketId};
use crate::query::{Via, ViaKind};

/// The role of a listener whose holder could not be read.
const UNKNOWN: &str = "(unknown)";

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

/// What changed about the listeners of both maps.
pub(super) struct Listeners {
    /// One row for each name and group that came, went or was bound again.
    pub(super) changes: Vec<ListenerChange>,
    /// Listeners in both maps whose holder, state or path changed.
    pub(super) altered: Vec<Alteration>,
    /// Listeners in both maps whose path leads to them in one map only.
    pub(super) unlinked: Vec<Unlinked>,
}

/// Compares the listeners. Within one boot a listener is its socket; one that is in both maps never
/// stands for another one.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Listeners {
    let mut unmatched = OldNew::from_fn(|side| listeners(context, side));
    let mut kept = Vec::new();
    // Names of which a socket is in both maps have not changed, whatever else is bound to them.
    let mut stayed: BTreeSet<Key> = BTreeSet::new();
    let by_socket: BTreeMap<SocketId, Listener> = unmatched
        .new
        .iter()
        .map(|listener| (listener.socket, listener.clone()))
        .collect();
    let mut same: BTreeSet<SocketId> = BTreeSet::new();
    unmatched.old.retain(|old| {
        let new = context.matching.socket(Side::Old, old.socket);
        let Some(new) = new.and_then(|id| by_socket.get(&id)) else {
            return true;
        };
        same.insert(new.socket);
        stayed.extend([old.key.clone(), new.key.clone()]);
        kept.push(OldNew {
            old: old.clone(),
            new: new.clone(),
        });
        false
    });
    unmatched.new.retain(|new| !same.contains(&new.socket));
    let mut changes = Vec::new();
    let exact = |_: Side, listener: &Listener| listener.key.clone();
    join_equal(context, &mut unmatched, &exact, &mut changes, ignored);
    // Equal but for the random part of the name.
    let classes = random_names(context, &unmatched);
    let shaped = |side: Side, listener: &Listener| {
        let mut key = listener.key.clone();
        if let Some(pattern) = classes.get(&(side, listener.socket)) {
            key.name.text.clone_from(pattern);
        }
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
        add_unmatched(context, side, only_here, &stayed, &mut changes, ignored);
    }
    changes.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut altered: Vec<Alteration> = kept
        .iter()
        .flat_map(|both| alterations(context, both))
        .collect();
    altered.sort_by(|a, b| (&a.listener, a.aspect).cmp(&(&b.listener, b.aspect)));
    Listeners {
        changes,
        altered,
        unlinked: unlinked(context, &kept),
    }
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

/// Listeners in both maps whose path leads to them in one of the two only.
fn unlinked(context: &Context<'_>, kept: &[OldNew<Listener>]) -> Vec<Unlinked> {
    let mut rows = Vec::new();
    for both in kept {
        // A path that was renamed is another one.
        let is_gone = OldNew::from_fn(|side| {
            let socket = socket(context, side, both);
            socket.path_exists == Some(false) && socket.moved_to.is_none()
        });
        let change = match (is_gone.old, is_gone.new) {
            (false, true) => Change::Removed,
            (true, false) => Change::Added,
            _ => continue,
        };
        let Key { name, role, .. } = both.new.key.clone();
        rows.push(Unlinked {
            change,
            name,
            role,
            old: both.old.socket,
            new: both.new.socket,
        });
    }
    rows.sort_by(|a, b| (&a.name, &a.role).cmp(&(&b.name, &b.role)));
    rows
}

fn socket<'a>(context: &Context<'a>, side: Side, both: &OldNew<Listener>) -> &'a Socket {
    context.maps.of(side).socket(both.of(side).socket)
}

/// What changed about a listener that is in both maps.
fn alterations(context: &Context<'_>, both: &OldNew<Listener>) -> Vec<Alteration> {
    let sockets = OldNew::from_fn(|side| socket(context, side, both));
    let holders = changed_holders(context, both);
    let accepting = OldNew::from_fn(|side| {
        let accepts = sockets.of(side).accepting?;
        Some(if accepts { "yes" } else { "no" }.to_owned())
    });
    let path = OldNew::from_fn(|side| {
        let name = sockets.of(side).current_name()?;
        Some(Via::from(name).text)
    });
    let known = |values: OldNew<Option<String>>| Some((values.old?, values.new?));
    let aspects = [
        (Aspect::Holder, holders),
        (Aspect::Accepting, known(accepting)),
        (Aspect::Path, known(path)),
    ];
    let rows = aspects.into_iter().filter_map(|(aspect, values)| {
        let (from, to) = values.filter(|(from, to)| from != to)?;
        Some(Alteration {
            aspect,
            from,
            to,
            roles: OldNew::from_fn(|side| both.of(side).key.role.clone()),
            processes: OldNew::default(),
            listener: Some((
                both.new.key.name.clone(),
                OldNew {
                    old: both.old.socket,
                    new: both.new.socket,
                },
            )),
        })
    });
    rows.collect()
}

/// The programs that hold a listener, if another one has it now: its oldest holder, and those that are
/// in both maps. A child that a holder has started since then is no news.
fn changed_holders(context: &Context<'_>, both: &OldNew<Listener>) -> Option<(String, String)> {
    let labels = OldNew::from_fn(|side| {
        let holders = context
            .maps
            .of(side)
            .holding_processes(both.of(side).socket);
        let compared = holders.iter().filter(|id| context.is_compared(side, **id));
        let kept = compared.filter(|id| was_read(context, side, **id));
        let oldest = context.oldest(side, &holders);
        let all = kept.copied().chain(oldest);
        all.map(|id| context.groups.group(side, id))
            .collect::<BTreeSet<u32>>()
    });
    // In flight, or held by somebody who could not be read.
    if labels.old.is_empty() || labels.new.is_empty() {
        return None;
    }
    let text = |groups: &BTreeSet<u32>| {
        let labels = groups
            .iter()
            .map(|group| context.groups.labels.text(*group));
        let mut labels: Vec<&str> = labels.collect();
        labels.sort_unstable();
        labels.join(", ")
    };
    (labels.old != labels.new).then(|| (text(&labels.old), text(&labels.new)))
}

/// Whether a process is certainly in both maps, and its descriptors were read in both.
fn was_read(context: &Context<'_>, side: Side, id: ProcessId) -> bool {
    let is_read = |side: Side, id| context.maps.of(side).process(id).fds_status == FdsStatus::Read;
    let partner = context.matching.same_process(side, id);
    is_read(side, id) && partner.is_some_and(|partner| is_read(side.other(), partner))
}

/// Patterns of the names that differ in random parts, by socket.
fn random_names(
    context: &Context<'_>,
    unmatched: &OldNew<Vec<Listener>>,
) -> BTreeMap<(Side, SocketId), String> {
    let mut names: Vec<(String, Side, SocketId)> = Vec::new();
    for side in Side::BOTH {
        let map = context.maps.of(side);
        let named = unmatched.of(side).iter();
        let named = named.filter(|listener| listener.key.name.kind != ViaKind::Address);
        names.extend(named.map(|listener| {
            let name = without_pids(map, listener.socket, &listener.key.name.text);
            (name, side, listener.socket)
        }));
    }
    names.sort();
    let mut classes = NameClasses::default();
    let numbers: Vec<usize> = names.iter().map(|(name, ..)| classes.add(name)).collect();
    let of_name = names.into_iter().zip(numbers);
    of_name
        .map(|((_, side, socket), class)| ((side, socket), classes.pattern(class)))
        .collect()
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
        // A name that another program serves has changed hands, unless its holder is not known.
        let roles: BTreeSet<&str> = [&both.old, &both.new]
            .into_iter()
            .flatten()
            .map(|listener| &*listener.key.role)
            .collect();
        let is_same = roles.len() == 1 || roles.contains(UNKNOWN);
        if both.old.is_empty() || both.new.is_empty() || !is_same {
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
            None => UNKNOWN,
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
