//! A smaller map: only what was asked for, nothing renumbered for the reader.
//!
//! Every command asks its question of the map that is left, so that they all understand selectors
//! alike. Ids come from pids, inodes and cookies and so stay the same; only connections are counted
//! anew.

use std::collections::VecDeque;

use super::SelectorSet;
use super::filter_match::{FilterMatch, joined};
use crate::graph::{Conversation, conversations};
use crate::model::{Connection, FdTarget, Holder, Map, Pipe, PipeId, ProcessId, SocketId};

/// What to keep.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Conversations with at least one end that matches.
    pub only: SelectorSet,
    /// What is within `hops` conversations of a match.
    pub focus: SelectorSet,
    /// How far; see `focus`.
    pub hops: usize,
    /// Processes that match any of these are left out.
    pub hide: Vec<SelectorSet>,
}

impl Filter {
    /// Whether it keeps everything.
    pub fn is_empty(&self) -> bool {
        self.only.is_empty() && self.focus.is_empty() && self.hide.is_empty()
    }
}

/// The processes that a selection means; by index.
pub fn matching(map: &Map, selection: &SelectorSet) -> Vec<bool> {
    let held = held(map);
    (0..map.processes.len())
        .map(|at| selection.process(map, ProcessId::new(at), &held[at]))
        .collect()
}

/// The sockets that a selection means: in the hands of a process that it means, or nobody's; by
/// index.
pub fn matching_sockets(map: &Map, selection: &SelectorSet) -> Vec<bool> {
    sockets_of(map, selection, &held(map))
}

pub(super) fn sockets_of(map: &Map, selection: &SelectorSet, held: &[Vec<SocketId>]) -> Vec<bool> {
    let is_meant = |socket: SocketId| {
        let holders = map.holding_processes(socket);
        let by = |p: &ProcessId| selection.end(map, *p, &held[p.index()], socket);
        holders.iter().any(by) || holders.is_empty() && selection.unheld(map, socket)
    };
    (0..map.sockets.len())
        .map(|at| is_meant(SocketId::new(at)))
        .collect()
}

/// The sockets of each process.
pub(super) fn held(map: &Map) -> Vec<Vec<SocketId>> {
    let mut held = vec![Vec::new(); map.processes.len()];
    for at in 0..map.sockets.len() {
        let id = SocketId::new(at);
        for process in map.holding_processes(id) {
            held[process.index()].push(id);
        }
    }
    held
}

/// What stays of the map, and whether any selector matched anything.
pub fn apply_filter(map: Map, filter: &Filter) -> (Map, bool) {
    if filter.is_empty() {
        return (map, true);
    }
    let chosen = FilterMatch::of(&map, filter);
    let found = chosen.found();
    (keep_matches(map, filter, &chosen), found)
}

/// What stays of a map, where some of it was chosen in another one.
pub fn keep_matches(map: Map, filter: &Filter, chosen: &FilterMatch) -> Map {
    Keep::of(&map, filter, chosen).apply(map)
}

/// What stays of a map without some processes, and without some connections; by index.
pub fn without(map: Map, processes: &[bool], connections: &[bool]) -> Map {
    let mut keep = Keep::all(&map);
    keep.hide(processes);
    for (keep, left_out) in keep.connections.iter_mut().zip(connections) {
        *keep &= !left_out;
    }
    let restricted = map.restricted;
    Map {
        restricted,
        ..keep.apply(map)
    }
}

/// Which rows stay.
pub(super) struct Keep {
    pub(super) processes: Vec<bool>,
    pub(super) sockets: Vec<bool>,
    pub(super) connections: Vec<bool>,
    pipes: Vec<bool>,
}

impl Keep {
    pub(super) fn of(map: &Map, filter: &Filter, chosen: &FilterMatch) -> Self {
        let mut keep = Self::all(map);
        keep.hide(&chosen.hidden);
        if !filter.only.is_empty() {
            keep.only(map, &filter.only, chosen);
        }
        if !filter.focus.is_empty() {
            keep.focus(map, chosen, filter.hops);
        }
        keep
    }

    fn all(map: &Map) -> Self {
        Self {
            processes: vec![true; map.processes.len()],
            sockets: vec![true; map.sockets.len()],
            connections: vec![true; map.connections.len()],
            pipes: vec![true; map.pipes.len()],
        }
    }

    fn hide(&mut self, hidden: &[bool]) {
        for (keep, hidden) in self.processes.iter_mut().zip(hidden) {
            *keep &= !hidden;
        }
    }

    fn only(&mut self, map: &Map, selection: &SelectorSet, all: &FilterMatch) {
        let matched = &all.only;
        let chosen = &all.sockets;
        let mut processes = joined(matched, &all.kept.processes);
        let mut sockets = joined(chosen, &all.kept.sockets);
        for (at, connection) in map.connections.iter().enumerate() {
            let ends = || [Some(connection.a), connection.b].into_iter().flatten();
            let listener = connection.listener;
            let far = connection.b.or(listener);
            let is_chosen = |end: Option<SocketId>| end.is_some_and(|end| chosen[end.index()]);
            let (near_fits, far_fits) = (chosen[connection.a.index()], is_chosen(far));
            // `socket:/run/x` means those who talk over that listener.
            let over = selection.has_socket_kinds() && is_chosen(listener);
            let elsewhere = all.kept.clients[connection.a.index()];
            self.connections[at] &= near_fits || far_fits || over || elsewhere;
            if !self.connections[at] {
                continue;
            }
            ends()
                .chain(listener)
                .for_each(|socket| sockets[socket.index()] = true);
            // Of a shared end only those who match; of the other end everybody.
            let mut everybody = |end: SocketId| {
                map.holding_processes(end)
                    .iter()
                    .for_each(|p| processes[p.index()] = true);
            };
            if far_fits || over {
                everybody(connection.a);
            }
            if near_fits || over {
                far.into_iter().for_each(&mut everybody);
            }
        }
        let pipe_matches = !selection.has_socket_kinds();
        for (at, pipe) in map.pipes.iter().enumerate() {
            let fits = |side: &[Holder]| side.iter().any(|h| matched[h.process.index()]);
            let (reads, writes) = (fits(&pipe.readers), fits(&pipe.writers));
            self.pipes[at] &= pipe_matches && (reads || writes);
            if !self.pipes[at] {
                continue;
            }
            let mut everybody = |side: &[Holder]| {
                side.iter()
                    .for_each(|holder| processes[holder.process.index()] = true);
            };
            if reads {
                everybody(&pipe.writers);
            }
            if writes {
                everybody(&pipe.readers);
            }
        }
        self.processes
            .iter_mut()
            .zip(processes)
            .for_each(|(keep, other)| *keep &= other);
        self.sockets
            .iter_mut()
            .zip(sockets)
            .for_each(|(keep, other)| *keep &= other);
    }

    fn focus(&mut self, map: &Map, chosen: &FilterMatch, hops: usize) {
        let start = &chosen.focus;
        let mut neighbours: Vec<Vec<ProcessId>> = vec![Vec::new(); map.processes.len()];
        for ends in conversations(map) {
            for one in &ends.from {
                for two in &ends.to {
                    neighbours[one.index()].push(*two);
                    neighbours[two.index()].push(*one);
                }
            }
        }
        let mut distance: Vec<Option<usize>> = start.iter().map(|s| s.then_some(0)).collect();
        let mut queue: VecDeque<usize> = (0..start.len()).filter(|at| start[*at]).collect();
        while let Some(at) = queue.pop_front() {
            let next = distance[at].unwrap_or(0) + 1;
            if next > hops {
                continue;
            }
            for other in &neighbours[at] {
                if distance[other.index()].is_none() && self.processes[other.index()] {
                    distance[other.index()] = Some(next);
                    queue.push_back(other.index());
                }
            }
        }
        for (at, keep) in self.processes.iter_mut().enumerate() {
            *keep &= distance[at].is_some() || chosen.kept.processes[at];
        }
        for ends in conversations(map) {
            // A conversation stays where every end that is known stays.
            let stays = |side: &[ProcessId]| {
                side.is_empty() || side.iter().any(|process| self.processes[process.index()])
            };
            let kept = stays(&ends.from)
                && stays(&ends.to)
                && !(ends.from.is_empty() && ends.to.is_empty());
            match ends.talk {
                Conversation::Connection(at) => self.connections[at] &= kept,
                Conversation::Pipe(id) => self.pipes[id.index()] &= kept,
            }
        }
    }

    fn apply(self, map: Map) -> Map {
        let processes = renumber(&self.processes);
        let process = |id: ProcessId| processes[id.index()].map(ProcessId);
        let survives = |holder: &Holder| {
            Some(Holder {
                process: process(holder.process)?,
                ..*holder
            })
        };
        let mut kept = Map {
            hosts: map.hosts.clone(),
            warnings: map.warnings.clone(),
            restricted: true,
            ..Map::default()
        };
        kept.processes = map
            .processes
            .iter()
            .zip(&self.processes)
            .filter(|(_, k)| **k)
            .map(|(p, _)| p.clone())
            .collect();
        let mut sockets = vec![None; map.sockets.len()];
        let hides = self.processes.contains(&false);
        for (at, socket) in map.sockets.iter().enumerate() {
            let before = map.holders(SocketId::new(at));
            let holders: Vec<Holder> = before.iter().filter_map(survives).collect();
            // A socket whose holders are all left out goes with them.
            if !self.sockets[at] || hides && holders.is_empty() && !before.is_empty() {
                continue;
            }
            sockets[at] = Some(kept.push_socket(socket.clone(), holders));
        }
        let connection = |(at, connection): (usize, &Connection)| {
            let id = |id: SocketId| sockets[id.index()];
            let whole =
                self.connections[at] && (connection.b.is_none() || id(connection.b?).is_some());
            whole.then_some(())?;
            Some(Connection {
                a: id(connection.a)?,
                b: connection.b.and_then(id),
                listener: connection.listener.and_then(id),
                ..connection.clone()
            })
        };
        let mut connections = vec![false; map.connections.len()];
        for (at, one) in map.connections.iter().enumerate() {
            let one = connection((at, one));
            connections[at] = one.is_some();
            kept.connections.extend(one);
        }
        let pipe = |(at, pipe): (usize, &Pipe)| {
            let readers: Vec<_> = pipe.readers.iter().filter_map(survives).collect();
            let writers: Vec<_> = pipe.writers.iter().filter_map(survives).collect();
            // An end whose holders are all left out takes the pipe with it, as with a socket.
            let emptied =
                |kept: &[Holder], before: &[Holder]| kept.is_empty() && !before.is_empty();
            let gone = emptied(&readers, &pipe.readers) || emptied(&writers, &pipe.writers);
            (self.pipes[at] && !gone).then(|| Pipe {
                readers,
                writers,
                ..pipe.clone()
            })
        };
        let mut pipes = vec![None; map.pipes.len()];
        for (at, one) in map.pipes.iter().enumerate() {
            let one = pipe((at, one));
            pipes[at] = one.is_some().then(|| PipeId::new(kept.pipes.len()));
            kept.pipes.extend(one);
        }
        let on = |on: FdTarget| match on {
            FdTarget::Socket(id) => sockets[id.index()].map_or(FdTarget::Unknown, FdTarget::Socket),
            FdTarget::Pipe(id) => pipes[id.index()].map_or(FdTarget::Unknown, FdTarget::Pipe),
            other => other,
        };
        let relations = map.relations.iter().cloned();
        kept.relations = relations
            .filter_map(|one| one.remap(&process, &on))
            .collect();
        let some = |ids: &[Option<SocketId>]| ids.iter().map(Option::is_some).collect::<Vec<_>>();
        let pipes: Vec<bool> = pipes.iter().map(Option::is_some).collect();
        let seen = map.seen.as_ref();
        kept.seen =
            seen.map(|seen| seen.retain(&self.processes, &some(&sockets), &connections, &pipes));
        kept
    }
}

/// New indices of the rows that stay.
fn renumber(keep: &[bool]) -> Vec<Option<u32>> {
    let mut next = 0;
    keep.iter()
        .map(|keep| {
            keep.then(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}
