//! Builds the map of the rows that are kept.

use super::filter_match::{Filter, FilterMatch, departed_matches};
use super::hidden_logs::hide_logs;
use super::kept_rows::{KeptRows, NewIds, remove};
use super::left_out::{Kept, left_out};
use crate::graph::Conversation;
use crate::model::{
    BoundTo, ChannelId, Connection, FdTarget, Holder, LeftOut, Map, Pipe, PipeId, ProcessId,
    Socket, SocketId,
};
use crate::query::selector::SelectorSet;

/// Filters a map; the second value is whether every selector matched something.
pub fn apply_filter(mut map: Map, filter: &Filter) -> (Map, bool) {
    hide_logs(&mut map, filter);
    show_named_channels(&mut map, filter);
    if filter.is_empty() {
        return (map, true);
    }
    let matches = FilterMatch::new(&map, filter);
    let all_found = matches.all_found();
    (keep_matches(map, filter, &matches), all_found)
}

/// Includes the channels that a selector names, whatever their kind.
fn show_named_channels(map: &mut Map, filter: &Filter) {
    let sets = [&filter.only, &filter.focus]
        .into_iter()
        .chain(&filter.named);
    let sets: Vec<&SelectorSet> = sets.filter(|set| set.has_socket_kinds()).collect();
    if sets.is_empty() {
        return;
    }
    for index in 0..map.channels.len() {
        let conversation = Conversation::Channel(ChannelId::new(index));
        let is_named = sets.iter().any(|set| set.matches_named(map, conversation));
        map.channels[index].hidden &= !is_named;
    }
}

/// Filters a map by matches that may include those of other maps.
pub fn keep_matches(map: Map, filter: &Filter, matches: &FilterMatch) -> Map {
    let departed = map.departed.iter().copied();
    Map {
        departed: departed
            .filter(|row| departed_matches(filter, row))
            .collect(),
        ..rebuild(&map, &KeptRows::new(&map, filter, matches), Some(matches))
    }
}

/// Removes processes and connections, given as masks by index. The map does not count as restricted
/// because of it.
pub fn exclude(map: Map, processes: &[bool], connections: &[bool]) -> Map {
    let mut rows = KeptRows::all(&map);
    remove(&mut rows.processes, processes);
    remove(&mut rows.connections, connections);
    Map {
        restricted: map.restricted,
        departed: map.departed.clone(),
        left_out: LeftOut::default(),
        ..rebuild(&map, &rows, None)
    }
}

pub(super) fn rebuild(map: &Map, rows: &KeptRows, matches: Option<&FilterMatch>) -> Map {
    let mut next = 0;
    let new_id = |kept: &bool| {
        kept.then(|| {
            next += 1;
            ProcessId(next - 1)
        })
    };
    let processes: NewIds<ProcessId> = rows.processes.iter().map(new_id).collect();
    let mut kept = Map {
        hosts: map.hosts.clone(),
        warnings: map.warnings.clone(),
        restricted: true,
        hidden_logs: map.hidden_logs.clone(),
        processes: map
            .processes
            .iter()
            .zip(&rows.processes)
            .filter(|(_, kept)| **kept)
            .map(|(process, _)| process.clone())
            .collect(),
        ..Map::default()
    };
    let sockets = add_sockets(&mut kept, map, rows, &processes);
    let connections = add_connections(&mut kept, map, rows, &sockets);
    let pipes = add_pipes(&mut kept, map, rows, &processes);
    let cut = Kept {
        connections: &connections,
        pipes: &is_kept(&pipes),
        processes: &processes,
        sockets: &sockets,
    };
    kept.left_out = left_out(map, &cut, matches);
    let target = |target: FdTarget| match target {
        FdTarget::Socket(id) => sockets[id.index()].map_or(FdTarget::Unknown, FdTarget::Socket),
        FdTarget::Pipe(id) => pipes[id.index()].map_or(FdTarget::Unknown, FdTarget::Pipe),
        other => other,
    };
    let process = |id: ProcessId| processes[id.index()];
    let channels = map.channels.iter().zip(&rows.channels);
    let channels = channels.filter(|(_, kept)| **kept);
    kept.channels = channels
        .filter_map(|(old, _)| {
            let new = old.remap(process)?;
            // As a pipe, it is removed with its end.
            let is_emptied =
                |new: &[ProcessId], old: &[ProcessId]| new.is_empty() && !old.is_empty();
            let ((from, to), (old_from, old_to)) = (new.sides(), old.sides());
            let is_removed = is_emptied(&from, &old_from) || is_emptied(&to, &old_to);
            (!is_removed).then_some(new)
        })
        .collect();
    let relations = map.relations.iter().cloned();
    kept.relations = relations
        .filter_map(|relation| relation.remap(&process, &target))
        .collect();
    let seen = map.seen.as_ref();
    kept.seen = seen.map(|seen| {
        seen.retain(
            &rows.processes,
            &is_kept(&sockets),
            &connections,
            &is_kept(&pipes),
        )
    });
    kept
}

fn is_kept<T>(ids: &NewIds<T>) -> Vec<bool> {
    ids.iter().map(Option::is_some).collect()
}

fn new_holders(holders: &[Holder], processes: &NewIds<ProcessId>) -> Vec<Holder> {
    let new_holder = |holder: &Holder| {
        Some(Holder {
            process: processes[holder.process.index()]?,
            ..*holder
        })
    };
    holders.iter().filter_map(new_holder).collect()
}

fn add_sockets(
    kept: &mut Map,
    map: &Map,
    rows: &KeptRows,
    processes: &NewIds<ProcessId>,
) -> NewIds<SocketId> {
    let mut ids = vec![None; map.sockets.len()];
    for (index, socket) in map.sockets.iter().enumerate() {
        let before = map.holders(SocketId::new(index));
        let holders = new_holders(before, processes);
        // A socket is removed with its last holder.
        if !rows.sockets[index] || holders.is_empty() && !before.is_empty() {
            continue;
        }
        ids[index] = Some(kept.push_socket(socket.clone(), holders));
    }
    ids
}

fn bound_to(socket: &Socket) -> Option<Box<BoundTo>> {
    let name = socket.current_name().cloned().map(BoundTo::Name);
    name.or_else(|| socket.local.map(BoundTo::Address))
        .map(Box::new)
}

/// Returns whether each connection is kept.
fn add_connections(
    kept: &mut Map,
    map: &Map,
    rows: &KeptRows,
    sockets: &NewIds<SocketId>,
) -> Vec<bool> {
    let new_id = |id: SocketId| sockets[id.index()];
    let group = |connection: &Connection| {
        let listeners = connection.listener_group.iter();
        listeners.filter_map(|listener| new_id(*listener)).collect()
    };
    let connection = |connection: &Connection| {
        Some(Connection {
            a: new_id(connection.a)?,
            // A connection needs each of its known ends, but not the listener.
            b: match connection.b {
                Some(b) => Some(new_id(b)?),
                None => None,
            },
            listener: connection.listener.and_then(new_id),
            bound_to: match connection.listener.filter(|id| new_id(*id).is_none()) {
                Some(removed) => bound_to(map.socket(removed)),
                None => connection.bound_to.clone(),
            },
            listener_group: group(connection),
            ..connection.clone()
        })
    };
    let mut is_kept = vec![false; map.connections.len()];
    for (index, old) in map.connections.iter().enumerate() {
        let new = rows.connections[index].then(|| connection(old)).flatten();
        is_kept[index] = new.is_some();
        kept.connections.extend(new);
    }
    is_kept
}

fn add_pipes(
    kept: &mut Map,
    map: &Map,
    rows: &KeptRows,
    processes: &NewIds<ProcessId>,
) -> NewIds<PipeId> {
    let mut ids = vec![None; map.pipes.len()];
    for (index, pipe) in map.pipes.iter().enumerate() {
        let readers = new_holders(&pipe.readers, processes);
        let writers = new_holders(&pipe.writers, processes);
        // As a socket, an end is removed with its last holder, and the pipe with its end.
        let is_emptied = |new: &[Holder], old: &[Holder]| new.is_empty() && !old.is_empty();
        let is_removed = is_emptied(&readers, &pipe.readers) || is_emptied(&writers, &pipe.writers);
        if !rows.pipes[index] || is_removed {
            continue;
        }
        ids[index] = Some(PipeId::new(kept.pipes.len()));
        kept.pipes.push(Pipe {
            readers,
            writers,
            ..pipe.clone()
        });
    }
    ids
}
