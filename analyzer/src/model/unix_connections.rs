//! Connections between Unix sockets, each with its evidence.
//!
//! A connection is made only where the kernel reports a peer or a pending list, or where every other
//! possibility is excluded; nothing is guessed.

use super::connection::{Connection, ConnectionKind, ConnectionState};
use super::evidence::{Evidence, ListenerEvidence};
use super::ids::HostId;
use super::socket::{Family, SocketKey, SocketState, SocketType};
use super::socket_draft::{HostSockets, SocketDraft};
use super::unix_listeners::UnixListeners;
use super::warning::Warning;

/// The connections of a host, and the states that only follow from them.
#[derive(Default)]
pub(super) struct UnixConnections {
    pub(super) connections: Vec<Connection>,
    /// Sockets (indices) in a listener's queue, sorted.
    pub(super) pending: Vec<usize>,
    pub(super) warnings: Vec<Warning>,
}

/// Finds the Unix connections of a host. `keys` are the sockets' keys alone, so that a search stays in
/// the cache; `all_dumps_complete`: the Unix sockets of every network namespace were dumped whole.
pub(super) fn connections(
    sockets: HostSockets<'_>,
    keys: &[SocketKey],
    host: HostId,
    all_dumps_complete: bool,
) -> UnixConnections {
    let join = Join {
        sockets,
        keys,
        listeners: UnixListeners::new(sockets),
        all_dumps_complete,
    };
    let mut found = UnixConnections::default();
    join.add_pending_lists(&mut found);
    let one_sided = join.add_peers(&mut found);
    join.add_eliminated(&mut found);
    if one_sided > 0 {
        let text = format!(
            "{one_sided} sockets name a peer that does not name them (one of the two changed during the capture)"
        );
        found.warnings.push(Warning {
            host,
            kind: "one-sided-peer",
            text,
        });
    }
    found
}

struct Join<'a> {
    sockets: HostSockets<'a>,
    keys: &'a [SocketKey],
    listeners: UnixListeners<'a>,
    all_dumps_complete: bool,
}

impl Join<'_> {
    /// Adds connections of sockets with a peer attribute. Returns the number of sockets that name a
    /// peer which does not name them.
    fn add_peers(&self, found: &mut UnixConnections) -> usize {
        let mut one_sided = 0;
        for (index, draft) in self.sockets.drafts.iter().enumerate() {
            let Some(peer) = draft.peer else { continue };
            let is_dgram = draft.socket.kind == SocketType::Dgram;
            if peer == 0 {
                // A peer without inode, and both directions shut down: the other end has closed.
                let is_pending = || found.pending.binary_search(&index).is_ok();
                if draft.socket.state == SocketState::Closing && !is_pending() {
                    found.connections.push(self.closing(index));
                }
                continue;
            }
            let Some(other) = self.by_inode(peer, index) else {
                found.connections.push(self.without_peer(index));
                continue;
            };
            match (self.is_peer(other, index), is_dgram) {
                // Each pair is one connection, made at the first of the two.
                (true, _) if other < index => {}
                (true, _) => found.connections.push(self.pair(index, other)),
                (false, true) => {
                    let one_way = self.connection(index, Some(other), ConnectionState::OneWay);
                    found.connections.push(one_way);
                }
                // The row of the other end is younger, and shows that this end has closed since.
                (false, false) if self.sockets.drafts[other].peer == Some(0) => {}
                (false, false) => {
                    one_sided += 1;
                    found.connections.push(self.without_peer(index));
                }
            }
        }
        one_sided
    }

    /// The socket of an inode that may be the peer of `from`. Where two sockets have the inode it is
    /// the first; if that is the wrong one it does not name `from`, and no connection is made.
    fn by_inode(&self, inode: u32, from: usize) -> Option<usize> {
        let index = self.find_near(SocketKey::Inode(inode.into()), from)?;
        let socket = self.sockets.socket(index);
        let fits = socket.family == Family::Unix && socket.kind == self.sockets.socket(from).kind;
        fits.then_some(index)
    }

    /// The socket of a key. The two ends of a connection are created at about the same time, so their
    /// inodes are close: searches outwards from `from` in steps that double.
    fn find_near(&self, key: SocketKey, from: usize) -> Option<usize> {
        let (mut low, mut high) = (from, from);
        let mut step = 1;
        if self.keys[from] < key {
            while high < self.keys.len() && self.keys[high] < key {
                low = high;
                high += step;
                step *= 2;
            }
        } else {
            while low > 0 && self.keys[low] > key {
                high = low;
                low = low.saturating_sub(step);
                step *= 2;
            }
        }
        let end = self.keys.len().min(high + 1);
        let index = self.keys[low..end].binary_search(&key).ok()?;
        Some(low + index)
    }

    fn is_peer(&self, of: usize, peer: usize) -> bool {
        let peer = self.sockets.socket(peer);
        self.sockets.drafts[of].peer.map(u64::from) == Some(peer.inode)
            && matches!(peer.key, SocketKey::Inode(_))
    }

    fn connection(&self, a: usize, b: Option<usize>, state: ConnectionState) -> Connection {
        self.sockets
            .connection(ConnectionKind::Unix, (a, b), state, Evidence::Peer)
    }

    fn with_listener(
        &self,
        connection: Connection,
        listener: Option<(usize, ListenerEvidence)>,
    ) -> Connection {
        Connection {
            listener: listener.map(|(index, _)| self.sockets.id(index)),
            listener_evidence: listener.map(|(_, evidence)| evidence),
            ..connection
        }
    }

    fn is_named(&self, index: usize) -> bool {
        self.sockets.socket(index).name.is_some()
    }

    fn pair(&self, first: usize, second: usize) -> Connection {
        let is_dgram = self.sockets.socket(first).kind == SocketType::Dgram;
        let of = |index| self.listeners.find(index).filter(|_| !is_dgram);
        let (client, server, listener) = match (of(first), of(second)) {
            (None, Some(second_listener)) => (first, second, Some(second_listener)),
            (Some(first_listener), None) => (second, first, Some(first_listener)),
            // An accepted socket has the name of its listener, which may be gone or not captured; so has
            // a datagram socket that others send to.
            _ if self.is_named(first) && !self.is_named(second) => (second, first, None),
            _ => (first, second, None),
        };
        let connection = self.connection(client, Some(server), ConnectionState::Established);
        self.with_listener(connection, listener)
    }

    /// The peer is in a namespace that was not read, or has closed since.
    fn without_peer(&self, index: usize) -> Connection {
        let state = match self.sockets.socket(index).kind {
            SocketType::Dgram => ConnectionState::OneWay,
            _ => ConnectionState::Established,
        };
        let connection = Connection {
            confirmed: false,
            ..self.connection(index, None, state)
        };
        self.with_listener(connection, self.listeners.find(index))
    }

    fn closing(&self, index: usize) -> Connection {
        let connection = self.connection(index, None, ConnectionState::Closing);
        self.with_listener(connection, self.listeners.find(index))
    }

    /// Adds clients that pending lists name.
    fn add_pending_lists(&self, found: &mut UnixConnections) {
        for (listener, draft) in self.sockets.drafts.iter().enumerate() {
            for client in draft.waiting.iter().filter(|inode| **inode != 0) {
                let key = SocketKey::Inode((*client).into());
                let Ok(client) = self.keys.binary_search(&key) else {
                    continue;
                };
                // A client that was accepted between the two readings has a peer.
                if self.sockets.drafts[client].peer != Some(0) {
                    continue;
                }
                found.pending.push(client);
                found.connections.push(Connection {
                    evidence: Evidence::PendingList,
                    listener: Some(self.sockets.id(listener)),
                    ..self.connection(client, None, ConnectionState::Pending)
                });
            }
        }
        found.pending.sort_unstable();
        found.pending.dedup();
        found
            .connections
            .sort_by_key(|connection| (connection.a, connection.listener));
        found.connections.dedup_by_key(|connection| connection.a);
    }

    /// Adds clients that no pending list names, while some pending list is incomplete: they can only
    /// be in one of those.
    fn add_eliminated(&self, found: &mut UnixConnections) {
        let is_incomplete = |draft: &&SocketDraft| {
            let pending = draft.socket.pending.unwrap_or(0) as usize;
            // Listeners of other families have no pending lists.
            draft.socket.family == Family::Unix
                && draft.socket.state == SocketState::Listening
                && draft.waiting.len() < pending
        };
        let listeners = self.sockets.drafts.iter().enumerate();
        let mut incomplete = listeners.filter(|(_, draft)| is_incomplete(draft));
        let (first, second) = (incomplete.next(), incomplete.next());
        if first.is_none() && self.all_dumps_complete {
            return;
        }
        // Exactly one incomplete list, and every namespace dumped: the clients are in that list.
        let sole = first.filter(|_| second.is_none() && self.all_dumps_complete);
        let kind = sole.map(|(_, listener)| listener.socket.kind);
        let mut clients = Vec::new();
        for (index, draft) in self.sockets.drafts.iter().enumerate() {
            let is_candidate = draft.peer == Some(0)
                && draft.socket.state == SocketState::Established
                && kind.is_none_or(|kind| draft.socket.kind == kind)
                && draft.socket.kind != SocketType::Dgram;
            if is_candidate && found.pending.binary_search(&index).is_err() {
                clients.push(index);
            }
        }
        for client in &clients {
            found.connections.push(Connection {
                evidence: Evidence::Elimination,
                listener: sole.map(|(listener, _)| self.sockets.id(listener)),
                confirmed: false,
                ..self.connection(*client, None, ConnectionState::Pending)
            });
        }
        found.pending.extend(clients);
        found.pending.sort_unstable();
    }
}
