//! Requests without response: which connections of a process have one, by the times of TCP, by what is
//! unread, and by whether a thread attends to the other end.

use std::collections::{BTreeMap, BTreeSet};

use super::fd_lookup::{FdLookup, Role};
use super::wait_set::WaitSet;
use crate::load::syscall::CallKind;
use crate::model::{Call, ConnectionState, FdTarget, Map, ProcessId, SocketId, ThreadState};

/// A response takes longer than most: a request that is younger is in progress.
const LATE_MS: u32 = 100;

/// Whether a connection has a request without response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// It has; since when, in milliseconds, where TCP tells.
    Late(Option<u32>),
    /// It may have: the server attends to it, and to others.
    Possible,
    /// It has none.
    None,
}

/// What is known about the connections of all processes.
pub(super) struct Requests<'a> {
    map: &'a Map,
    lookup: &'a FdLookup<'a>,
    /// Threads that wait for data or clients of a socket or pipe: indices into `Map::waits`.
    readers: BTreeMap<FdTarget, Vec<usize>>,
    /// By process: whether a thread waits on descriptors that are not known, or is not known itself.
    is_unclear: Vec<bool>,
    /// By process: its connections as a client that may have a request without response, by the socket at
    /// its end.
    upstream: BTreeMap<ProcessId, Vec<(SocketId, Request)>>,
    /// By process: its ends of accepted connections.
    accepted: BTreeMap<ProcessId, Vec<SocketId>>,
}

impl<'a> Requests<'a> {
    pub(super) fn new(map: &'a Map, lookup: &'a FdLookup<'a>, sets: &[WaitSet]) -> Self {
        let mut requests = Self {
            map,
            lookup,
            readers: BTreeMap::new(),
            is_unclear: vec![true; map.processes.len()],
            upstream: BTreeMap::new(),
            accepted: BTreeMap::new(),
        };
        requests.add_readers(sets);
        requests.add_connections();
        requests
    }

    fn add_readers(&mut self, sets: &[WaitSet]) {
        for (index, (wait, set)) in self.map.waits.iter().zip(sets).enumerate() {
            let process = wait.process.index();
            if wait.tid == self.map.processes[process].pid {
                self.is_unclear[process] = false;
            }
            if self.map.processes[process].is_stopped() {
                continue;
            }
            for object in set.objects.iter().filter(|object| object.read) {
                if matches!(object.target, FdTarget::Socket(_) | FdTarget::Pipe(_)) {
                    let readers = self.readers.entry(object.target.clone()).or_default();
                    readers.push(index);
                }
            }
        }
        for (wait, set) in self.map.waits.iter().zip(sets) {
            let is_unclear = set.incomplete || matches!(wait.state, ThreadState::Unread(_));
            self.is_unclear[wait.process.index()] |= is_unclear;
        }
    }

    fn add_connections(&mut self) {
        let map = self.map;
        // By server: its clients, with their ends.
        let mut possible: BTreeMap<ProcessId, Vec<(ProcessId, SocketId)>> = BTreeMap::new();
        let mut late: BTreeSet<ProcessId> = self.blocked_processes();
        for (index, connection) in map.connections.iter().enumerate() {
            use ConnectionState::{Closing, OneWay};
            if matches!(connection.state, Closing | OneWay) {
                continue;
            }
            let ends = [Some(connection.a), connection.b].into_iter().flatten();
            for end in ends {
                match self.lookup.role(end) {
                    Role::Server => {
                        for process in map.using_processes(end) {
                            self.accepted.entry(process).or_default().push(end);
                        }
                    }
                    Role::Client => {
                        let request = self.request(index, end);
                        for process in map.using_processes(end) {
                            match request {
                                Request::Late(_) => _ = late.insert(process),
                                Request::Possible => {
                                    for server in self.servers(index, end) {
                                        possible.entry(server).or_default().push((process, end));
                                    }
                                    continue;
                                }
                                Request::None => continue,
                            }
                            self.upstream
                                .entry(process)
                                .or_default()
                                .push((end, request));
                        }
                    }
                    Role::Listener | Role::Equal => {}
                }
            }
        }
        // A server that itself waits for a response may be why its clients wait.
        let mut queue: Vec<ProcessId> = late.iter().copied().collect();
        while let Some(server) = queue.pop() {
            for (client, end) in possible.remove(&server).unwrap_or_default() {
                let upstream = self.upstream.entry(client).or_default();
                upstream.push((end, Request::Possible));
                if late.insert(client) {
                    queue.push(client);
                }
            }
        }
        for upstream in self.upstream.values_mut() {
            let is_late = |request: &Request| matches!(request, Request::Late(_));
            if upstream.iter().any(|(_, request)| is_late(request)) {
                upstream.retain(|(_, request)| is_late(request));
            }
        }
    }

    /// Processes with a thread that waits for one other process in particular.
    fn blocked_processes(&self) -> BTreeSet<ProcessId> {
        let blocked = self.map.waits.iter().filter(|wait| match &wait.state {
            ThreadState::Call(call) => self.is_blocked(call),
            _ => false,
        });
        blocked.map(|wait| wait.process).collect()
    }

    fn is_blocked(&self, call: &Call) -> bool {
        match (call.kind, &call.target) {
            (CallKind::Read, FdTarget::Socket(id)) => self.lookup.role(*id) == Role::Client,
            (CallKind::Write | CallKind::Connect, FdTarget::Socket(_) | FdTarget::Pipe(_)) => true,
            _ => false,
        }
    }

    /// Whether a connection has a request without response, from the client's end.
    pub(super) fn request(&self, connection: usize, client: SocketId) -> Request {
        let map = self.map;
        let connection = &map.connections[connection];
        let server = match connection.a == client {
            true => connection.b,
            false => Some(connection.a),
        };
        if matches!(
            connection.state,
            ConnectionState::Connecting | ConnectionState::Pending
        ) {
            return Request::Late(None);
        }
        let is_unread = server.is_some_and(|server| {
            map.socket(server).recv_queue_bytes > 0 && !self.is_attended(server)
        });
        if let Some(late_ms) = self.unanswered_ms(client, server) {
            return match late_ms {
                Some(ms) if ms >= LATE_MS => Request::Late(Some(ms)),
                _ if is_unread => Request::Late(None),
                _ => Request::None,
            };
        }
        let Some(server) = server else {
            return Request::None;
        };
        let users = map.using_processes(server);
        let is_stopped = |process: &ProcessId| map.process(*process).is_stopped();
        if is_unread || !users.is_empty() && users.iter().all(is_stopped) {
            return Request::Late(None);
        }
        if self.is_attended(server) {
            return Request::Possible;
        }
        match users.iter().any(|user| self.is_unclear[user.index()]) {
            true => Request::Possible,
            // Its threads wait for other things.
            false => Request::Late(None),
        }
    }

    /// For how long a TCP connection has been without response: `Some(None)`: it has no request, `None`:
    /// not known.
    fn unanswered_ms(&self, client: SocketId, server: Option<SocketId>) -> Option<Option<u32>> {
        let times = |end: SocketId| self.map.tcp_times.get(&end);
        let (asked, answered) = match times(client) {
            Some(times) => (times.sent_ms, times.received_ms),
            None => {
                let times = times(server?)?;
                (times.received_ms, times.sent_ms)
            }
        };
        // The times are since then: the less, the later.
        let is_later = asked.is_some_and(|asked| answered.is_none_or(|at| at > asked));
        Some(asked.filter(|_| is_later))
    }

    /// For how long a request that a server received has been without response, if that is long.
    pub(super) fn late_at_server_ms(&self, server: SocketId) -> Option<u32> {
        let times = self.map.tcp_times.get(&server)?;
        let asked = times.received_ms?;
        let is_later = times.sent_ms.is_none_or(|sent| sent > asked);
        (is_later && asked >= LATE_MS).then_some(asked)
    }

    /// Whether the other end of a client's socket is known to be neglected: its holders wait for other things.
    pub(super) fn is_neglected(&self, client: SocketId) -> bool {
        let mut connections = self.lookup.connections(client);
        let other = connections.next().and_then(|index| {
            let connection = &self.map.connections[index];
            match connection.a == client {
                true => {
                    let listener = connection.listener;
                    connection
                        .b
                        .or(listener)
                        .or_else(|| self.lookup.listener_of(client))
                }
                false => Some(connection.a),
            }
        });
        other.is_some_and(|other| {
            let users = self.map.using_processes(other);
            let is_clear = |user: &ProcessId| !self.is_unclear(*user);
            !self.is_attended(other) && users.iter().all(is_clear)
        })
    }

    /// The request of the connection of a client's socket.
    pub(super) fn of(&self, client: SocketId) -> Request {
        let index = self.lookup.connections(client).next();
        index.map_or(Request::None, |index| self.request(index, client))
    }

    /// The processes that hold the server's end of a connection.
    fn servers(&self, connection: usize, client: SocketId) -> Vec<ProcessId> {
        let connection = &self.map.connections[connection];
        let server = match connection.a == client {
            true => connection.b.or(connection.listener),
            false => Some(connection.a),
        };
        server.map_or_else(Vec::new, |server| self.map.using_processes(server))
    }

    /// The sockets of a process whose connections may have a request without response, those for which there
    /// is evidence only if there are such; sorted.
    pub(super) fn upstream(&self, process: ProcessId) -> &[(SocketId, Request)] {
        self.upstream.get(&process).map_or(&[], Vec::as_slice)
    }

    /// The ends of connections that a process accepted.
    pub(super) fn accepted(&self, process: ProcessId) -> &[SocketId] {
        self.accepted.get(&process).map_or(&[], Vec::as_slice)
    }

    /// Threads that wait for data or clients of a socket or pipe.
    pub(super) fn readers(&self, target: &FdTarget) -> &[usize] {
        self.readers.get(target).map_or(&[], Vec::as_slice)
    }

    /// Whether a thread waits for data or clients of a socket.
    pub(super) fn is_attended(&self, socket: SocketId) -> bool {
        !self.readers(&FdTarget::Socket(socket)).is_empty()
    }

    /// Whether a thread of the process waits on descriptors that are not known.
    pub(super) fn is_unclear(&self, process: ProcessId) -> bool {
        self.is_unclear[process.index()]
    }
}
