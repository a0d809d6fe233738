//! Counts what a filter cut off the rows that it kept.

use std::collections::BTreeSet;

use super::filter_match::FilterMatch;
use super::kept_rows::NewIds;
use crate::graph::{Conversation, conversations};
use crate::model::{LeftOut, Map, ProcessId, SocketId};

/// Which conversations are kept, and the new ids of processes and sockets.
pub(super) struct Kept<'a> {
    pub(super) connections: &'a [bool],
    pub(super) pipes: &'a [bool],
    pub(super) processes: &'a NewIds<ProcessId>,
    pub(super) sockets: &'a NewIds<SocketId>,
}

/// What was cut off, by new ids.
pub(super) fn left_out(map: &Map, kept: &Kept<'_>, matches: Option<&FilterMatch>) -> LeftOut {
    let mut cut: BTreeSet<(ProcessId, ProcessId)> = BTreeSet::new();
    // Those with loggers, too.
    let connections = map.connections.iter().zip(kept.connections);
    let connections = connections.filter(|(_, is_kept)| !**is_kept);
    let ends = connections.flat_map(|(connection, _)| [Some(connection.a), connection.b]);
    let ends = ends.flatten().filter_map(|end| kept.sockets[end.index()]);
    let sockets: BTreeSet<SocketId> = ends.collect();
    for ends in conversations(map) {
        let is_kept = match ends.conversation {
            Conversation::Connection(index) => kept.connections[index],
            // Only connections and pipes are asked for.
            Conversation::Channel(_) => true,
            Conversation::Pipe(id) => kept.pipes[id.index()],
        };
        if is_kept {
            continue;
        }
        for (own, others) in [(&ends.from, &ends.to), (&ends.to, &ends.from)] {
            // An end that very many hold has no partner in particular.
            if own.len() * others.len() > MAX_PAIRS {
                continue;
            }
            for process in own.iter().filter_map(|id| kept.processes[id.index()]) {
                let gone = others
                    .iter()
                    .filter(|id| kept.processes[id.index()].is_none());
                cut.extend(gone.map(|other| (process, *other)));
            }
        }
    }
    let mut partners = vec![0; kept.processes.iter().flatten().count()];
    for (process, _) in cut {
        partners[process.index()] += 1;
    }
    let is_focus = matches.map_or(&[][..], |matches| &matches.focus);
    let focus = kept.processes.iter().zip(is_focus);
    LeftOut {
        partners,
        sockets,
        focus: focus
            .filter_map(|(id, is_focus)| id.filter(|_| *is_focus))
            .collect(),
    }
}

/// More pairs of processes at the ends of one conversation are not counted.
const MAX_PAIRS: usize = 1_024;
