//! Which rows of a map a filter keeps. Must not change the map: see `rebuild`.

use std::collections::VecDeque;

use super::filter_match::{Filter, FilterMatch, add};
use super::matching::{held_sockets, intersect};
use crate::graph::{
    Conversation, ConversationEnds, channel_ends, conversations_and_channels, pipe_ends,
};
use crate::model::{ChannelId, Map, PipeId, ProcessId, SocketId};
use crate::query::selector::SelectorSet;

/// The rows to keep, by index.
pub(super) struct KeptRows {
    pub(super) processes: Vec<bool>,
    pub(super) sockets: Vec<bool>,
    pub(super) connections: Vec<bool>,
    pub(super) pipes: Vec<bool>,
    pub(super) channels: Vec<bool>,
}

/// New ids by old index; `None` for rows that are removed.
pub(super) type NewIds<T> = Vec<Option<T>>;

impl FilterMatch {
    /// Adds the rows that the filter keeps of the map to those that are kept, so that the maps it is
    /// compared with keep them too.
    pub fn record_kept(&mut self, map: &Map, filter: &Filter) {
        if !filter.only.is_empty() && !filter.only.has_socket_kinds() {
            // A process that matches in another map matches here with all of its sockets.
            for (process, sockets) in held_sockets(map).into_iter().enumerate() {
                for socket in sockets.into_iter().filter(|_| self.only[process]) {
                    self.sockets[socket.index()] = true;
                }
            }
        }
        let rows = KeptRows::new(map, filter, self);
        add(&mut self.kept.processes, &rows.processes);
        add(&mut self.kept.sockets, &rows.sockets);
        for (connection, kept) in map.connections.iter().zip(&rows.connections) {
            self.kept.clients[connection.a.index()] |= kept;
        }
    }
}

impl KeptRows {
    pub(super) fn new(map: &Map, filter: &Filter, matches: &FilterMatch) -> Self {
        let mut rows = Self::all(map);
        remove(&mut rows.processes, &matches.hidden);
        if !filter.only.is_empty() || !filter.focus.is_empty() {
            // Otherwise the loggers would be kept as their partners.
            let connections = map.connections.iter().map(|row| row.hidden);
            let pipes = map.pipes.iter().map(|row| row.hidden);
            remove(&mut rows.connections, &connections.collect::<Vec<_>>());
            remove(&mut rows.pipes, &pipes.collect::<Vec<_>>());
        }
        if !filter.only.is_empty() {
            rows.keep_only(map, &filter.only, matches);
            if filter.only.has_class_kind() {
                rows.keep_class(map, &filter.only);
            }
        }
        for hide in filter.hide.iter().filter(|hide| hide.has_class_kind()) {
            rows.retain_conversations(map, |ends| !hide.class_matches(map, ends));
        }
        if !filter.focus.is_empty() {
            rows.keep_near(map, matches, filter.hops);
        }
        rows
    }

    /// Every row of a map.
    pub(super) fn all(map: &Map) -> Self {
        Self {
            processes: vec![true; map.processes.len()],
            sockets: vec![true; map.sockets.len()],
            connections: vec![true; map.connections.len()],
            pipes: vec![true; map.pipes.len()],
            channels: vec![true; map.channels.len()],
        }
    }

    /// `--only`: conversations with an end that matches, and the holders of their other ends.
    fn keep_only(&mut self, map: &Map, selectors: &SelectorSet, matches: &FilterMatch) {
        let mut processes = matches.only.clone();
        add(&mut processes, &matches.kept.processes);
        let mut sockets = matches.sockets.clone();
        add(&mut sockets, &matches.kept.sockets);
        self.keep_connections(map, selectors, matches, &mut processes, &mut sockets);
        let pipes = (0..map.pipes.len()).map(PipeId::new);
        let pipes = pipes.map(|id| pipe_ends(map, id));
        keep_with_partners(
            map,
            selectors,
            matches,
            &mut self.pipes,
            pipes,
            &mut processes,
        );
        let channels = (0..map.channels.len()).map(ChannelId::new);
        let channels = channels.map(|id| channel_ends(map, id));
        let kept = &mut self.channels;
        keep_with_partners(map, selectors, matches, kept, channels, &mut processes);
        intersect(&mut self.processes, &processes);
        intersect(&mut self.sockets, &sockets);
    }

    /// `--only class:log`: conversations of a class, and the processes at their ends.
    fn keep_class(&mut self, map: &Map, selectors: &SelectorSet) {
        let mut processes = vec![false; map.processes.len()];
        self.retain_conversations(map, |ends| {
            let is_kept = selectors.class_matches(map, ends);
            for process in ends.from.iter().chain(&ends.to).filter(|_| is_kept) {
                processes[process.index()] = true;
            }
            is_kept
        });
        intersect(&mut self.processes, &processes);
    }

    fn retain_conversations(&mut self, map: &Map, mut keep: impl FnMut(&ConversationEnds) -> bool) {
        for ends in conversations_and_channels(map) {
            let kept = match ends.conversation {
                Conversation::Connection(index) => &mut self.connections[index],
                Conversation::Pipe(id) => &mut self.pipes[id.index()],
                Conversation::Channel(id) => &mut self.channels[id.index()],
            };
            *kept = *kept && keep(&ends);
        }
    }

    fn keep_connections(
        &mut self,
        map: &Map,
        selectors: &SelectorSet,
        matches: &FilterMatch,
        processes: &mut [bool],
        sockets: &mut [bool],
    ) {
        let socket_matches =
            |id: Option<SocketId>| id.is_some_and(|id| matches.sockets[id.index()]);
        for (kept, connection) in self.connections.iter_mut().zip(&map.connections) {
            let listener = connection.listener;
            let group = connection.listener_group.iter().copied();
            let server = connection.b.or(listener);
            let client_matches = socket_matches(Some(connection.a));
            let server_matches =
                socket_matches(server) || group.clone().any(|id| socket_matches(Some(id)));
            // `socket:/run/x` includes the conversations over that listener, and so does its inode.
            let names_listener = selectors.has_socket_kinds()
                || listener.is_some_and(|id| selectors.has_number(map.socket(id)));
            let listener_matches = names_listener && socket_matches(listener);
            let kept_elsewhere = matches.kept.clients[connection.a.index()];
            *kept &= client_matches || server_matches || listener_matches || kept_elsewhere;
            if !*kept {
                continue;
            }
            let ends = [Some(connection.a), connection.b, listener];
            for id in ends.into_iter().flatten().chain(group.clone()) {
                sockets[id.index()] = true;
            }
            // Of an end that matches only the holders that match; all holders of the other end.
            let mut add_holders = |end: SocketId| {
                for process in map.using_processes(end) {
                    processes[process.index()] = true;
                }
            };
            if server_matches || listener_matches {
                add_holders(connection.a);
            }
            if client_matches || listener_matches {
                server.into_iter().chain(group).for_each(add_holders);
            }
        }
    }

    /// `--focus`: processes within so many hops of a match, and the conversations between them.
    fn keep_near(&mut self, map: &Map, matches: &FilterMatch, hops: usize) {
        let is_near = self.near(map, &matches.focus, hops);
        for (index, kept) in self.processes.iter_mut().enumerate() {
            *kept &= is_near[index] || matches.kept.processes[index];
        }
        for ends in conversations_and_channels(map) {
            // A conversation is kept if every end with known holders keeps one of them.
            let is_kept = |end: &[ProcessId]| {
                end.is_empty() || end.iter().any(|process| self.processes[process.index()])
            };
            let both_unknown = ends.from.is_empty() && ends.to.is_empty();
            let kept = is_kept(&ends.from) && is_kept(&ends.to) && !both_unknown;
            match ends.conversation {
                Conversation::Connection(index) => self.connections[index] &= kept,
                Conversation::Pipe(id) => self.pipes[id.index()] &= kept,
                Conversation::Channel(id) => self.channels[id.index()] &= kept,
            }
        }
    }

    /// Breadth first from the matches, through processes that are kept.
    fn near(&self, map: &Map, matches: &[bool], hops: usize) -> Vec<bool> {
        let mut neighbours: Vec<Vec<ProcessId>> = vec![Vec::new(); map.processes.len()];
        for ends in conversations_and_channels(map) {
            for from in &ends.from {
                for to in &ends.to {
                    neighbours[from.index()].push(*to);
                    neighbours[to.index()].push(*from);
                }
            }
        }
        let mut is_near = matches.to_vec();
        let starts = (0..matches.len()).filter(|index| matches[*index]);
        let mut queue: VecDeque<(usize, usize)> = starts.map(|index| (index, 0)).collect();
        while let Some((index, distance)) = queue.pop_front() {
            if distance == hops {
                continue;
            }
            for other in neighbours[index].iter().map(|other| other.index()) {
                if !is_near[other] && self.processes[other] {
                    is_near[other] = true;
                    queue.push_back((other, distance + 1));
                }
            }
        }
        is_near
    }
}

/// Keeps the pipes or channels that match, and the holders of the other end of one that does.
fn keep_with_partners(
    map: &Map,
    selectors: &SelectorSet,
    matches: &FilterMatch,
    kept: &mut [bool],
    all: impl Iterator<Item = ConversationEnds>,
    processes: &mut [bool],
) {
    for (kept, ends) in kept.iter_mut().zip(all) {
        // A selector of sockets selects by name here.
        if selectors.has_socket_kinds() && !selectors.matches_named(map, ends.conversation) {
            *kept = false;
        }
        let has_match = |end: &[ProcessId]| end.iter().any(|process| matches.only[process.index()]);
        let (from, to) = (has_match(&ends.from), has_match(&ends.to));
        *kept &= from || to;
        for (other_matches, end) in [(from, &ends.to), (to, &ends.from)] {
            for process in end.iter().filter(|_| *kept && other_matches) {
                processes[process.index()] = true;
            }
        }
    }
}

/// Clears each entry of a mask that is set in another one.
pub(super) fn remove(mask: &mut [bool], other: &[bool]) {
    for (entry, other) in mask.iter_mut().zip(other) {
        *entry &= !other;
    }
}
