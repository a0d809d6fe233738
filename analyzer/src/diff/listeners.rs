//! Listeners that came, went, or were bound anew.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::compare::Context;
use super::report::{Change, Ignored, ListenerChange, Unlinked};
use super::{OldNew, Side, mask};
use crate::model::{Address, Family, Socket, SocketId, SocketState, SocketType};
use crate::query::Via;

/// First port that the kernel gives to who asks for none (`ip_local_port_range`, its default).
const EPHEMERAL_PORTS: u16 = 32_768;

/// A listener of one map.
#[derive(Debug, Clone)]
struct Listener {
    socket: SocketId,
    name: Via,
    protocol: &'static str,
    /// Group of its eldest holder; `None`: nobody is known to hold it.
    group: Option<u32>,
}

/// What makes two listeners the same: protocol, name, and who holds them.
type Key = (&'static str, Via, String);

/// One row for each name and role.
pub(super) fn compare(context: &Context<'_>, ignored: &mut Ignored) -> Vec<ListenerChange> {
    let mut left = OldNew {
        old: of_map(context, Side::Old),
        new: of_map(context, Side::New),
    };
    // Who is the same, or kept its names while others of it came or went, has no news.
    let mut stayed: BTreeSet<Key> = BTreeSet::new();
    for side in Side::BOTH {
        let same = |l: &&Listener| context.matching.socket(side, l.socket).is_some();
        let same = left.of(side).iter().filter(same);
        stayed.extend(same.map(|listener| key(context, side, listener)));
    }
    for side in Side::BOTH {
        left.of_mut(side)
            .retain(|listener| context.matching.socket(side, listener.socket).is_none());
    }
    let mut rows = Vec::new();
    let exact = |side: Side, l: &Listener| key(context, side, l);
    again(context, &mut left, &exact, &mut rows, ignored);
    // The same but for a random part of the name, or for who holds it where that is not known.
    let shaped = |side: Side, l: &Listener| {
        let (protocol, name, role) = key(context, side, l);
        let shape = Via {
            text: shape_of(context.maps.of(side).socket(l.socket), &name),
            kind: name.kind,
        };
        (protocol, shape, role)
    };
    again(context, &mut left, &shaped, &mut Vec::new(), ignored);
    let hidden = Side::BOTH.map(|side| context.coverage.hides_holders(side));
    if hidden.contains(&true) {
        let unheld = |side: Side, l: &Listener| {
            let (protocol, name, _) = key(context, side, l);
            (protocol, name, String::new())
        };
        again(context, &mut left, &unheld, &mut Vec::new(), ignored);
    }
    for side in Side::BOTH {
        let mut seen: Vec<Key> = Vec::new();
        for listener in left.of(side) {
            let key = key(context, side, listener);
            if stayed.contains(&key) || seen.contains(&key) {
                ignored.small += usize::from(!seen.contains(&key));
                continue;
            }
            let socket = context.maps.of(side).socket(listener.socket);
            let same_boot = context.same_boot(side, socket.host);
            if context
                .coverage
                .explains_socket(side.other(), socket.netns, same_boot)
            {
                ignored.coverage += 1;
                continue;
            }
            seen.push(key.clone());
            let id = Some(listener.socket);
            let (change, old, new) = match side {
                Side::Old => (Change::Removed, id, None),
                Side::New => (Change::Added, None, id),
            };
            rows.push(ListenerChange {
                change,
                name: listener.name.clone(),
                protocol: listener.protocol,
                role: key.2,
                old,
                new,
            });
        }
    }
    rows.sort_by(|a, b| {
        let key =
            |row: &ListenerChange| (row.change, row.name.clone(), row.protocol, row.role.clone());
        key(a).cmp(&key(b))
    });
    rows
}

/// Listeners that are the same, and whose file was there in the first map and is not in the second.
pub(super) fn unlinked(context: &Context<'_>) -> Vec<Unlinked> {
    let mut rows = Vec::new();
    for listener in of_map(context, Side::New) {
        let gone =
            |side: Side, id: SocketId| context.maps.of(side).socket(id).path_exists == Some(false);
        let Some(before) = context.matching.socket(Side::New, listener.socket) else {
            continue;
        };
        if gone(Side::New, listener.socket) && !gone(Side::Old, before) {
            let (_, name, role) = key(context, Side::New, &listener);
            rows.push(Unlinked {
                name,
                role,
                socket: listener.socket,
            });
        }
    }
    rows.sort_by(|a, b| (&a.name, &a.role).cmp(&(&b.name, &b.role)));
    rows
}

/// Takes out who has a partner by this key; says so where the very same process bound it anew.
fn again(
    context: &Context<'_>,
    left: &mut OldNew<Vec<Listener>>,
    key: &dyn Fn(Side, &Listener) -> Key,
    rows: &mut Vec<ListenerChange>,
    ignored: &mut Ignored,
) {
    let mut by_key: BTreeMap<Key, OldNew<Vec<Listener>>> = BTreeMap::new();
    for side in Side::BOTH {
        for listener in left.of_mut(side).drain(..) {
            let both = by_key.entry(key(side, &listener)).or_default();
            both.of_mut(side).push(listener);
        }
    }
    for ((protocol, _, role), mut both) in by_key {
        if both.old.is_empty() || both.new.is_empty() {
            left.old.append(&mut both.old);
            left.new.append(&mut both.new);
            continue;
        }
        let rebound = both.old.iter().zip(&both.new).find(|(old, new)| {
            old.name == new.name && shares_a_process(context, old.socket, new.socket)
        });
        if let Some((old, new)) = rebound {
            rows.push(ListenerChange {
                change: Change::Replaced,
                name: new.name.clone(),
                protocol,
                role,
                old: Some(old.socket),
                new: Some(new.socket),
            });
        } else if both.old.len() != both.new.len() {
            ignored.small += 1;
        }
    }
}

/// Whether a process that is in both maps holds both: it was not started anew.
fn shares_a_process(context: &Context<'_>, old: SocketId, new: SocketId) -> bool {
    let holders = context.maps.new.holding_processes(new);
    let before = context.maps.old.holding_processes(old);
    before.iter().any(|id| {
        let partner = context.matching.process(Side::Old, *id);
        let same = partner.filter(|_| context.matching.is_same(Side::Old, *id));
        same.is_some_and(|(id, _)| holders.binary_search(&id).is_ok())
    })
}

fn of_map(context: &Context<'_>, side: Side) -> Vec<Listener> {
    let map = context.maps.of(side);
    let mut listeners = Vec::new();
    for (at, socket) in map.sockets.iter().enumerate() {
        let Some(name) = serves(socket) else { continue };
        let id = SocketId::new(at);
        let holders = map.holding_processes(id);
        let eldest = context.eldest(side, &holders);
        if eldest.is_none() && !holders.is_empty() {
            // Only of processes that are left out.
            continue;
        }
        listeners.push(Listener {
            socket: id,
            name,
            protocol: socket.protocol.unwrap_or_else(|| socket.family.as_str()),
            group: eldest.map(|id| context.union.group(side, id)),
        });
    }
    listeners
}

/// What others can reach it by, where it is there to be reached.
fn serves(socket: &Socket) -> Option<Via> {
    let name = || socket.name.as_ref().map(Via::from);
    match socket.state {
        SocketState::Listening => name().or_else(|| socket.local.map(Via::from)),
        SocketState::Unconnected if socket.kind == SocketType::Dgram => match socket.family {
            Family::Unix => name(),
            Family::Inet | Family::Inet6 if socket.remote.is_none() => socket
                .local
                .filter(|address| !is_ephemeral(*address))
                .map(Via::from),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the port was most likely given by the kernel.
pub(super) fn is_ephemeral(address: Address) -> bool {
    match address {
        Address::Ip(_, port) => port >= EPHEMERAL_PORTS || port == 0,
        Address::Vsock(..) => false,
    }
}

/// An address without a port that the kernel chose.
pub(super) fn address_shape(address: Address) -> String {
    match address {
        Address::Ip(ip, _) if is_ephemeral(address) => match ip {
            IpAddr::V4(ip) => format!("{ip}:*"),
            IpAddr::V6(ip) => format!("[{ip}]:*"),
        },
        _ => address.to_string(),
    }
}

/// A name without its random part.
fn shape_of(socket: &Socket, name: &Via) -> String {
    match socket.local {
        Some(address) => address_shape(address),
        None => mask(&name.text),
    }
}

/// What others can reach a socket by, without what differs from run to run.
pub(super) fn served_shape(socket: &Socket) -> Option<String> {
    serves(socket).map(|name| shape_of(socket, &name))
}

fn key(context: &Context<'_>, side: Side, listener: &Listener) -> Key {
    let role = match listener.group {
        Some(group) => context.union.label(group).to_owned(),
        None => match context
            .maps
            .of(side)
            .socket(listener.socket)
            .holders_complete
        {
            true => "(none)".to_owned(),
            false => "(unreadable)".to_owned(),
        },
    };
    (listener.protocol, listener.name.clone(), role)
}
