//! Which processes listen, or hold conversations that are not merely inherited.

use crate::graph::{Conversation, ConversationEnds, conversations};
use crate::model::{Map, ProcessId, SocketId, SocketState};

/// Which partners make a conversation count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Partners {
    /// Any other process.
    All,
    /// Parents, siblings and children only over something named.
    Unrelated,
}

/// Whether each process holds a listening socket, by index.
pub(super) fn listening(map: &Map) -> Vec<bool> {
    let mut listening = vec![false; map.processes.len()];
    for (index, socket) in map.sockets.iter().enumerate() {
        if socket.state == SocketState::Listening {
            for holder in map.holders(SocketId::new(index)) {
                listening[holder.process.index()] = true;
            }
        }
    }
    listening
}

/// Whether each process listens or, where it is a candidate, has a conversation of its own with such
/// partners. By index.
pub(super) fn communicating(map: &Map, candidates: &[bool], partners: Partners) -> Vec<bool> {
    let mut communicating = listening(map);
    for ends in conversations(map) {
        for (own, others) in [(&ends.from, &ends.to), (&ends.to, &ends.from)] {
            for id in own.iter().filter(|id| candidates[id.index()]) {
                communicating[id.index()] =
                    communicating[id.index()] || is_own(map, &ends, own, others, *id, partners);
            }
        }
    }
    communicating
}

/// Whether a conversation is the process's own: not inherited from its parent, and with such a
/// partner or one outside the capture.
fn is_own(
    map: &Map,
    ends: &ConversationEnds,
    own: &[ProcessId],
    others: &[ProcessId],
    id: ProcessId,
    partners: Partners,
) -> bool {
    let process = map.process(id);
    let inherited = own
        .iter()
        .any(|holder| *holder != id && map.process(*holder).pid == process.ppid);
    // A pipe of a shell pipeline has no name.
    let (is_socket, is_named) = match ends.conversation {
        Conversation::Connection(index) => (true, map.connections[index].listener.is_some()),
        Conversation::Pipe(id) => (false, map.pipes[id.index()].path.is_some()),
        Conversation::Channel(_) => (false, true),
    };
    let counts = |other: &ProcessId| {
        let other = map.process(*other);
        let family = [process.pid, process.ppid];
        let related = family.contains(&other.pid) || family.contains(&other.ppid);
        other.pid != process.pid && (is_named || partners == Partners::All || !related)
    };
    let outside = others.is_empty() && is_socket;
    !inherited && (outside || others.iter().any(counts))
}
