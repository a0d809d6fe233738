//! Connections between internet and vsock sockets: two ends whose address pairs mirror each other.

use std::collections::BTreeMap;

use super::connection::{Connection, ConnectionKind, ConnectionState};
use super::evidence::{Evidence, ListenerEvidence};
use super::inet_address::{Tuple, is_loopback, tuple};
use super::inet_listeners::InetListeners;
use super::inet_receivers::InetReceivers;
use super::socket::{Address, Family, SocketState};
use super::socket_draft::HostSockets;

/// Finds the connections between a host's internet and vsock sockets.
pub(super) fn connections(sockets: HostSockets<'_>) -> Vec<Connection> {
    // Most sockets of a host have no address; they are skipped once, here.
    let addressed: Vec<usize> = (0..sockets.drafts.len())
        .filter(|index| sockets.socket(*index).local.is_some())
        .collect();
    let ends = Ends::new(sockets, &addressed);
    let receivers = InetReceivers::new(sockets, &addressed);
    let join = Join {
        sockets,
        listeners: InetListeners::new(sockets, &addressed),
    };
    let mut connections = Vec::new();
    for index in addressed {
        let Some(tuple) = tuple(&sockets.drafts[index]) else {
            continue;
        };
        match ends.other(index, tuple) {
            // Each pair is one connection, made at the first of the two.
            Some(other) if other < index => {}
            Some(other) => connections.push(join.pair(index, other)),
            None => connections.push(match receivers.find(index) {
                Some(receiver) => Connection {
                    b: Some(sockets.id(receiver)),
                    ..join.connection(index, ConnectionState::OneWay, None)
                },
                None => join.without_peer(index),
            }),
        }
    }
    connections
}

/// The connected sockets of a host, by their addresses.
struct Ends<'a> {
    sockets: HostSockets<'a>,
    /// `None`: several sockets have the tuple (`SO_REUSEPORT`), and cannot be distinguished.
    by_tuple: BTreeMap<Tuple, Option<usize>>,
    /// In any network namespace.
    by_addresses: BTreeMap<(&'static str, Address, Address), Vec<usize>>,
}

impl<'a> Ends<'a> {
    fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let mut ends = Self {
            sockets,
            by_tuple: BTreeMap::new(),
            by_addresses: BTreeMap::new(),
        };
        for index in addressed.iter().copied() {
            let Some(tuple) = tuple(&sockets.drafts[index]) else {
                continue;
            };
            ends.by_tuple
                .entry(tuple)
                .and_modify(|sole| *sole = None)
                .or_insert(Some(index));
            ends.by_addresses
                .entry((tuple.1, tuple.2, tuple.3))
                .or_default()
                .push(index);
        }
        ends
    }

    /// The other end of a connection: in the same network namespace, or in another one of this host
    /// (over a veth pair, never over loopback, which each namespace has of its own).
    fn other(&self, index: usize, (netns, protocol, local, remote): Tuple) -> Option<usize> {
        let mirrored = self.by_tuple.get(&(netns, protocol, remote, local));
        mirrored.copied().flatten().or_else(|| {
            let sole = |addresses: (&'static str, Address, Address)| match self
                .by_addresses
                .get(&addresses)?[..]
            {
                [sole] => Some(sole),
                _ => None,
            };
            let other = sole((protocol, remote, local))?;
            let other_netns = self.sockets.socket(other).netns?;
            // Both directions occur once on the host, and the other end has no peer in its own
            // namespace.
            let is_unambiguous = sole((protocol, local, remote)) == Some(index)
                && !self
                    .by_tuple
                    .contains_key(&(other_netns, protocol, local, remote));
            (is_unambiguous && !is_loopback(local) && !is_loopback(remote)).then_some(other)
        })
    }
}

struct Join<'a> {
    sockets: HostSockets<'a>,
    listeners: InetListeners<'a>,
}

impl Join<'_> {
    fn pair(&self, first: usize, second: usize) -> Connection {
        let (a, b, listener) = match (self.listeners.find(first), self.listeners.find(second)) {
            (None, Some(second_listener)) => (first, second, Some(second_listener)),
            (Some(first_listener), None) => (second, first, Some(first_listener)),
            _ => (first, second, None),
        };
        let state = self.state(a, Some(b));
        let connection = self.connection(a, state, listener);
        Connection {
            b: (state != ConnectionState::Pending).then(|| self.sockets.id(b)),
            confirmed: connection.confirmed && self.sockets.socket(b).seen_twice,
            ..connection
        }
    }

    /// The other end is on another host, or was not captured.
    fn without_peer(&self, index: usize) -> Connection {
        self.connection(index, self.state(index, None), self.listeners.find(index))
    }

    fn connection(&self, a: usize, state: ConnectionState, listener: Option<usize>) -> Connection {
        let kind = match self.sockets.socket(a).family {
            Family::Vsock => ConnectionKind::Vsock,
            _ => ConnectionKind::Inet,
        };
        Connection {
            listener: listener.map(|listener| self.sockets.id(listener)),
            listener_evidence: listener.map(|_| ListenerEvidence::Address),
            ..self
                .sockets
                .connection(kind, (a, None), state, Evidence::Tuple)
        }
    }

    /// The state of a connection by the states of its ends.
    fn state(&self, a: usize, b: Option<usize>) -> ConnectionState {
        use SocketState::{CloseWait, Closing, Pending};
        let ends = [Some(a), b].map(|end| end.map(|index| self.sockets.socket(index).state));
        if ends.contains(&Some(Pending)) {
            ConnectionState::Pending
        } else if ends.contains(&Some(Closing)) || ends.contains(&Some(CloseWait)) {
            ConnectionState::Closing
        } else {
            ConnectionState::Established
        }
    }
}
