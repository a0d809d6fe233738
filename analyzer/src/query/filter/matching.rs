//! Which processes and sockets of a map a set of selectors matches.

use std::collections::BTreeSet;

use crate::graph::{Conversation, channel_ends, conversations, pipe_ends};
use crate::model::{ChannelId, Map, PipeId, ProcessId, SocketId};
use crate::query::selector::SelectorSet;

/// Whether each process matches, by index. Sockets that a process only keeps do not count.
pub fn matching_processes(map: &Map, selectors: &SelectorSet) -> Vec<bool> {
    processes(map, selectors, &held_sockets(map))
}

/// Whether each socket matches, by index: a holder and the socket match, or the socket has no known
/// holder and matches by itself.
pub fn matching_sockets(map: &Map, selectors: &SelectorSet) -> Vec<bool> {
    sockets(map, selectors, &held_sockets(map), Map::holding_processes)
}

/// Whether each process and each socket matches; holders that only keep a socket do not count.
pub(super) fn matching_rows(map: &Map, selectors: &SelectorSet) -> (Vec<bool>, Vec<bool>) {
    let held = held_sockets(map);
    (
        processes(map, selectors, &held),
        sockets(map, selectors, &held, Map::using_processes),
    )
}

fn processes(map: &Map, selectors: &SelectorSet, held: &[Vec<SocketId>]) -> Vec<bool> {
    let at_named = at_named(map, selectors);
    let mut matches: Vec<bool> = (0..map.processes.len())
        .map(|index| {
            let process = ProcessId::new(index);
            selectors.matches_process(map, process, &held[index])
                || at_named.contains(&process)
                    && selectors.process_kinds_match(map, process, &held[index])
        })
        .collect();
    if let Some(of_class) = OfClass::new(map, selectors) {
        intersect(&mut matches, &of_class.processes);
    }
    matches
}

/// The processes at the ends of the pipes and channels that the selectors name.
fn at_named(map: &Map, selectors: &SelectorSet) -> BTreeSet<ProcessId> {
    if !selectors.has_socket_kinds() {
        return BTreeSet::new();
    }
    let pipes = (0..map.pipes.len()).map(PipeId::new);
    let pipes = pipes.filter(|id| selectors.matches_named(map, Conversation::Pipe(*id)));
    let channels = (0..map.channels.len()).map(ChannelId::new);
    let channels = channels.filter(|id| selectors.matches_named(map, Conversation::Channel(*id)));
    let ends = pipes.map(|id| pipe_ends(map, id));
    let ends = ends.chain(channels.map(|id| channel_ends(map, id)));
    ends.flat_map(|ends| ends.from.into_iter().chain(ends.to))
        .collect()
}

/// The ends of the conversations whose class is selected, by index.
struct OfClass {
    processes: Vec<bool>,
    sockets: Vec<bool>,
}

impl OfClass {
    /// `None` if no class is selected.
    fn new(map: &Map, selectors: &SelectorSet) -> Option<Self> {
        if !selectors.has_class_kind() {
            return None;
        }
        let mut ends_of = Self {
            processes: vec![false; map.processes.len()],
            sockets: vec![false; map.sockets.len()],
        };
        let matching = conversations(map).filter(|ends| selectors.class_matches(map, ends));
        for ends in matching {
            for process in ends.from.iter().chain(&ends.to) {
                ends_of.processes[process.index()] = true;
            }
            if let Conversation::Connection(index) = ends.conversation {
                let connection = &map.connections[index];
                let sockets = [Some(connection.a), connection.b, connection.listener];
                for socket in sockets.into_iter().flatten() {
                    ends_of.sockets[socket.index()] = true;
                }
            }
        }
        Some(ends_of)
    }
}

fn sockets(
    map: &Map,
    selectors: &SelectorSet,
    held: &[Vec<SocketId>],
    holders: fn(&Map, SocketId) -> Vec<ProcessId>,
) -> Vec<bool> {
    let matches = |socket: SocketId| {
        let holders = holders(map, socket);
        let held_by_match =
            |id: &ProcessId| selectors.matches_end(map, *id, &held[id.index()], socket);
        holders.iter().any(held_by_match)
            || holders.is_empty() && selectors.matches_unheld_socket(map, socket)
    };
    let mut matches: Vec<bool> = (0..map.sockets.len())
        .map(|index| matches(SocketId::new(index)))
        .collect();
    if let Some(of_class) = OfClass::new(map, selectors) {
        intersect(&mut matches, &of_class.sockets);
    }
    matches
}

/// The sockets that each process holds and may use, by index of process.
pub(super) fn held_sockets(map: &Map) -> Vec<Vec<SocketId>> {
    let mut held = vec![Vec::new(); map.processes.len()];
    for index in 0..map.sockets.len() {
        let id = SocketId::new(index);
        for process in map.using_processes(id) {
            held[process.index()].push(id);
        }
    }
    held
}

/// Clears each entry of a mask that is not set in another one.
pub(super) fn intersect(mask: &mut [bool], other: &[bool]) {
    for (entry, other) in mask.iter_mut().zip(other) {
        *entry &= other;
    }
}
