//! Finds the listener of an accepted Unix socket.
//!
//! An accepted socket has the name and bound file of its listener, and is in the network namespace of
//! its client. So paths are matched by bound file in any namespace, abstract names within one
//! namespace.

use std::collections::BTreeMap;

use super::evidence::ListenerEvidence;
use super::name::Name;
use super::socket::{SocketState, SocketType};
use super::socket_draft::HostSockets;

type ByFile<'a> = BTreeMap<(SocketType, &'a Name, (u32, u32)), Vec<usize>>;
type ByName<'a> = BTreeMap<(SocketType, &'a Name, Option<u64>), Vec<usize>>;

/// The listening Unix sockets of a host, by bound file and by name.
pub(super) struct UnixListeners<'a> {
    sockets: HostSockets<'a>,
    by_file: ByFile<'a>,
    by_name: ByName<'a>,
}

impl<'a> UnixListeners<'a> {
    pub(super) fn new(sockets: HostSockets<'a>) -> Self {
        let mut listeners = Self {
            sockets,
            by_file: BTreeMap::new(),
            by_name: BTreeMap::new(),
        };
        for (index, draft) in sockets.drafts.iter().enumerate() {
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
                    .push(index);
            }
            listeners
                .by_name
                .entry((socket.kind, name, socket.netns))
                .or_default()
                .push(index);
        }
        listeners
    }

    /// The listener (index) of an accepted socket (index), if it still exists and is unambiguous.
    pub(super) fn find(&self, accepted: usize) -> Option<(usize, ListenerEvidence)> {
        let socket = self.sockets.socket(accepted);
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
        let inode = |index: usize| self.sockets.socket(index).inode;
        let older = candidates.iter().copied();
        let mut older =
            older.filter(|listener| !is_surely_younger(inode(*listener), inode(accepted)));
        let shared = older.find(|listener| self.sockets.share_holder(*listener, accepted));
        // No two sockets are ever bound to one file, so a bound file is proof. A name can be bound
        // again; the new listener is then younger than the accepted socket. Inodes show the age only
        // roughly, since each processor allocates them from a range of its own: some names stay
        // without a listener, and a shared holder takes precedence.
        let sole = || {
            let [listener] = candidates[..] else {
                return None;
            };
            let is_older = inode(listener) < socket.inode;
            (evidence == ListenerEvidence::Vfs || is_older).then_some(listener)
        };
        shared.or_else(sole).map(|listener| (listener, evidence))
    }
}

/// Whether a socket was certainly created after another one: the kernel gives out inodes in batches of
/// 1,024 for each processor, in order within a batch (`get_next_ino`).
fn is_surely_younger(inode: u64, than: u64) -> bool {
    inode >> 10 == than >> 10 && inode > than
}
