//! Connections between internet and vsock sockets: two ends whose address pairs mirror each other, as
//! they are or after translation.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::connection::{Connection, ConnectionKind, ConnectionState, Translation, Translator};
use super::departed::Departed;
use super::evidence::{Evidence, ListenerEvidence};
use super::ids::{HostId, SocketId};
use super::inet_address::{Tuple, is_loopback, is_queued, tuple};
use super::inet_listeners::InetListeners;
use super::inet_receivers::InetReceivers;
use super::inet_sockets::Orphan;
use super::local_addresses::LocalAddresses;
use super::nat::Nat;
use super::socket::{Address, Family, SocketState, SocketType};
use super::socket_draft::HostSockets;
use crate::load::Capture;

/// The connections between internet and vsock sockets of a host.
pub(super) struct InetConnections {
    pub(super) connections: Vec<Connection>,
    /// Sorted.
    pub(super) departed: Vec<Departed>,
}

/// Finds the connections between a host's internet and vsock sockets.
pub(super) fn connections(
    sockets: HostSockets<'_>,
    orphans: &[Orphan],
    capture: &Capture,
    host: HostId,
) -> InetConnections {
    // Most sockets of a host have no address; they are skipped once, here.
    let addressed: Vec<usize> = (0..sockets.drafts.len())
        .filter(|index| sockets.socket(*index).local.is_some())
        .collect();
    let mut local = LocalAddresses::new(capture);
    for index in &addressed {
        let socket = sockets.socket(*index);
        if let (Some(netns), Some(Address::Ip(ip, _))) = (socket.netns, socket.local) {
            local.add(netns, ip);
        }
    }
    let join = Join {
        sockets,
        ends: Ends::new(sockets, &addressed),
        receivers: InetReceivers::new(sockets, &addressed),
        listeners: InetListeners::new(sockets, &addressed),
        local,
        orphans,
        nat: Nat::new(capture),
    };
    let connections: Vec<Connection> = addressed
        .into_iter()
        .filter_map(|index| join.connection_of(index))
        .collect();
    let departed = join.departed(host, &connections);
    InetConnections {
        connections,
        departed,
    }
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

    /// The only socket of the host with these addresses.
    fn sole(&self, addresses: (&'static str, Address, Address)) -> Option<usize> {
        match self.by_addresses.get(&addresses)?[..] {
            [sole] => Some(sole),
            _ => None,
        }
    }

    /// The other end of a connection: in the same network namespace, or in another one of this host
    /// (over a veth pair, never over loopback, which each namespace has of its own).
    fn other(&self, index: usize, (netns, protocol, local, remote): Tuple) -> Option<usize> {
        let mirrored = self.by_tuple.get(&(netns, protocol, remote, local));
        mirrored.copied().flatten().or_else(|| {
            let other = self.sole((protocol, remote, local))?;
            let other_netns = self.sockets.socket(other).netns?;
            // Both directions occur once on the host, and the other end has no peer in its own
            // namespace.
            let is_unambiguous = self.sole((protocol, local, remote)) == Some(index)
                && !self
                    .by_tuple
                    .contains_key(&(other_netns, protocol, local, remote));
            (is_unambiguous && !is_loopback(local) && !is_loopback(remote)).then_some(other)
        })
    }
}

struct Join<'a> {
    sockets: HostSockets<'a>,
    ends: Ends<'a>,
    receivers: InetReceivers<'a>,
    listeners: InetListeners<'a>,
    local: LocalAddresses,
    /// Sorted by protocol and addresses.
    orphans: &'a [Orphan],
    nat: Nat,
}

impl Join<'_> {
    /// The connection of a socket, if it has one and is its first end.
    fn connection_of(&self, index: usize) -> Option<Connection> {
        let tuple = tuple(&self.sockets.drafts[index])?;
        match self.ends.other(index, tuple) {
            // Each pair is one connection, made at the first of the two.
            Some(other) => (other > index).then(|| self.pair(index, other)),
            None => self.translated(index, tuple).unwrap_or_else(|| {
                // What a half-open connection from outside is worth, its client has yet to prove.
                let is_half_open = self.sockets.socket(index).state == SocketState::Connecting
                    && is_queued(self.sockets.socket(index));
                (!is_half_open).then(|| self.without_peer(index, tuple))
            }),
        }
    }

    /// The connection of a socket whose addresses are translated; `None` if they are not. Of a
    /// translated pair, one connection is made at the client's end.
    fn translated(
        &self,
        index: usize,
        (_, protocol, local, remote): Tuple,
    ) -> Option<Option<Connection>> {
        if self.nat.is_empty() {
            return None;
        }
        let by = Translator::Conntrack;
        if let Some((own, others)) = self.nat.server((protocol, local, remote)) {
            let translation = Translation {
                from: remote,
                other_end: own,
                by,
            };
            let connection = match self.ends.sole((protocol, own, others)) {
                Some(server) => self.ordered_pair(index, server, &self.listeners.find(server)),
                None => self.connection(index, self.state(index, None), &[]),
            };
            return Some(Some(Connection {
                translation: Some(Box::new(translation)),
                ..connection
            }));
        }
        let (client, from) = self.nat.client((protocol, local, remote))?;
        if self.ends.sole((protocol, client, from)).is_some() {
            return Some(None);
        }
        let translation = Translation {
            from,
            other_end: client,
            by,
        };
        let listeners = self.listeners.find(index);
        Some(Some(Connection {
            translation: Some(Box::new(translation)),
            ..self.connection(index, self.state(index, None), &listeners)
        }))
    }

    fn pair(&self, first: usize, second: usize) -> Connection {
        let is_queued = |index| is_queued(self.sockets.socket(index));
        let is_service = |index| {
            let local = self.sockets.socket(index).local;
            local.is_some_and(Address::is_service)
        };
        let listeners = [first, second].map(|index| self.listeners.find(index));
        let [of_first, of_second] = &listeners;
        // The best evidence that applies to one end and not to the other.
        let evidence = [
            (is_queued(first), is_queued(second)),
            (!of_first.is_empty(), !of_second.is_empty()),
            (is_service(first), is_service(second)),
        ];
        match evidence.into_iter().find(|(first, second)| first != second) {
            Some((false, _)) => self.ordered_pair(first, second, of_second),
            Some((true, _)) => self.ordered_pair(second, first, of_first),
            None => self.ordered_pair(first, second, &[]),
        }
    }

    /// A connection between a client and a server, which one of these listeners accepted.
    fn ordered_pair(&self, client: usize, server: usize, listeners: &[usize]) -> Connection {
        let state = self.state(client, Some(server));
        let connection = self.connection(client, state, listeners);
        let is_queued = is_queued(self.sockets.socket(server));
        Connection {
            b: (!is_queued).then(|| self.sockets.id(server)),
            confirmed: connection.confirmed && self.sockets.socket(server).seen_twice,
            ..connection
        }
    }

    /// The other end is on another host, has no socket any more, or was not captured.
    fn without_peer(&self, index: usize, tuple: Tuple) -> Connection {
        let (netns, protocol, local, remote) = tuple;
        let socket = self.sockets.socket(index);
        let is_local = matches!(remote, Address::Ip(ip, _) if self.local.contains(netns, ip));
        let receivers = self.receivers.find(index, is_local);
        match receivers[..] {
            [receiver] => {
                return Connection {
                    b: Some(self.sockets.id(receiver)),
                    ..self.connection(index, ConnectionState::OneWay, &[])
                };
            }
            [] => {}
            _ => {
                let connection = self.connection(index, ConnectionState::OneWay, &receivers);
                return Connection {
                    listener: None,
                    ..connection
                };
            }
        }
        if socket.state == SocketState::Connecting && is_local {
            let listeners = self.listeners.listening.find(netns, protocol, remote, true);
            return self.connection(index, ConnectionState::Connecting, &listeners);
        }
        let orphan = self.orphan_at(netns, protocol, remote, local);
        // A datagram socket whose receiver is gone.
        let is_closed = orphan.is_some() || socket.kind == SocketType::Dgram && is_local;
        let state = match is_closed {
            true => ConnectionState::Closing,
            false => self.state(index, None),
        };
        Connection {
            orphan,
            ..self.connection(index, state, &self.listeners.find(index))
        }
    }

    /// The state of an orphan: in the same network namespace, or over a veth pair in another one.
    fn orphan_at(
        &self,
        netns: u64,
        protocol: &'static str,
        local: Address,
        remote: Address,
    ) -> Option<SocketState> {
        let key = |row: &Orphan| (row.protocol, row.local, row.remote);
        let wanted = (protocol, local, remote);
        let start = self.orphans.partition_point(|row| key(row) < wanted);
        let mut rows = self.orphans[start..]
            .iter()
            .take_while(|row| key(row) == wanted);
        let is_reachable = |row: &&Orphan| row.netns == netns || !is_loopback(local);
        rows.find(is_reachable).map(|row| row.state)
    }

    fn connection(&self, a: usize, state: ConnectionState, listeners: &[usize]) -> Connection {
        let kind = match self.sockets.socket(a).family {
            Family::Vsock => ConnectionKind::Vsock,
            _ => ConnectionKind::Inet,
        };
        let listeners: Vec<SocketId> = listeners.iter().map(|l| self.sockets.id(*l)).collect();
        let (listener, group) = match listeners[..] {
            [sole] => (Some(sole), Vec::new()),
            _ => (None, listeners),
        };
        Connection {
            listener,
            listener_group: group.into(),
            listener_evidence: listener.map(|_| ListenerEvidence::Address),
            ..self
                .sockets
                .connection(kind, (a, None), state, Evidence::Tuple)
        }
    }

    /// The state of a connection by the states of its ends.
    fn state(&self, a: usize, b: Option<usize>) -> ConnectionState {
        let ends = [Some(a), b].into_iter().flatten();
        let states: Vec<SocketState> = ends.map(|index| self.sockets.socket(index).state).collect();
        if states.contains(&SocketState::Pending) {
            ConnectionState::Pending
        } else if states.contains(&SocketState::Connecting) {
            ConnectionState::Connecting
        } else if states.iter().any(|state| state.is_closing()) {
            ConnectionState::Closing
        } else {
            ConnectionState::Established
        }
    }

    /// Counts the orphans that are no end of a connection.
    fn departed(&self, host: HostId, connections: &[Connection]) -> Vec<Departed> {
        let with_orphan = connections.iter().filter(|c| c.orphan.is_some());
        let ends: BTreeSet<_> = with_orphan
            .filter_map(|connection| {
                let index = connection.a.index() - self.sockets.first;
                let (_, protocol, local, remote) = tuple(&self.sockets.drafts[index])?;
                Some((protocol, remote, local))
            })
            .collect();
        let mut counts: BTreeMap<(u64, Address, IpAddr, SocketState), usize> = BTreeMap::new();
        for row in self.orphans {
            if ends.contains(&(row.protocol, row.local, row.remote)) {
                continue;
            }
            let (server, client) = self.server_and_client(row);
            if let Address::Ip(client, _) = client {
                *counts
                    .entry((row.netns, server, client, row.state))
                    .or_default() += 1;
            }
        }
        let departed = |((netns, server, client, state), count)| Departed {
            host,
            netns,
            server,
            client,
            state,
            count,
        };
        counts.into_iter().map(departed).collect()
    }

    /// The addresses of the server and the client: by the listeners that are left, else by the ports.
    fn server_and_client(&self, row: &Orphan) -> (Address, Address) {
        let has_listener = |address| {
            !self
                .listeners
                .listening
                .find(row.netns, row.protocol, address, true)
                .is_empty()
        };
        let is_server = has_listener(row.local)
            || !has_listener(row.remote) && row.local.is_service() && !row.remote.is_service();
        match is_server {
            true => (row.local, row.remote),
            false => (row.remote, row.local),
        }
    }
}
