//! Which threads of a process its clients wait for.

use std::collections::BTreeMap;
use std::ops::Range;

use super::fd_lookup::WaitTarget;
use super::requests::Requests;
use super::resolver::{ResolvedWait, Standing};
use crate::load::syscall::CallKind;
use crate::model::{FdTarget, Map, ProcessId, ThreadState};

/// What a chain goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// Index into `Map::waits`.
    Thread(usize),
    /// A process that is stopped, or whose threads were not captured.
    Process(ProcessId),
}

impl Node {
    pub(super) fn process(self, map: &Map) -> ProcessId {
        match self {
            Self::Thread(thread) => map.waits[thread].process,
            Self::Process(process) => process,
        }
    }

    pub(super) fn thread(self) -> Option<usize> {
        match self {
            Self::Thread(thread) => Some(thread),
            Self::Process(_) => None,
        }
    }
}

/// The threads of processes.
pub(super) struct Serving<'a> {
    map: &'a Map,
    resolved: &'a [ResolvedWait],
    requests: &'a Requests<'a>,
    threads: BTreeMap<ProcessId, Range<usize>>,
}

impl<'a> Serving<'a> {
    pub(super) fn new(
        map: &'a Map,
        resolved: &'a [ResolvedWait],
        requests: &'a Requests<'a>,
    ) -> Self {
        let mut threads = BTreeMap::new();
        let mut first = 0;
        for chunk in map.waits.chunk_by(|a, b| a.process == b.process) {
            threads.insert(chunk[0].process, first..first + chunk.len());
            first += chunk.len();
        }
        Self {
            map,
            resolved,
            requests,
            threads,
        }
    }

    /// The threads of a process, as indices into `Map::waits`; none of a stopped process.
    pub(super) fn threads(&self, process: ProcessId) -> Range<usize> {
        if self.map.process(process).is_stopped() {
            return 0..0;
        }
        self.threads.get(&process).cloned().unwrap_or_default()
    }

    /// The threads that can end waits for a target: those known, else of each of its peers.
    pub(super) fn of_target(&self, target: &WaitTarget) -> Vec<Node> {
        let known = target.threads.iter().map(|thread| {
            let process = self.map.waits[*thread].process;
            match self.map.process(process).is_stopped() {
                true => Node::Process(process),
                false => Node::Thread(*thread),
            }
        });
        let peers = target.peers.iter();
        let of_peers = peers.flat_map(|peer| self.of_process(*peer, &target.ends));
        known.chain(of_peers).collect()
    }

    /// The threads of a process that serve one of these sockets or pipes: that which reads it, those that
    /// are blocked while another thread polls it, else those that are not bound to another one.
    pub(super) fn of_process(&self, process: ProcessId, ends: &[FdTarget]) -> Vec<Node> {
        let threads = self.threads(process);
        if threads.is_empty() {
            return vec![Node::Process(process)];
        }
        let readers = ends.iter().flat_map(|end| self.requests.readers(end));
        let readers: Vec<usize> = readers
            .copied()
            .filter(|thread| threads.contains(thread))
            .collect();
        if readers.iter().any(|thread| self.reads_alone(*thread)) {
            return readers.into_iter().map(Node::Thread).collect();
        }
        let standing = |thread: usize| self.resolved[thread].standing;
        let blocked = threads
            .clone()
            .filter(|thread| standing(*thread) == Standing::Blocked);
        let candidates: Vec<usize> = match readers.is_empty() {
            true => threads.collect(),
            false => readers.iter().copied().chain(blocked).collect(),
        };
        let best = candidates.iter().map(|thread| standing(*thread)).min();
        let mut serving: Vec<Node> = candidates
            .into_iter()
            .filter(|thread| Some(standing(*thread)) == best)
            .map(Node::Thread)
            .collect();
        serving.sort_unstable();
        serving.dedup();
        serving
    }

    /// Whether the thread is blocked on this one object.
    fn reads_alone(&self, thread: usize) -> bool {
        match &self.map.waits[thread].state {
            ThreadState::Call(call) => call.kind == CallKind::Read,
            _ => false,
        }
    }
}
