//! Which listener an accepted socket came from.
//!
//! An accepted socket carries its listener's name and bound file, and lives in its client's network
//! namespace. So paths are matched by bound file wherever they are, abstract names within their
//! namespace.

use std::collections::BTreeMap;

use super::evidence::ListenerEvidence;
use super::socket::{Holder, SocketState, SocketType};
use super::socket_draft::Draft;
use super::{Name, SocketId};

type ByFile<'a> = BTreeMap<(SocketType, &'a Name, (u32, u32)), Vec<usize>>;
type ByName<'a> = BTreeMap<(SocketType, &'a Name, Option<u64>), Vec<usize>>;

/// The listening Unix sockets of a host, by what they are bound to.
pub(super) struct Listeners<'a> {
    drafts: &'a [Draft],
    holders: &'a [Holder],
    by_file: ByFile<'a>,
    by_name: ByName<'a>,
}

impl<'a> Listeners<'a> {
    pub(super) fn of(drafts: &'a [Draft], holders: &'a [Holder]) -> Self {
        let mut listeners = Self {
            drafts,
            holders,
            by_file: BTreeMap::new(),
            by_name: BTreeMap::new(),
        };
        for (at, draft) in drafts.iter().enumerate() {
            let socket = &draft.socket;
            let Some(name) = socket.name.as_ref() else {
                continue;
            };
            if socket.state != SocketState::Listening {
                continue;
            }
            if let Some(vfs) = socket.vfs {
                listeners
                    .by_file
                    .entry((socket.kind, name, vfs))
                    .or_default()
                    .push(at);
            }
            listeners
                .by_name
                .entry((socket.kind, name, socket.netns))
                .or_default()
                .push(at);
        }
        listeners
    }

    /// The listener that `accepted` (an index) came from, if it is still there and beyond doubt.
    pub(super) fn find(&self, accepted: usize) -> Option<(usize, ListenerEvidence)> {
        let socket = &self.drafts[accepted].socket;
        let name = socket
            .name
            .as_ref()
            .filter(|_| socket.state != SocketState::Listening)?;
        let (candidates, evidence) = match socket.vfs {
            Some(vfs) if !name.is_abstract() => (
                self.by_file.get(&(socket.kind, name, vfs))?,
                ListenerEvidence::Vfs,
            ),
            _ => (
                self.by_name.get(&(socket.kind, name, socket.netns))?,
                ListenerEvidence::Name,
            ),
        };
        let shared = candidates
            .iter()
            .copied()
            .find(|at| share_holder(self.drafts, self.holders, *at, accepted));
        // A bound file says it beyond doubt: no two sockets are ever bound to one. A name does not,
        // once it was bound again; then the listener is younger than what it would have accepted.
        // Inodes tell the age only roughly, since each processor hands them out from a range of its
        // own: so a name may stay unanswered, and a shared holder outweighs it.
        let sole = || {
            let [at] = candidates[..] else { return None };
            let older = self.drafts[at].socket.inode < socket.inode;
            (evidence == ListenerEvidence::Vfs || older).then_some(at)
        };
        shared.or_else(sole).map(|at| (at, evidence))
    }
}

/// Whether one process holds both.
pub(super) fn share_holder(drafts: &[Draft], holders: &[Holder], a: usize, b: usize) -> bool {
    let held = |at: usize| {
        let range = &drafts[at].socket.holders;
        &holders[range.start as usize..range.end as usize]
    };
    let (left, right) = (held(a), held(b));
    right
        .iter()
        .any(|h| left.binary_search_by_key(&h.process, |l| l.process).is_ok())
}

/// The id of an index into a host's drafts.
pub(super) fn id(first: usize, at: usize) -> SocketId {
    SocketId::new(first + at)
}
