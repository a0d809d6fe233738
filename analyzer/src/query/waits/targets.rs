//! Who can end a wait: from the descriptor to the socket or pipe to those at its other end.

use std::collections::BTreeMap;

use super::{End, epolls};
use crate::graph::Conversation;
use crate::load::syscall::CallKind;
use crate::model::{
    Address, Call, Connection, ConnectionState, Family, FdRelation, FdTarget, HostId, Map, PipeId,
    ProcessId, Socket, SocketId, SocketState, ThreadState, Wait,
};
use crate::query::{Via, addressed, named, via};
use crate::text::escape;

/// What is wanted of the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// That it writes.
    Data,
    /// That it reads.
    Room,
    /// That it accepts.
    Accept,
    /// That a client comes.
    Client,
    /// That anything happens.
    Event,
    /// That it ends.
    Exit,
    /// None of these.
    Nothing,
}

impl Need {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Room => "room",
            Self::Accept => "accept",
            Self::Client => "client",
            Self::Event => "event",
            Self::Exit => "exit",
            Self::Nothing => "none",
        }
    }
}

/// Something that can end a wait, in the hands of some processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct WaitTarget {
    /// Who can; sorted.
    pub(super) peers: Vec<ProcessId>,
    /// What it goes over.
    pub(super) via: Via,
    /// Whether a process that could not be read may be another one who can.
    pub(super) incomplete: bool,
}

/// What one thread waits for.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) need: Need,
    /// Each of them can end it: places in [`Needs::targets`].
    pub(super) targets: Vec<usize>,
    /// Something else can end it, or nobody is known who can.
    pub(super) live: Option<End>,
    /// It does nothing for others while there are threads that may.
    pub(super) passive: bool,
}

/// What is looked up for all waits of a map.
pub(super) struct Needs<'a> {
    map: &'a Map,
    /// Connections that each socket is an end of.
    connections: Vec<Vec<u32>>,
    children: BTreeMap<(HostId, u32), Vec<ProcessId>>,
    epolls: BTreeMap<(ProcessId, Option<u32>, u32), usize>,
    known: BTreeMap<(FdTarget, Need), (Option<usize>, Option<End>)>,
    pub(super) targets: Vec<WaitTarget>,
}

impl<'a> Needs<'a> {
    pub(super) fn of(map: &'a Map) -> Self {
        let mut connections = vec![Vec::new(); map.sockets.len()];
        for (at, connection) in map.connections.iter().enumerate() {
            connections[connection.a.index()].push(at as u32);
            if let Some(b) = connection.b.filter(|b| *b != connection.a) {
                connections[b.index()].push(at as u32);
            }
        }
        let mut children: BTreeMap<_, Vec<ProcessId>> = BTreeMap::new();
        for (at, process) in map.processes.iter().enumerate() {
            let parent = (process.host, process.ppid);
            children.entry(parent).or_default().push(ProcessId::new(at));
        }
        Self {
            map,
            connections,
            children,
            epolls: epolls(map),
            known: BTreeMap::new(),
            targets: Vec::new(),
        }
    }

    pub(super) fn of_wait(&mut self, wait: &Wait) -> Outcome {
        let alive = |need, end| Outcome {
            need,
            targets: Vec::new(),
            live: Some(end),
            passive: false,
        };
        let call = match &wait.state {
            ThreadState::Running => return alive(Need::Nothing, End::Running),
            ThreadState::NoCall => return alive(Need::Nothing, End::NoCall),
            ThreadState::Unread(_) => return alive(Need::Nothing, End::Unknown),
            ThreadState::Call(call) => call,
        };
        match call.kind {
            CallKind::Read => self.on(wait, &call.target, Need::Data),
            CallKind::Write => self.on(wait, &call.target, Need::Room),
            CallKind::Connect => self.on(wait, &call.target, Need::Accept),
            CallKind::Accept => alive(Need::Client, End::Anyone),
            CallKind::Epoll => self.epoll(wait, call),
            CallKind::Child => self.child(wait, call),
            CallKind::Poll => alive(Need::Event, End::Descriptors),
            CallKind::Sleep => alive(Need::Nothing, End::Timer),
            CallKind::Futex | CallKind::Signal if call.timed => alive(Need::Nothing, End::Timer),
            CallKind::Futex => Outcome {
                passive: true,
                ..alive(Need::Nothing, End::Threads)
            },
            CallKind::Signal => Outcome {
                passive: true,
                ..alive(Need::Nothing, End::Signal)
            },
            CallKind::Splice | CallKind::Other => alive(Need::Nothing, End::Call(call.name)),
        }
    }

    fn on(&mut self, wait: &Wait, on: &FdTarget, need: Need) -> Outcome {
        let (target, live) = self.known(on, need);
        let mut outcome = Outcome {
            need,
            targets: target.into_iter().collect(),
            live,
            passive: false,
        };
        if outcome.live.is_none() {
            let others = |at: &usize| self.targets[*at].peers.iter().any(|p| *p != wait.process);
            if !outcome.targets.iter().any(others) {
                outcome.live = Some(End::Itself);
            }
        }
        outcome
    }

    fn known(&mut self, on: &FdTarget, need: Need) -> (Option<usize>, Option<End>) {
        let key = (on.clone(), need);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let (target, live) = match on {
            FdTarget::Socket(id) => self.socket(*id, need),
            FdTarget::Pipe(id) => self.pipe(*id, need),
            FdTarget::Other(text) => (None, Some(End::File(escape::display(text)))),
            FdTarget::Unknown => (None, Some(End::Unknown)),
        };
        let at = target.map(|target| {
            self.targets.push(target);
            self.targets.len() - 1
        });
        self.known.insert(key, (at, live.clone()));
        (at, live)
    }

    /// Every target counts; that one of them may be used by anyone makes the whole wait an idle one.
    fn epoll(&mut self, wait: &Wait, call: &Call) -> Outcome {
        let mut outcome = Outcome {
            need: Need::Event,
            targets: Vec::new(),
            live: call.timed.then_some(End::Anyone),
            passive: false,
        };
        let place = |tid| Some((wait.process, tid, call.fd?));
        let relation = place(Some(wait.tid))
            .and_then(|place| self.epolls.get(&place))
            .or_else(|| self.epolls.get(&place(None)?));
        let map = self.map;
        let Some(FdRelation::Epoll { targets, .. }) = relation.map(|at| &map.relations[*at]) else {
            outcome.live = Some(End::Descriptors);
            return outcome;
        };
        for target in targets {
            let (found, live) = self.known(&target.target, Need::Data);
            outcome.targets.extend(found);
            if live.is_some() {
                outcome.live = Some(End::Anyone);
            }
        }
        let others = |at: &usize| self.targets[*at].peers.iter().any(|p| *p != wait.process);
        if !outcome.targets.iter().any(others) {
            outcome.live = Some(End::Anyone);
        }
        outcome
    }

    fn child(&mut self, wait: &Wait, call: &Call) -> Outcome {
        let waiter = self.map.process(wait.process);
        let all = self.children.get(&(waiter.host, waiter.pid));
        let all = all.map(Vec::as_slice).unwrap_or_default();
        let named = |id: &ProcessId| {
            let child = self.map.process(*id);
            call.child
                .is_some_and(|pid| child.pid == pid || child.ns_pid == pid)
        };
        let mut peers: Vec<ProcessId> = all.iter().copied().filter(named).collect();
        if peers.is_empty() {
            peers = all.to_vec();
        }
        let mut outcome = Outcome {
            need: Need::Exit,
            targets: Vec::new(),
            live: peers.is_empty().then_some(End::Child),
            passive: false,
        };
        if !peers.is_empty() {
            outcome.targets.push(self.targets.len());
            self.targets.push(WaitTarget {
                peers,
                ..WaitTarget::default()
            });
        }
        outcome
    }

    fn pipe(&self, id: PipeId, need: Need) -> (Option<WaitTarget>, Option<End>) {
        let pipe = &self.map.pipes[id.index()];
        let holders = if need == Need::Room {
            &pipe.readers
        } else {
            &pipe.writers
        };
        let mut peers: Vec<ProcessId> = holders.iter().map(|holder| holder.process).collect();
        peers.dedup();
        let all_read = self.map.hosts[pipe.host.index()]
            .coverage
            .all_holders_known();
        let target = WaitTarget {
            via: via(self.map, Conversation::Pipe(id)),
            incomplete: !all_read,
            peers,
        };
        held(target)
    }

    fn socket(&self, id: SocketId, need: Need) -> (Option<WaitTarget>, Option<End>) {
        let map = self.map;
        let socket = map.socket(id);
        let mut target = WaitTarget::default();
        let mut live = None;
        let mut seen = false;
        for at in &self.connections[id.index()] {
            let at = *at as usize;
            let connection = &map.connections[at];
            let one_way = connection.state == ConnectionState::OneWay;
            // Datagrams: who sends to us does not read from us.
            if one_way && need == Need::Room && connection.a != id {
                continue;
            }
            // Anyone may send to a socket that is not connected.
            if one_way && need == Need::Data && connection.a != id {
                live = Some(End::Anyone);
            }
            if !seen {
                target.via = via(map, Conversation::Connection(at));
            }
            seen = true;
            match other_end(connection, id) {
                Some(other) => add(map, &mut target, other),
                None => {
                    live = Some(match socket.remote {
                        Some(remote) => End::Outside(remote.to_string()),
                        None if connection.state == ConnectionState::Closing => End::Nobody,
                        None => End::Unreadable,
                    });
                }
            }
        }
        if !seen && need == Need::Accept {
            return self.connecting(socket);
        }
        if !seen {
            return (None, Some(unconnected(socket, need)));
        }
        if live.is_some() {
            let some = !target.peers.is_empty();
            return (some.then_some(target), live);
        }
        held(target)
    }

    /// Those who listen where this socket wants to: by its remote address, or, of Unix sockets
    /// (whose destination is only in memory), by elimination.
    fn connecting(&self, socket: &Socket) -> (Option<WaitTarget>, Option<End>) {
        let map = self.map;
        let all = map.sockets.iter().enumerate();
        let fits = |other: &Socket| {
            other.host == socket.host
                && other.state == SocketState::Listening
                && match (socket.remote, other.local) {
                    (Some(remote), Some(local)) => {
                        other.netns == socket.netns && listens_at(local, remote)
                    }
                    (None, None) => {
                        other.family == Family::Unix
                            && other.kind == socket.kind
                            && other.pending > other.backlog
                    }
                    _ => false,
                }
        };
        let mut found = all
            .filter(|(_, other)| fits(other))
            .map(|(at, _)| SocketId::new(at));
        match (found.next(), found.next(), socket.remote) {
            (None, _, Some(remote)) => (None, Some(End::Outside(remote.to_string()))),
            // One of several full queues: not known which.
            (None, _, None) | (Some(_), Some(_), None) => (None, Some(End::Unknown)),
            (Some(listener), ..) => {
                let mut target = WaitTarget::default();
                let listening = map.socket(listener);
                let name = listening.name.as_ref().map(named);
                target.via = name
                    .or_else(|| listening.local.map(addressed))
                    .unwrap_or_default();
                add(map, &mut target, listener);
                held(target)
            }
        }
    }
}

/// The other end, of a client that waits to be accepted the listener.
fn other_end(connection: &Connection, own: SocketId) -> Option<SocketId> {
    let other = if connection.a == own {
        connection.b
    } else {
        Some(connection.a)
    };
    let pending = connection.state == ConnectionState::Pending;
    other.or(connection.listener.filter(|_| pending))
}

fn add(map: &Map, target: &mut WaitTarget, end: SocketId) {
    target.peers.extend(map.holding_processes(end));
    target.peers.sort_unstable();
    target.peers.dedup();
    target.incomplete |= !map.socket(end).holders_complete;
}

/// A target, or why there is nobody.
fn held(target: WaitTarget) -> (Option<WaitTarget>, Option<End>) {
    match (target.peers.is_empty(), target.incomplete) {
        (true, true) => (None, Some(End::Unreadable)),
        (true, false) => (None, Some(End::Nobody)),
        (false, _) => (Some(target), None),
    }
}

fn unconnected(socket: &Socket, need: Need) -> End {
    match (socket.family, socket.state) {
        (Family::Netlink | Family::Packet, _) => End::Kernel,
        (Family::Other, _) => End::Unknown,
        _ if need == Need::Room => match socket.remote {
            Some(remote) => End::Outside(remote.to_string()),
            // Where it is sent to is only in memory.
            None => End::Unknown,
        },
        _ => End::Anyone,
    }
}

fn listens_at(local: Address, remote: Address) -> bool {
    match (local, remote) {
        (Address::Ip(ip, port), Address::Ip(to, to_port)) => {
            port == to_port && (ip.is_unspecified() || ip.to_canonical() == to.to_canonical())
        }
        (local, remote) => local == remote,
    }
}
