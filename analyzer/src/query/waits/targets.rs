//! Resolves the wait of each thread to the processes that can end it.

use std::collections::BTreeMap;

use super::analysis::{ChainEnd, WaitNeed};
use super::fd_lookup::{FdLookup, WaitTarget};
use crate::load::syscall::CallKind;
use crate::model::{Call, FdRelation, FdTarget, HostId, Map, ProcessId, ThreadState, Wait};
use crate::text::escape;

/// The wait of one thread, resolved.
#[derive(Debug, Clone)]
pub(super) struct ResolvedWait {
    pub(super) need: WaitNeed,
    /// Indices into [`TargetTable::targets`]; each of them can end the wait.
    pub(super) targets: Vec<usize>,
    /// Set if the chain ends here: something other than a target can end the wait, or no process is
    /// known that can.
    pub(super) end: Option<ChainEnd>,
    /// The thread waits for other threads of its process: it does not count while these can act.
    pub(super) passive: bool,
}

/// Process, thread (where it has a descriptor table of its own), descriptor.
type FdKey = (ProcessId, Option<u32>, u32);

/// The targets of all waits of a map; threads that wait for the same object share its target.
pub(super) struct TargetTable<'a> {
    map: &'a Map,
    lookup: FdLookup<'a>,
    /// By host and parent's pid.
    children: BTreeMap<(HostId, u32), Vec<ProcessId>>,
    epolls: BTreeMap<FdKey, usize>,
    cache: BTreeMap<(FdTarget, WaitNeed), (Option<usize>, Option<ChainEnd>)>,
    pub(super) targets: Vec<WaitTarget>,
}

impl<'a> TargetTable<'a> {
    pub(super) fn new(map: &'a Map) -> Self {
        let mut children: BTreeMap<_, Vec<ProcessId>> = BTreeMap::new();
        for (index, process) in map.processes.iter().enumerate() {
            let parent = (process.host, process.ppid);
            let child = ProcessId::new(index);
            children.entry(parent).or_default().push(child);
        }
        Self {
            map,
            lookup: FdLookup::new(map),
            children,
            epolls: epolls(map),
            cache: BTreeMap::new(),
            targets: Vec::new(),
        }
    }

    /// Resolves the wait of one thread.
    pub(super) fn resolve(&mut self, wait: &Wait) -> ResolvedWait {
        let ends_here = |need, end| ResolvedWait {
            need,
            targets: Vec::new(),
            end: Some(end),
            passive: false,
        };
        let call = match &wait.state {
            ThreadState::Running => return ends_here(WaitNeed::Nothing, ChainEnd::Running),
            ThreadState::NoCall => return ends_here(WaitNeed::Nothing, ChainEnd::NoCall),
            ThreadState::Unread(_) => return ends_here(WaitNeed::Nothing, ChainEnd::Unknown),
            ThreadState::Call(call) => call,
        };
        match call.kind {
            CallKind::Read => self.fd_target(wait, &call.target, WaitNeed::Data),
            CallKind::Write => self.fd_target(wait, &call.target, WaitNeed::Room),
            CallKind::Connect => self.fd_target(wait, &call.target, WaitNeed::Accept),
            CallKind::Accept => ends_here(WaitNeed::Client, ChainEnd::Anyone),
            CallKind::Epoll => self.epoll(wait, call),
            CallKind::Child => self.child(wait, call),
            CallKind::Poll => ends_here(WaitNeed::Event, ChainEnd::Descriptors),
            CallKind::Sleep => ends_here(WaitNeed::Nothing, ChainEnd::Timer),
            CallKind::Futex | CallKind::Signal if call.timed => {
                ends_here(WaitNeed::Nothing, ChainEnd::Timer)
            }
            CallKind::Futex => ResolvedWait {
                passive: true,
                ..ends_here(WaitNeed::Nothing, ChainEnd::Threads)
            },
            CallKind::Signal => ResolvedWait {
                passive: true,
                ..ends_here(WaitNeed::Nothing, ChainEnd::Signal)
            },
            CallKind::Splice | CallKind::Lock | CallKind::Open | CallKind::Other => {
                ends_here(WaitNeed::Nothing, ChainEnd::Call(call.name))
            }
        }
    }

    fn fd_target(&mut self, wait: &Wait, target: &FdTarget, need: WaitNeed) -> ResolvedWait {
        let (target, end) = self.cached(target, need);
        let mut resolved = ResolvedWait {
            need,
            targets: target.into_iter().collect(),
            end,
            passive: false,
        };
        if resolved.end.is_none() && !self.has_other_peer(&resolved, wait.process) {
            resolved.end = Some(ChainEnd::Itself);
        }
        resolved
    }

    /// Index of the target of a descriptor, which is looked up once for all threads.
    fn cached(&mut self, target: &FdTarget, need: WaitNeed) -> (Option<usize>, Option<ChainEnd>) {
        let key = (target.clone(), need);
        if let Some(cached) = self.cache.get(&key) {
            return cached.clone();
        }
        let (found, end) = match target {
            FdTarget::Socket(id) => self.lookup.socket(*id, need),
            FdTarget::Pipe(id) => self.lookup.pipe(*id, need),
            FdTarget::Other(text) => (None, Some(ChainEnd::File(escape::display(text)))),
            FdTarget::Unknown => (None, Some(ChainEnd::Unknown)),
        };
        let index = found.map(|target| self.add(target));
        self.cache.insert(key, (index, end.clone()));
        (index, end)
    }

    /// An event on any watched descriptor ends the wait; if one of them has no known peer, the wait is
    /// idle.
    fn epoll(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let mut resolved = ResolvedWait {
            need: WaitNeed::Event,
            targets: Vec::new(),
            end: call.timed.then_some(ChainEnd::Anyone),
            passive: false,
        };
        // A thread with a descriptor table of its own has its own row.
        let key = |tid| Some((wait.process, tid, call.fd?));
        let relation = key(Some(wait.tid))
            .and_then(|key| self.epolls.get(&key))
            .or_else(|| self.epolls.get(&key(None)?));
        let map = self.map;
        let Some(FdRelation::Epoll { targets, .. }) = relation.map(|index| &map.relations[*index])
        else {
            resolved.end = Some(ChainEnd::Descriptors);
            return resolved;
        };
        for target in targets {
            let (index, end) = self.cached(&target.target, WaitNeed::Data);
            resolved.targets.extend(index);
            if end.is_some() {
                resolved.end = Some(ChainEnd::Anyone);
            }
        }
        if !self.has_other_peer(&resolved, wait.process) {
            resolved.end = Some(ChainEnd::Anyone);
        }
        resolved
    }

    fn child(&mut self, wait: &Wait, call: &Call) -> ResolvedWait {
        let waiter = self.map.process(wait.process);
        let all = self.children.get(&(waiter.host, waiter.pid));
        let all = all.map(Vec::as_slice).unwrap_or_default();
        let is_awaited = |id: &ProcessId| {
            let child = self.map.process(*id);
            call.child
                .is_some_and(|pid| child.pid == pid || child.ns_pid == pid)
        };
        let mut peers: Vec<ProcessId> = all.iter().copied().filter(is_awaited).collect();
        if peers.is_empty() {
            peers = all.to_vec();
        }
        let mut resolved = ResolvedWait {
            need: WaitNeed::Exit,
            targets: Vec::new(),
            end: peers.is_empty().then_some(ChainEnd::Child),
            passive: false,
        };
        if !peers.is_empty() {
            resolved.targets.push(self.add(WaitTarget {
                peers,
                ..WaitTarget::default()
            }));
        }
        resolved
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

/// Index into `Map::relations` of each epoll descriptor, by process, thread and descriptor.
fn epolls(map: &Map) -> BTreeMap<FdKey, usize> {
    let all = map.relations.iter().enumerate();
    all.filter_map(|(index, relation)| match relation {
        FdRelation::Epoll { holder, .. } => Some(((holder.process, holder.tid, holder.fd), index)),
        _ => None,
    })
    .collect()
}
