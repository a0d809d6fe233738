//! Connections between Unix sockets: each edge with its evidence, none guessed.

use super::evidence::{Evidence, ListenerEvidence};
use super::socket::{
    Connection, ConnectionKind, ConnectionState, Holder, SocketKey, SocketState, SocketType,
};
use super::socket_draft::Draft;
use super::unix_listeners::{Listeners, id};
use super::{HostId, Warning};
use crate::model::socket::Family;

/// What the connections of a host are made from; `drafts` are sorted by key.
pub(super) struct Connector<'a> {
    pub(super) host: HostId,
    /// The id of the first draft.
    pub(super) first: usize,
    pub(super) drafts: &'a [Draft],
    /// Their keys, by themselves: a search stays in the cache.
    pub(super) keys: &'a [SocketKey],
    pub(super) holders: &'a [Holder],
    /// Every network namespace's sockets were read.
    pub(super) all_tables: bool,
}

/// What was found, and the states that only follow from it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) connections: Vec<Connection>,
    /// Sockets (indices) that wait in a listener's queue.
    pub(super) pending: Vec<usize>,
    pub(super) warnings: Vec<Warning>,
}

impl Connector<'_> {
    /// All Unix connections of the host.
    pub(super) fn unix(&self) -> Found {
        let listeners = Listeners::of(self.drafts, self.holders);
        let mut found = Found::default();
        let mut one_sided = 0;
        self.queued(&mut found);
        for (at, draft) in self.drafts.iter().enumerate() {
            let Some(peer) = draft.peer else { continue };
            if peer == 0 {
                // PEER without inode and both directions shut down: the other end has closed.
                let stream = draft.socket.kind != SocketType::Dgram;
                let waits = || found.pending.binary_search(&at).is_ok();
                if stream && draft.socket.state == SocketState::Closing && !waits() {
                    found.connections.push(self.closing(at, &listeners));
                }
                continue;
            }
            let dgram = draft.socket.kind == SocketType::Dgram;
            let Some(other) = self.by_inode(peer, at) else {
                found.connections.push(self.alone(at, &listeners, dgram));
                continue;
            };
            let mutual = self.points_to(other, at);
            match (mutual, dgram) {
                // Each pair is one connection: the first of the two makes it.
                (true, _) if other < at => {}
                (true, _) => found.connections.push(self.pair(at, other, &listeners)),
                (false, true) => found.connections.push(self.one_way(at, other)),
                // The other end's row is younger: it says that this one has closed since.
                (false, false) if self.drafts[other].peer == Some(0) => {}
                (false, false) => {
                    one_sided += 1;
                    found.connections.push(self.alone(at, &listeners, false));
                }
            }
        }
        self.eliminated(&mut found);
        if one_sided > 0 {
            let text = format!(
                "{one_sided} sockets name a peer that does not name them (one of the two changed during the capture)"
            );
            found.warnings.push(Warning {
                host: self.host,
                kind: "one-sided-peer",
                text,
            });
        }
        found
    }

    /// The socket of an inode that could be `from`'s peer. Where an inode stands for two sockets it
    /// is the first of them: if that is the wrong one it does not point back, and no edge is made.
    fn by_inode(&self, inode: u32, from: usize) -> Option<usize> {
        let at = self.find_near(SocketKey::Inode(inode.into()), from)?;
        let draft = &self.drafts[at];
        let fits = draft.socket.family == Family::Unix
            && draft.socket.kind == self.drafts[from].socket.kind;
        fits.then_some(at)
    }

    /// The socket of a key. Two ends of a connection are made at about the same time, so that their
    /// inodes are close: the search goes out from `from` in steps that double.
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
        let at = self.keys[low..end].binary_search(&key).ok()?;
        Some(low + at)
    }

    fn points_to(&self, from: usize, to: usize) -> bool {
        self.drafts[from].peer.map(u64::from) == Some(self.drafts[to].socket.inode)
            && matches!(self.drafts[to].socket.key, SocketKey::Inode(_))
    }

    fn connection(&self, a: usize, b: Option<usize>, state: ConnectionState) -> Connection {
        let twice = |at: usize| self.drafts[at].socket.seen_twice;
        Connection {
            kind: ConnectionKind::Unix,
            a: id(self.first, a),
            b: b.map(|at| id(self.first, at)),
            listener: None,
            state,
            evidence: Evidence::Peer,
            listener_evidence: None,
            confirmed: twice(a) && b.is_none_or(twice),
        }
    }

    fn pair(&self, one: usize, two: usize, listeners: &Listeners<'_>) -> Connection {
        if self.drafts[one].socket.kind == SocketType::Dgram {
            return self.connection(one, Some(two), ConnectionState::Established);
        }
        let (client, server, listener) = match (listeners.find(one), listeners.find(two)) {
            (None, Some(of_two)) => (one, two, Some(of_two)),
            (Some(of_one), None) => (two, one, Some(of_one)),
            // Both or neither: which of them accepted is not known. An unnamed end with a named
            // one is the client's nearly always, but nothing proves it.
            _ => (one, two, None),
        };
        let connection = self.connection(client, Some(server), ConnectionState::Established);
        self.with_listener(connection, listener)
    }

    fn with_listener(
        &self,
        connection: Connection,
        listener: Option<(usize, ListenerEvidence)>,
    ) -> Connection {
        Connection {
            listener: listener.map(|(at, _)| id(self.first, at)),
            listener_evidence: listener.map(|(_, evidence)| evidence),
            ..connection
        }
    }

    fn one_way(&self, sender: usize, receiver: usize) -> Connection {
        self.connection(sender, Some(receiver), ConnectionState::OneWay)
    }

    /// The peer is elsewhere: in a namespace that was not read, or gone since.
    fn alone(&self, at: usize, listeners: &Listeners<'_>, dgram: bool) -> Connection {
        let state = if dgram {
            ConnectionState::OneWay
        } else {
            ConnectionState::Established
        };
        let connection = Connection {
            confirmed: false,
            ..self.connection(at, None, state)
        };
        self.with_listener(connection, listeners.find(at))
    }

    fn closing(&self, at: usize, listeners: &Listeners<'_>) -> Connection {
        let connection = self.connection(at, None, ConnectionState::Closing);
        self.with_listener(connection, listeners.find(at))
    }

    /// Clients that listeners' queues name.
    fn queued(&self, found: &mut Found) {
        for (listener, draft) in self.drafts.iter().enumerate() {
            for client in draft.waiting.iter().filter(|inode| **inode != 0) {
                let key = SocketKey::Inode((*client).into());
                let Ok(at) = self.keys.binary_search(&key) else {
                    continue;
                };
                // Accepted between the two readings: then it has a peer by now.
                if self.drafts[at].peer != Some(0) {
                    continue;
                }
                found.pending.push(at);
                found.connections.push(Connection {
                    evidence: Evidence::PendingList,
                    listener: Some(id(self.first, listener)),
                    listener_evidence: None,
                    ..self.connection(at, None, ConnectionState::Pending)
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

    /// Clients that nothing names, while some listener's queue was not read whole: they can only
    /// wait in one of those.
    fn eliminated(&self, found: &mut Found) {
        let unread = |draft: &&Draft| {
            let pending = draft.socket.pending.unwrap_or(0) as usize;
            // Nothing names the clients of other families' queues, and none of them is a Unix socket.
            draft.socket.family == Family::Unix
                && draft.socket.state == SocketState::Listening
                && draft.waiting.len() < pending
        };
        let mut short = self
            .drafts
            .iter()
            .enumerate()
            .filter(|(_, draft)| unread(draft));
        let (first, second) = (short.next(), short.next());
        if first.is_none() && self.all_tables {
            return;
        }
        // One queue that was not read whole, and none that was not seen at all: it is that one.
        let sole = first.filter(|_| second.is_none() && self.all_tables);
        let kind = sole.map(|(_, of)| of.socket.kind);
        let mut waiting = Vec::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            let candidate = draft.peer == Some(0)
                && draft.socket.state == SocketState::Established
                && kind.is_none_or(|kind| draft.socket.kind == kind)
                && draft.socket.kind != SocketType::Dgram;
            if candidate && found.pending.binary_search(&at).is_err() {
                waiting.push(at);
            }
        }
        for at in &waiting {
            found.connections.push(Connection {
                evidence: Evidence::Elimination,
                listener: sole.map(|(listener, _)| id(self.first, listener)),
                confirmed: false,
                ..self.connection(*at, None, ConnectionState::Pending)
            });
        }
        found.pending.extend(waiting);
        found.pending.sort_unstable();
    }
}
