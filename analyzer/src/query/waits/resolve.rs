//! Resolves the wait of each thread to the processes that can end it.

use std::collections::BTreeMap;

use super::analysis::{ChainEnd, WaitNeed, WaitObject};
use super::fd_lookup::{FdLookup, Role, WaitTarget};
use super::kinship::Kinship;
use super::postgresql::{Sessions, is_idle_in_transaction};
use super::requests::{Request, Requests};
use super::wait_set::WaitSet;
use crate::load::syscall::CallKind;
use crate::model::{
    Call, CallMemory, Channel, ChannelEnd, ChannelKind, ChannelRole, Destination, FdTarget, Map,
    ProcessId, SocketId, ThreadState, Wait,
};
use crate::query::via::{Via, ViaKind};
use crate::text::escape;

/// The wait of one thread, resolved.
#[derive(Debug, Clone)]
pub(super) struct ResolvedWait {
    pub(super) need: WaitNeed,
    /// Indices into [`Resolver::targets`]; each of them can end the wait.
    pub(super) targets: Vec<usize>,
    /// Something other than a target that can end the wait; or why no target is known.
    pub(super) end: Option<ChainEnd>,
    pub(super) standing: Standing,
    pub(super) weight: Weight,
    /// For how long a request over TCP has been without response.
    pub(super) late_ms: Option<u32>,
    /// The path of what has no target.
    pub(super) path: Option<Via>,
}

/// What a thread does, as seen by those that wait for its process; what explains their wait best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It waits for others in particular.
    Blocked,
    /// It waits for storage.
    Disk,
    /// It is on a processor.
    Running,
    /// Not known, or in a call that is none of the others.
    Other,
    /// It waits for a child, or for its parent.
    Kin,
    /// It waits for a point in time.
    Asleep,
    /// It waits for other threads.
    Passive,
    /// It waits for clients or work.
    Attending,
}

/// Whether a wait is a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// If it ends at trouble, or somebody waits for the thread.
    Weak,
    /// Unless its end is known to be at work.
    Likely,
    /// Unless its end is idle.
    Strong,
}

/// Resolves waits; threads that wait for the same object share its target.
pub(super) struct Resolver<'a> {
    map: &'a Map,
    lookup: &'a FdLookup<'a>,
    requests: &'a Requests<'a>,
    kinship: Kinship<'a>,
    sessions: Sessions,
    cache: BTreeMap<(FdTarget, WaitNeed), Lookup>,
    pub(super) targets: Vec<WaitTarget>,
}

/// Index of the target, and what else can end the wait, or why there is no target.
type Lookup = (Option<usize>, Option<ChainEnd>);

/// What an object is to a thread that waits for data of it.
enum Part {
    /// A listener or an accepted connection, input of a filter: what it serves.
    Served,
    /// A process that it asks.
    Upstream(usize, Option<SocketId>),
    /// A parent or child.
    Kin(usize),
    /// Something of its own, such as an eventfd or a timer.
    Own,
    /// The network.
    Outside(ChainEnd, Option<SocketId>),
}

impl<'a> Resolver<'a> {
    pub(super) fn new(map: &'a Map, lookup: &'a FdLookup<'a>, requests: &'a Requests<'a>) -> Self {
        Self {
            map,
            lookup,
            requests,
            kinship: Kinship::new(map),
            sessions: Sessions::new(map),
            cache: BTreeMap::new(),
            targets: Vec::new(),
        }
    }

    /// Resolves the wait of one thread.
    pub(super) fn resolve(&mut self, wait: &Wait, set: &WaitSet) -> ResolvedWait {
        use Standing::{Asleep, Attending, Disk, Other, Passive, Running};
        let nothing = WaitNeed::Nothing;
        let call = match &wait.state {
            ThreadState::Running => return ends_here(nothing, ChainEnd::Running, Running),
            ThreadState::NoCall if self.is_uninterruptible(wait) => {
                return ends_here(nothing, ChainEnd::Disk(String::new()), Disk);
            }
            ThreadState::NoCall => return ends_here(nothing, ChainEnd::NoCall, Other),
            ThreadState::Unread(_) => return ends_here(nothing, ChainEnd::Unknown, Other),
            ThreadState::Call(call) => call,
        };
        let process = self.map.process(wait.process);
        if let Some(holders) = self.sessions.lock_holders(process)
            && matches!(
                call.kind,
                CallKind::Epoll | CallKind::Poll | CallKind::Futex | CallKind::Other
            )
        {
            return self.database_lock(holders);
        }
        if is_idle_in_transaction(process)
            && let Some(resolved) = self.client_of(wait.process)
        {
            return resolved;
        }
        match call.kind {
            CallKind::Read => self.read(wait, call),
            CallKind::Write => self.blocked_on(wait, call, WaitNeed::Room),
            CallKind::Connect => self.blocked_on(wait, call, WaitNeed::Accept),
            CallKind::Accept => ends_here(WaitNeed::Client, ChainEnd::Anyone, Attending),
            CallKind::Epoll | CallKind::Poll => self.any_of(wait, call, set),
            CallKind::Child => self.child(wait, call),
            CallKind::Sleep => ends_here(nothing, ChainEnd::Timer, Asleep),
            CallKind::Futex => self.futex(wait, call),
            CallKind::Signal if call.timed => ends_here(nothing, ChainEnd::Timer, Asleep),
            CallKind::Signal => ends_here(nothing, ChainEnd::Signal, Passive),
            CallKind::Open => self.open(wait, call),
            CallKind::Lock if !self.locks(wait.process).is_empty() => self.file_lock(wait),
            CallKind::Lock | CallKind::Splice | CallKind::Other => {
                match self.is_uninterruptible(wait) {
                    true => {
                        let name = call.name.unwrap_or_default().to_owned();
                        ends_here(nothing, ChainEnd::Disk(name), Disk)
                    }
                    false => ends_here(nothing, ChainEnd::Call(call.name), Other),
                }
            }
        }
    }

    /// Whether the thread is in state D; only that of the main thread is captured.
    fn is_uninterruptible(&self, wait: &Wait) -> bool {
        let process = self.map.process(wait.process);
        process.state == b'D' && process.pid == wait.tid
    }

    /// A thread that reads from one object.
    fn read(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let need = WaitNeed::Data;
        let object = WaitObject {
            fd: call.fd,
            target: call.target.clone(),
            read: true,
            write: false,
        };
        let (target, end) = self.cached(&call.target, need);
        let mut resolved = ResolvedWait {
            need,
            targets: target.into_iter().collect(),
            end,
            standing: Standing::Attending,
            weight: Weight::Weak,
            late_ms: None,
            path: None,
        };
        if let FdTarget::Other(link) = &call.target {
            resolved.end = Some(self.file_end(wait, link));
            resolved.standing = match resolved.end {
                Some(ChainEnd::Disk(_)) => Standing::Disk,
                _ => Standing::Other,
            };
            return resolved;
        }
        if !self.has_other_peer(&resolved, wait.process) && resolved.end.is_none() {
            resolved.end = Some(ChainEnd::Itself);
            resolved.targets.clear();
            return resolved;
        }
        match self.part(wait, &object) {
            Part::Upstream(_, socket) | Part::Outside(_, socket) => {
                resolved.standing = Standing::Blocked;
                (resolved.weight, resolved.late_ms) = match socket {
                    Some(socket) if self.map.tcp_times.contains_key(&socket) => {
                        match self.requests.of(socket) {
                            Request::Late(late_ms) => (Weight::Strong, late_ms),
                            // It waits to be greeted.
                            _ if self.requests.is_neglected(socket) => (Weight::Strong, None),
                            _ => (Weight::Weak, None),
                        }
                    }
                    _ => (Weight::Strong, None),
                };
            }
            Part::Kin(_) => resolved.standing = Standing::Kin,
            // It could end its own wait, and is in this one.
            Part::Own => resolved.standing = Standing::Blocked,
            Part::Served => {}
        }
        resolved
    }

    /// The processes at the other end of a pseudo-terminal, by a descriptor of it.
    fn terminal(&mut self, process: ProcessId, fd: Option<u32>) -> Option<usize> {
        let is_own = |end: &&ChannelEnd| end.process == process && end.fd == fd;
        let terminals = self.map.channels.iter();
        let mut terminals = terminals.filter(|channel| channel.kind == ChannelKind::Pty);
        let (terminal, own) =
            terminals.find_map(|one| Some((one, one.ends.iter().find(is_own)?)))?;
        let peers = terminal.processes(match own.role {
            ChannelRole::Master => ChannelRole::Slave,
            _ => ChannelRole::Master,
        });
        let via = Via {
            text: escape::display(&terminal.name),
            kind: ViaKind::Path,
        };
        (fd.is_some() && !peers.is_empty()).then(|| {
            self.add(WaitTarget {
                peers,
                via,
                ..WaitTarget::default()
            })
        })
    }

    /// A thread that is blocked in a write or connect.
    fn blocked_on(&mut self, wait: &Wait, call: &Call, need: WaitNeed) -> ResolvedWait {
        let destination = match &call.memory {
            CallMemory::Destination(Ok(destination)) => destination.as_ref(),
            _ => None,
        };
        let (target, end) = match destination {
            Some(_) => self.look_up(&call.target, need, destination),
            None => self.cached(&call.target, need),
        };
        let mut resolved = ResolvedWait {
            need,
            targets: target.into_iter().collect(),
            end,
            standing: Standing::Blocked,
            weight: Weight::Strong,
            late_ms: None,
            path: None,
        };
        let terminal = match call.target {
            FdTarget::Other(_) => self.terminal(wait.process, call.fd),
            _ => None,
        };
        if let Some(terminal) = terminal {
            resolved.targets = vec![terminal];
            resolved.end = None;
        } else if let FdTarget::Other(link) = &call.target {
            let end = self.file_end(wait, link);
            resolved.standing = match end {
                ChainEnd::Disk(_) => Standing::Disk,
                _ => Standing::Other,
            };
            resolved.end = Some(end);
            resolved.weight = Weight::Weak;
        } else if resolved.end.is_none() && !self.has_other_peer(&resolved, wait.process) {
            resolved.end = Some(ChainEnd::Itself);
            resolved.targets.clear();
        }
        resolved
    }

    /// A thread that waits for any of several objects.
    fn any_of(&mut self, wait: &Wait, call: &Call, set: &WaitSet) -> ResolvedWait {
        let mut resolved = ResolvedWait {
            need: WaitNeed::Event,
            targets: Vec::new(),
            end: None,
            standing: Standing::Attending,
            weight: Weight::Weak,
            late_ms: None,
            path: None,
        };
        let mut served = set.incomplete;
        let (mut own, mut upstream, mut kin) = (false, Vec::new(), Vec::new());
        let mut outside = None;
        for object in &set.objects {
            if object.write && self.add_room(wait, object, &mut resolved) {
                continue;
            }
            match self.part(wait, object) {
                _ if !object.read => own = true,
                Part::Served => served = true,
                Part::Upstream(target, socket) => upstream.push((target, socket)),
                Part::Kin(target) => kin.push(target),
                Part::Own => own = true,
                Part::Outside(end, socket) => {
                    let request = socket.map(|socket| self.requests.of(socket));
                    let is_late = matches!(request, Some(Request::Late(_)));
                    if is_late || outside.is_none() {
                        outside = Some((end, request));
                    }
                }
            }
        }
        if !resolved.targets.is_empty() {
            resolved.end = (served || own).then_some(ChainEnd::Anyone);
            return resolved;
        }
        if served {
            resolved.end = Some(match set.objects.is_empty() {
                true => ChainEnd::Descriptors,
                false => ChainEnd::Anyone,
            });
            if set.objects.is_empty() {
                resolved.standing = Standing::Other;
            }
            self.add_upstream(wait.process, &mut resolved);
            return resolved;
        }
        if upstream.is_empty()
            && let Some((end, request)) = outside
        {
            resolved.standing = Standing::Blocked;
            resolved.end = Some(end);
            if let Some(Request::Late(late_ms)) = request {
                (resolved.weight, resolved.late_ms) = (Weight::Strong, late_ms);
            }
            return resolved;
        }
        resolved.end = (own || outside.is_some()).then_some(ChainEnd::Itself);
        if !upstream.is_empty() {
            self.add_asked(&upstream, &mut resolved);
        } else if !kin.is_empty() && !own {
            // Otherwise a server that notices the end of its parent, and waits for an event.
            resolved.standing = Standing::Kin;
            resolved.targets = kin;
        } else if call.timed {
            resolved.standing = Standing::Asleep;
            resolved.end = Some(ChainEnd::Timer);
        } else {
            resolved.standing = Standing::Passive;
            resolved.end = Some(ChainEnd::Itself);
        }
        resolved
    }

    /// A thread that waits for processes that it asks, and for nobody else.
    fn add_asked(&self, upstream: &[(usize, Option<SocketId>)], resolved: &mut ResolvedWait) {
        let request = |socket: &Option<SocketId>| socket.map(|socket| self.requests.of(socket));
        let is_late = |(_, socket): &&(usize, Option<SocketId>)| {
            matches!(request(socket), Some(Request::Late(_)))
        };
        let late: Vec<_> = upstream.iter().filter(is_late).collect();
        resolved.standing = Standing::Blocked;
        resolved.weight = match (&late[..], upstream) {
            ([_, ..], _) => Weight::Strong,
            ([], [(_, socket)]) if request(socket) != Some(Request::None) => Weight::Likely,
            _ => Weight::Weak,
        };
        resolved.late_ms = late.iter().find_map(|(_, socket)| match request(socket) {
            Some(Request::Late(late_ms)) => late_ms,
            _ => None,
        });
        let asked: Vec<_> = match late.is_empty() {
            true => upstream.iter().collect(),
            false => late,
        };
        resolved.targets = asked.into_iter().map(|(target, _)| *target).collect();
    }

    /// Adds the processes from which an event loop waits for a response.
    fn add_upstream(&mut self, process: ProcessId, resolved: &mut ResolvedWait) {
        let requests = self.requests;
        for (socket, request) in requests.upstream(process) {
            let (target, end) = self.cached(&FdTarget::Socket(*socket), WaitNeed::Data);
            match (target, end) {
                (Some(target), _) => resolved.targets.push(target),
                (None, Some(end)) => resolved.end = Some(end),
                (None, None) => continue,
            }
            resolved.standing = Standing::Blocked;
            if let Request::Late(late_ms) = request {
                resolved.late_ms = resolved.late_ms.max(*late_ms);
            }
        }
    }

    /// Adds a target that must make room, or accept. False if there is none.
    fn add_room(&mut self, wait: &Wait, object: &WaitObject, resolved: &mut ResolvedWait) -> bool {
        use crate::model::SocketState::{Connecting, Unconnected};
        let need = match &object.target {
            FdTarget::Socket(id)
                if matches!(self.map.socket(*id).state, Connecting | Unconnected) =>
            {
                WaitNeed::Accept
            }
            FdTarget::Socket(_) | FdTarget::Pipe(_) => WaitNeed::Room,
            _ => return false,
        };
        let (Some(target), _) = self.cached(&object.target, need) else {
            return false;
        };
        if self.targets[target]
            .peers
            .iter()
            .all(|peer| *peer == wait.process)
        {
            return false;
        }
        resolved.need = need;
        resolved.targets.push(target);
        (resolved.standing, resolved.weight) = (Standing::Blocked, Weight::Strong);
        true
    }

    /// What an object is to a thread that waits for data of it.
    fn part(&mut self, wait: &Wait, object: &WaitObject) -> Part {
        let socket = match object.target {
            FdTarget::Socket(id) => Some(id),
            _ => None,
        };
        // Input of a filter, or of a person.
        if object.fd == Some(0) && socket.is_none() {
            return Part::Served;
        }
        let role = socket.map_or(Role::Equal, |id| self.lookup.role(id));
        if matches!(role, Role::Listener | Role::Server) {
            return Part::Served;
        }
        match self.cached(&object.target, WaitNeed::Data) {
            (Some(target), end) => {
                let mut peers = self.targets[target].peers.iter();
                let others: Vec<_> = peers
                    .by_ref()
                    .filter(|peer| **peer != wait.process)
                    .collect();
                let is_shared = others.len() < self.targets[target].peers.len();
                if others.is_empty() || is_shared && socket.is_none() {
                    Part::Own
                } else if end.is_some() {
                    // Anybody may write to a FIFO, or send datagrams.
                    Part::Served
                } else if role == Role::Client {
                    Part::Upstream(target, socket)
                } else if others
                    .iter()
                    .all(|peer| self.kinship.is_kin(wait.process, **peer))
                {
                    Part::Kin(target)
                } else {
                    Part::Upstream(target, socket)
                }
            }
            (None, Some(end @ ChainEnd::Outside(_))) => Part::Outside(end, socket),
            (None, Some(ChainEnd::Anyone | ChainEnd::Unknown | ChainEnd::Unreadable)) => {
                Part::Served
            }
            (None, _) => Part::Own,
        }
    }

    /// The locks of files that a process waits for.
    fn locks(&self, waiter: ProcessId) -> Vec<&'a Channel> {
        let locks = self.map.channels.iter();
        locks
            .filter(|channel| channel.kind == ChannelKind::Lock)
            .filter(|lock| lock.processes(ChannelRole::Waiter).contains(&waiter))
            .collect()
    }

    /// A thread that waits for a lock of a file.
    fn file_lock(&mut self, wait: &Wait) -> ResolvedWait {
        let mut resolved = ResolvedWait {
            weight: Weight::Strong,
            ..ends_here(WaitNeed::Unlock, ChainEnd::Nobody, Standing::Blocked)
        };
        for lock in self.locks(wait.process) {
            let peers = lock.processes(ChannelRole::Holder);
            let via = Via {
                text: escape::display(&lock.name),
                kind: ViaKind::Path,
            };
            match peers.is_empty() {
                true => resolved.end = Some(ChainEnd::Lock(via.text)),
                false => resolved.targets.push(self.add(WaitTarget {
                    peers,
                    via,
                    ..WaitTarget::default()
                })),
            }
        }
        if !resolved.targets.is_empty() {
            resolved.end = None;
        }
        resolved
    }

    /// A session of PostgreSQL that waits for a lock.
    fn database_lock(&mut self, holders: Vec<ProcessId>) -> ResolvedWait {
        let mut resolved = ends_here(
            WaitNeed::Unlock,
            ChainEnd::Lock("a lock of PostgreSQL, by its title".to_owned()),
            Standing::Blocked,
        );
        resolved.weight = Weight::Strong;
        if !holders.is_empty() {
            resolved.end = None;
            resolved.targets.push(self.add(WaitTarget {
                peers: holders,
                via: Via::default(),
                ..WaitTarget::default()
            }));
        }
        resolved
    }

    /// A server process that waits for the next statement of its only client.
    fn client_of(&mut self, process: ProcessId) -> Option<ResolvedWait> {
        let requests = self.requests;
        let [socket] = requests.accepted(process) else {
            return None;
        };
        let (target, end) = self.cached(&FdTarget::Socket(*socket), WaitNeed::Data);
        Some(ResolvedWait {
            need: WaitNeed::Data,
            targets: target.into_iter().collect(),
            end,
            standing: Standing::Blocked,
            weight: Weight::Weak,
            late_ms: None,
            path: None,
        })
    }

    fn child(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let all = self.kinship.children(wait.process);
        let is_awaited = |id: &ProcessId| {
            let child = self.map.process(*id);
            call.child
                .is_some_and(|pid| child.pid == pid || child.ns_pid == pid)
        };
        let mut peers: Vec<ProcessId> = all.iter().copied().filter(is_awaited).collect();
        if peers.is_empty() {
            peers = all.to_vec();
        }
        let mut resolved = ends_here(WaitNeed::Exit, ChainEnd::Child, Standing::Kin);
        if !peers.is_empty() {
            resolved.end = None;
            resolved.targets.push(self.add(WaitTarget {
                peers,
                ..WaitTarget::default()
            }));
        }
        resolved
    }

    /// A thread that waits for a mutex or read-write lock of its process, or for something else in memory.
    fn futex(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let waits = &self.map.waits;
        let owner = call.owner_tid().and_then(|owner| {
            waits
                .binary_search_by_key(&(wait.process, owner), |wait| (wait.process, wait.tid))
                .ok()
        });
        let Some(owner) = owner else {
            return match call.timed {
                true => ends_here(WaitNeed::Nothing, ChainEnd::Timer, Standing::Passive),
                false => ends_here(WaitNeed::Nothing, ChainEnd::Threads, Standing::Passive),
            };
        };
        let target = self.add(WaitTarget {
            threads: vec![owner],
            ..WaitTarget::default()
        });
        ResolvedWait {
            need: WaitNeed::Unlock,
            targets: vec![target],
            end: None,
            standing: Standing::Blocked,
            weight: Weight::Likely,
            late_ms: None,
            path: None,
        }
    }

    /// A thread that opens a FIFO whose other end is not open, or another file.
    fn open(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let path = match &call.memory {
            CallMemory::Path(Ok(path)) => escape::display(path),
            _ => String::new(),
        };
        if *wait.wchan == *b"wait_for_partner" {
            let path = Via {
                kind: match path.is_empty() {
                    true => ViaKind::Unnamed,
                    false => ViaKind::Path,
                },
                text: path,
            };
            return ResolvedWait {
                weight: Weight::Strong,
                path: Some(path),
                ..ends_here(WaitNeed::Open, ChainEnd::Nobody, Standing::Blocked)
            };
        }
        match self.is_uninterruptible(wait) {
            true => ends_here(WaitNeed::Nothing, ChainEnd::Disk(path), Standing::Disk),
            false => ends_here(
                WaitNeed::Nothing,
                ChainEnd::Call(call.name),
                Standing::Other,
            ),
        }
    }

    /// What ends the read or write of a file that is no socket or pipe.
    fn file_end(&self, wait: &Wait, link: &[u8]) -> ChainEnd {
        let text = escape::display(link);
        match self.is_uninterruptible(wait) {
            true => ChainEnd::Disk(text),
            false => ChainEnd::File(text),
        }
    }

    /// The target of a descriptor, which is looked up once for all threads.
    fn cached(&mut self, target: &FdTarget, need: WaitNeed) -> Lookup {
        let key = (target.clone(), need);
        if let Some(cached) = self.cache.get(&key) {
            return cached.clone();
        }
        let found = self.look_up(target, need, None);
        self.cache.insert(key, found.clone());
        found
    }

    fn look_up(
        &mut self,
        target: &FdTarget,
        need: WaitNeed,
        destination: Option<&Destination>,
    ) -> Lookup {
        let (found, end) = match target {
            FdTarget::Socket(id) => self.lookup.socket(*id, need, destination),
            FdTarget::Pipe(id) => self.lookup.pipe(*id, need),
            FdTarget::Other(text) => (None, Some(ChainEnd::File(escape::display(text)))),
            FdTarget::Unknown => (None, Some(ChainEnd::Unknown)),
        };
        (found.map(|target| self.add(target)), end)
    }

    fn add(&mut self, target: WaitTarget) -> usize {
        self.targets.push(target);
        self.targets.len() - 1
    }

    fn has_other_peer(&self, resolved: &ResolvedWait, own: ProcessId) -> bool {
        let has_other = |index: &usize| self.targets[*index].peers.iter().any(|peer| *peer != own);
        resolved.targets.iter().any(has_other)
    }
}

fn ends_here(need: WaitNeed, end: ChainEnd, standing: Standing) -> ResolvedWait {
    ResolvedWait {
        need,
        targets: Vec::new(),
        end: Some(end),
        standing,
        weight: Weight::Weak,
        late_ms: None,
        path: None,
    }
}
