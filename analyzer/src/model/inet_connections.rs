//! Connections between internet and vsock sockets: two ends whose address pairs mirror each other, as
//! they are or after translation.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::connection::{Connection, ConnectionKind, ConnectionState, Translation};
use super::departed::Departed;
use super::evidence::{Evidence, ListenerEvidence};
use super::ids::{HostId, SocketId};
use super::inet_address::{BoundSockets, Tuple, is_loopback, is_queued, tuple, wire_protocol};
use super::inet_ends::InetEnds;
use super::inet_listeners::InetListeners;
use super::inet_receivers::InetReceivers;
use super::inet_sockets::Orphan;
use super::local_addresses::LocalAddresses;
use super::nat::Nat;
use super::published_ports::Proxies;
use super::socket::{Address, Family, SocketState, SocketType};
use super::socket_draft::HostSockets;
use super::translations::{Translated, Translations};
use crate::load::Capture;

/// The connections between internet and vsock sockets of a host.
pub(super) struct InetConnections {
    pub(super) connections: Vec<Connection>,
    /// Sorted.
    pub(super) departed: Vec<Departed>,
    /// Addresses of the host's interfaces, sorted.
    pub(super) addresses: Box<[IpAddr]>,
}

/// Finds the connections between a host's internet and vsock sockets.
pub(super) fn connections(
    sockets: HostSockets<'_>,
    orphans: &[Orphan],
    (capture, proxies): (&Capture, Proxies),
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
    let ends = InetEnds::new(sockets, &addressed);
    let listeners = InetListeners::new(sockets, &addressed);
    let others: Vec<(usize, Option<usize>)> = addressed
        .iter()
        .map(|index| (*index, ends.other(*index)))
        .collect();
    let unmatched = others.iter().filter(|(_, other)| other.is_none());
    let unmatched: Vec<usize> = unmatched.map(|(index, _)| *index).collect();
    let translations = Translations::new(
        sockets,
        &unmatched,
        &local,
        (Nat::new(capture), proxies),
        |index| !listeners.find(index).is_empty(),
    );
    let join = Join {
        sockets,
        ends,
        receivers: InetReceivers::new(sockets, &addressed),
        listeners,
        local,
        orphans,
        translations,
    };
    let connections: Vec<Connection> = others
        .into_iter()
        .filter_map(|(index, other)| join.connection_of(index, other))
        .collect();
    let departed = join.departed(host, &connections);
    InetConnections {
        connections,
        departed,
        addresses: join.local.own(),
    }
}

struct Join<'a> {
    sockets: HostSockets<'a>,
    ends: InetEnds<'a>,
    receivers: InetReceivers<'a>,
    listeners: InetListeners<'a>,
    local: LocalAddresses,
    /// Sorted by protocol and addresses.
    orphans: &'a [Orphan],
    translations: Translations,
}

impl Join<'_> {
    /// The connection of a socket whose peer is `other`, if it has one and is its first end.
    fn connection_of(&self, index: usize, other: Option<usize>) -> Option<Connection> {
        let tuple = tuple(&self.sockets.drafts[index])?;
        if let Some(other) = other {
            // Each pair is one connection, made at the first of the two.
            return (other > index).then(|| self.pair(index, other));
        }
        match self.translations.of(index, tuple, self.sockets, &self.ends) {
            Some(Translated::Counterpart) => None,
            Some(Translated::Client(translation, server)) => {
                Some(self.translated(index, server, translation))
            }
            Some(Translated::Server(translation)) => {
                Some(self.of_translated_client(index, translation))
            }
            None => {
                // What a half-open connection from outside is worth, its client has yet to prove.
                let is_half_open = self.sockets.socket(index).state == SocketState::Connecting
                    && is_queued(self.sockets.socket(index));
                (!is_half_open).then(|| self.without_peer(index, tuple))
            }
        }
    }

    /// The connection of a client whose server has another address: at that one, whoever receives or listens
    /// there.
    fn translated(
        &self,
        client: usize,
        server: Option<usize>,
        translation: Translation,
    ) -> Connection {
        let connection = match server {
            Some(server) => self.ordered_pair(client, server, &self.listeners.find(server)),
            None => {
                // Accepted, though its client seems to be the server.
                if !self.listeners.find(client).is_empty() {
                    return self.of_translated_client(client, translation);
                }
                let (receivers, listeners) = self.bound_at(client, translation.other_end);
                match receivers[..] {
                    [receiver] => Connection {
                        b: Some(self.sockets.id(receiver)),
                        ..self.connection(client, ConnectionState::OneWay, &[])
                    },
                    _ => self.connection(client, self.state(client, None), &listeners),
                }
            }
        };
        Connection {
            translation: Some(Box::new(translation)),
            ..connection
        }
    }

    /// The connection of a server whose client was not captured.
    fn of_translated_client(&self, server: usize, translation: Translation) -> Connection {
        let listeners = self.listeners.find(server);
        Connection {
            translation: Some(Box::new(translation)),
            ..self.connection(server, self.state(server, None), &listeners)
        }
    }

    /// The datagram receivers and the listeners at an address: in the client's namespace, if that has the
    /// address, else in the only one where something is bound to it. Private addresses repeat: where
    /// several namespaces answer, it is not known which one is meant.
    fn bound_at(&self, client: usize, address: Address) -> (Vec<usize>, Vec<usize>) {
        let client = self.sockets.socket(client);
        let own_netns = client.netns;
        let (Address::Ip(ip, _), Some(protocol)) = (address, client.protocol) else {
            return Default::default();
        };
        let protocol = wire_protocol(protocol);
        let mut namespaces = self.local.namespaces_of(ip);
        if let Some(own) = own_netns.filter(|own| namespaces.contains(own)) {
            namespaces = [own].into();
        }
        let at = |bound: &BoundSockets<'_>| -> Vec<usize> {
            let of = |netns: &u64| bound.find(*netns, protocol, address, true);
            let mut found = namespaces.iter().map(of).filter(|found| !found.is_empty());
            match (found.next(), found.next()) {
                (Some(only), None) => only,
                _ => Vec::new(),
            }
        };
        let receivers = match client.kind {
            SocketType::Dgram => at(&self.receivers.unconnected),
            _ => Vec::new(),
        };
        (receivers, at(&self.listeners.listening))
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
