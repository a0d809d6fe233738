//! The facts of a map: what rules look up most, and what is derived on demand.

use std::cell::OnceCell;

use whotalks_snapshot::records::Process as Record;

use super::bound_paths::BoundPaths;
use super::fdinfo::Fdinfo;
use super::history::{EarlierSocket, History};
use super::process_tree::{self, ProcessTree};
use crate::load::Capture;
use crate::model::{
    Address, Connection, ConnectionKind, Family, HostId, Map, ProcessId, Socket, SocketId,
    SocketState, SocketType, TimedCapture,
};
use crate::policy::Policy;

/// A map with the captures that it was made of, and what follows from both.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The map.
    pub map: &'a Map,
    /// The captures of its hosts, in the same order.
    pub(crate) captures: Vec<&'a Capture>,
    pub(crate) process_tree: ProcessTree,
    pub(crate) fdinfo: Fdinfo,
    /// Index of the first connection of each socket, as either end; `u32::MAX`: none.
    connections: Vec<u32>,
    /// Holders of the sockets that each listener accepted; sorted.
    pub(super) accepted: OnceCell<Vec<(SocketId, ProcessId)>>,
    pub(super) blocked_writers: OnceCell<Vec<(SocketId, ProcessId)>>,
    pub(super) deadlocks: OnceCell<Vec<Vec<BlockedWriter>>>,
    pub(super) deadlocked_sockets: OnceCell<Vec<SocketId>>,
    bound_paths: OnceCell<BoundPaths<'a>>,
    /// The record of each process.
    pub(super) records: OnceCell<Vec<Option<&'a Record>>>,
    history: Option<History<'a>>,
    /// The policy to compare with, where one was given.
    pub(crate) policy: Option<&'a Policy>,
}

impl<'a> Facts<'a> {
    /// Facts of a map and the captures of its hosts.
    pub fn new(map: &'a Map, captures: Vec<&'a Capture>) -> Self {
        let mut connections = vec![u32::MAX; map.sockets.len()];
        for (index, connection) in map.connections.iter().enumerate().rev() {
            for end in [Some(connection.a), connection.b].into_iter().flatten() {
                connections[end.index()] = index as u32;
            }
        }
        Self {
            process_tree: ProcessTree::new(map),
            fdinfo: Fdinfo::new(map, &captures),
            map,
            captures,
            connections,
            accepted: OnceCell::new(),
            blocked_writers: OnceCell::new(),
            deadlocks: OnceCell::new(),
            deadlocked_sockets: OnceCell::new(),
            bound_paths: OnceCell::new(),
            records: OnceCell::new(),
            history: None,
            policy: None,
        }
    }

    /// Adds the earlier captures of each host, oldest first.
    pub fn with_history(mut self, earlier: Vec<Vec<TimedCapture<'a>>>) -> Self {
        if earlier.iter().any(|of_host| !of_host.is_empty()) {
            self.history = Some(History::new(&self.captures, earlier));
        }
        self
    }

    /// Adds a policy to compare with.
    pub fn with_policy(mut self, policy: Option<&'a Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// Adds an earlier map, its capture and its age.
    #[cfg(test)]
    pub(crate) fn with_earlier_map(mut self, map: Map, capture: &'a Capture, age_ns: u64) -> Self {
        self.history = Some(History::with_map(map, capture, age_ns));
        self
    }

    /// An earlier capture of at least one of the hosts.
    pub(crate) fn history(&self) -> Option<&History<'a>> {
        self.history.as_ref()
    }

    /// The same socket in the earlier capture.
    pub(crate) fn earlier_socket(&self, id: SocketId) -> Option<EarlierSocket<'_>> {
        self.history()?.earlier_socket(self.map.socket(id))
    }

    /// The age of the earlier capture in nanoseconds, where the same socket was `such` in it.
    pub(crate) fn age_ns_where(
        &self,
        id: SocketId,
        such: impl Fn(&EarlierSocket<'_>) -> bool,
    ) -> Option<u64> {
        let earlier = self.earlier_socket(id).filter(such);
        earlier.map(|earlier| earlier.age_ns)
    }

    /// Bound paths and mounts.
    pub(crate) fn bound_paths(&self) -> &BoundPaths<'a> {
        self.bound_paths
            .get_or_init(|| BoundPaths::new(self.map, &self.captures))
    }

    /// The hosts' ids.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.map.hosts.len()).map(HostId::new)
    }

    /// All sockets with their ids.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = (SocketId, &'a Socket)> + use<'a> {
        let sockets = self.map.sockets.iter().enumerate();
        sockets.map(|(index, socket)| (SocketId::new(index), socket))
    }

    /// Whether a Unix socket is one that others connect or send to: a listener, or a bound datagram socket
    /// that is not connected itself.
    pub(crate) fn is_unix_server(&self, id: SocketId) -> bool {
        let socket = self.map.socket(id);
        let is_client = || self.connection(id).is_some_and(|first| first.a == id);
        socket.family == Family::Unix
            && (socket.state == SocketState::Listening
                || socket.kind == SocketType::Dgram
                    && socket.state == SocketState::Unconnected
                    && !is_client())
    }

    /// The process of a pid.
    pub(crate) fn process_by_pid(&self, host: HostId, pid: u32) -> Option<ProcessId> {
        process_tree::find(self.map, host.0, pid)
    }

    /// The processes that hold any of the sockets; a process may occur several times.
    pub(crate) fn holders_of(&self, sockets: &[SocketId]) -> Vec<ProcessId> {
        let holders = |socket: &SocketId| self.map.holding_processes(*socket);
        sockets.iter().flat_map(holders).collect()
    }

    /// The first connection that a socket is an end of.
    pub(crate) fn connection(&self, socket: SocketId) -> Option<&'a Connection> {
        self.map
            .connections
            .get(self.connections[socket.index()] as usize)
    }

    /// The other end of a socket's connection.
    pub(crate) fn peer(&self, socket: SocketId) -> Option<SocketId> {
        let connection = self.connection(socket)?;
        if connection.a == socket {
            connection.b
        } else {
            Some(connection.a)
        }
    }

    /// The end of a connection that belongs to the server; `None`: not known, as of a socketpair.
    pub(crate) fn server_end(&self, connection: &Connection) -> Option<SocketId> {
        let is_accepted = connection.listener.is_some() || !connection.listener_group.is_empty();
        let is_service = |id: SocketId| self.map.socket(id).local.is_some_and(Address::is_service);
        match connection.b {
            Some(b) => (is_accepted || is_service(b)).then_some(b),
            // Where the client is on another host, the only end is the server's.
            None if connection.kind == ConnectionKind::Inet => is_accepted.then_some(connection.a),
            None => None,
        }
    }

    /// Processes that hold the other end of a socket's connection.
    pub(crate) fn peer_processes(&self, socket: SocketId) -> Vec<ProcessId> {
        let peer = self.peer(socket);
        peer.map_or_else(Vec::new, |peer| self.map.holding_processes(peer))
    }
}

/// A thread that is blocked in a write, to a socket or pipe that one other process reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockedWriter {
    pub(crate) writer: ProcessId,
    pub(crate) fd: u32,
    pub(crate) reader: ProcessId,
    /// The socket that it writes to; `None`: a pipe.
    pub(crate) socket: Option<SocketId>,
}
