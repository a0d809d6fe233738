//! Which waits are problems, and the rows of the answer.
//!
//! A thread that is blocked on another in particular is one, unless that one is idle. A thread that waits
//! for any of several is one only if somebody waits for it: a thread with a problem, clients in the queue of
//! its listener, data that no thread reads, or a client without response.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::analysis::{
    BlockedThread, ChainEnd, ChainStep, WaitAnalysis, WaitClass, WaitNeed, WaitObject,
};
use super::chains::Chains;
use super::fd_lookup::{FdLookup, Role, WaitTarget};
use super::postgresql::is_idle_in_transaction;
use super::requests::{Request, Requests};
use super::resolver::{ResolvedWait, Standing, Weight};
use super::serving::{Node, Serving};
use super::wait_set::WaitSet;
use crate::model::{FdTarget, Map, ProcessId, SocketId, SocketState, ThreadState};
use crate::query::via::Via;

/// Everything that the rows are made of.
pub(super) struct Problems<'a> {
    pub(super) map: &'a Map,
    pub(super) lookup: &'a FdLookup<'a>,
    pub(super) sets: &'a [WaitSet],
    pub(super) requests: &'a Requests<'a>,
    pub(super) targets: &'a [WaitTarget],
    pub(super) resolved: &'a [ResolvedWait],
    pub(super) serving: &'a Serving<'a>,
    pub(super) chains: &'a Chains<'a>,
}

impl Problems<'_> {
    /// The rows: problems first, those with the same end together, the worst end first.
    pub(super) fn analysis(&self) -> WaitAnalysis {
        let mut analysis = WaitAnalysis::default();
        for wait in &self.map.waits {
            match &wait.state {
                ThreadState::Running => analysis.running += 1,
                ThreadState::Unread(_) => analysis.unread += 1,
                ThreadState::NoCall | ThreadState::Call(_) => {}
            }
        }
        let neglected = self.neglected();
        let mut late: BTreeMap<usize, u32> = BTreeMap::new();
        let mut rows: Vec<BlockedThread> = (0..self.resolved.len())
            .filter(|thread| !self.is_stopped(self.map.waits[*thread].process))
            .map(|thread| self.row(thread))
            .collect();
        let mut row_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            row_of.extend(row.wait.map(|thread| (thread, index)));
        }
        // What somebody waits for, and what that waits for.
        let mut demanded: Vec<usize> = Vec::new();
        for (node, sockets) in &neglected {
            if let Some(row) = node.thread().and_then(|thread| row_of.get(&thread)) {
                rows[*row].neglects.clone_from(sockets);
                rows[*row].problem = true;
                demanded.push(*row);
            }
        }
        self.add_unanswered(&mut late);
        for (thread, ms) in late {
            let row = row_of[&thread];
            rows[row].late_ms = rows[row].late_ms.max(Some(ms));
            rows[row].problem = true;
            demanded.push(row);
        }
        demanded.extend((0..rows.len()).filter(|row| rows[*row].problem));
        self.add_parents(&mut rows);
        let mut visited: BTreeSet<usize> = BTreeSet::new();
        while let Some(row) = demanded.pop() {
            if !visited.insert(row) {
                continue;
            }
            let steps = rows[row].chain.iter();
            let threads: Vec<usize> = steps.filter_map(|step| step.wait).collect();
            for thread in threads {
                let Some(next) = row_of.get(&thread).copied() else {
                    continue;
                };
                if !rows[next].chain.is_empty() {
                    rows[next].problem = true;
                }
            }
        }
        rows.retain(|row| {
            let in_call = row
                .wait
                .is_some_and(|thread| matches!(self.map.waits[thread].state, ThreadState::Call(_)));
            in_call || row.problem
        });
        self.add_stopped(&mut rows, &neglected);
        for row in &mut rows {
            row.class = self.class(row);
        }
        sort(&mut rows);
        analysis.waits = rows;
        analysis
    }

    /// Marks threads that wait for parents or children, all of which have a problem or are stopped.
    fn add_parents(&self, rows: &mut [BlockedThread]) {
        let mut troubled: BTreeSet<ProcessId> = rows
            .iter()
            .filter(|row| row.problem)
            .map(|row| row.process)
            .collect();
        let mut kin: Vec<usize> = (0..rows.len())
            .filter(|row| {
                let thread = rows[*row].wait;
                thread.is_some_and(|thread| self.resolved[thread].standing == Standing::Kin)
            })
            .collect();
        // The next step of a chain has a shorter one.
        kin.sort_by_key(|row| rows[*row].length);
        for row in kin {
            let mut peers = rows[row].peers.iter();
            let is_troubled = |peer: &ProcessId| self.is_stopped(*peer) || troubled.contains(peer);
            if !rows[row].peers.is_empty() && peers.all(is_troubled) {
                rows[row].problem = true;
                troubled.insert(rows[row].process);
            }
        }
    }

    fn is_stopped(&self, process: ProcessId) -> bool {
        self.map.process(process).is_stopped()
    }

    fn row(&self, thread: usize) -> BlockedThread {
        let map = self.map;
        let resolved = &self.resolved[thread];
        let process = map.waits[thread].process;
        let targets = || resolved.targets.iter().map(|target| &self.targets[*target]);
        let known = targets().flat_map(|target| &target.threads);
        let known = known.map(|thread| map.waits[*thread].process);
        let peers = targets().flat_map(|target| &target.peers).copied();
        let mut peers: Vec<ProcessId> =
            peers.chain(known).filter(|peer| *peer != process).collect();
        peers.sort_unstable();
        peers.dedup();
        let chain = self.chains.follow(thread);
        let end = self.transaction(&chain.steps, chain.end);
        let mut row = BlockedThread {
            process,
            wait: Some(thread),
            problem: false,
            on: self.objects(thread),
            need: resolved.need,
            via: match targets().next() {
                Some(target) => target.via.clone(),
                None => resolved.path.clone().unwrap_or_default(),
            },
            peers,
            chain: chain.steps,
            length: chain.length,
            end,
            class: WaitClass::Idle,
            late_ms: resolved.late_ms,
            neglects: Vec::new(),
        };
        row.problem = self.is_problem(thread, &row);
        row
    }

    /// The end of a chain that passes a session which is idle in a transaction.
    fn transaction(&self, steps: &[ChainStep], end: ChainEnd) -> ChainEnd {
        let mut steps = steps.iter().map(|step| self.map.process(step.process));
        let passes = steps.any(is_idle_in_transaction);
        match end {
            ChainEnd::Stopped | ChainEnd::Cycle(_) => end,
            end if passes => ChainEnd::Transaction(Box::new(end)),
            end => end,
        }
    }

    /// What a thread waits on; first that on which it waits for a response.
    fn objects(&self, thread: usize) -> Vec<WaitObject> {
        let mut objects = self.sets[thread].objects.clone();
        let upstream = self.requests.upstream(self.map.waits[thread].process);
        objects.sort_by_key(|object| {
            let is_asked = match object.target {
                FdTarget::Socket(id) => upstream.iter().any(|(socket, _)| *socket == id),
                _ => false,
            };
            (!is_asked, object.fd)
        });
        objects
    }

    /// Whether a thread's wait is a problem by itself.
    fn is_problem(&self, thread: usize, row: &BlockedThread) -> bool {
        let resolved = &self.resolved[thread];
        if let ChainEnd::Cycle(cycle) = row.end {
            return self.chains.is_harmful(cycle);
        }
        let is_quiet = matches!(
            row.end,
            ChainEnd::Anyone | ChainEnd::Signal | ChainEnd::Itself | ChainEnd::Threads
        );
        match resolved.weight {
            Weight::Strong => {
                !matches!(resolved.need, WaitNeed::Data | WaitNeed::Event)
                    || !matches!(row.end, ChainEnd::Anyone)
                    || self.is_neglected(row)
            }
            Weight::Likely => {
                !is_quiet
                    && !matches!(
                        row.end,
                        ChainEnd::Running | ChainEnd::Unknown | ChainEnd::Descriptors
                    )
            }
            Weight::Weak => {
                let process = self.map.waits[thread].process;
                let is_loop = self.sets[thread].is_any && resolved.standing == Standing::Blocked;
                let is_late =
                    |(_, request): &(SocketId, Request)| matches!(request, Request::Late(_));
                let waits_for_one = match resolved.standing {
                    Standing::Blocked if is_loop => {
                        self.requests.upstream(process).iter().any(is_late)
                    }
                    Standing::Blocked => !is_idle_in_transaction(self.map.process(process)),
                    _ => false,
                };
                row.end.is_trouble() && waits_for_one && !resolved.targets.is_empty()
            }
        }
    }

    /// Whether nobody attends to the connection that a thread waits on.
    fn is_neglected(&self, row: &BlockedThread) -> bool {
        let sockets = row.on.iter().filter_map(|on| match on.target {
            FdTarget::Socket(id) if self.lookup.role(id) == Role::Client => Some(id),
            _ => None,
        });
        let mut sockets = sockets.peekable();
        sockets.peek().is_some() && sockets.all(|socket| self.requests.is_neglected(socket))
    }

    /// Sockets with clients or data that no thread takes, by the threads or processes that should.
    fn neglected(&self) -> BTreeMap<Node, Vec<SocketId>> {
        let mut neglected: BTreeMap<Node, Vec<SocketId>> = BTreeMap::new();
        for (index, socket) in self.map.sockets.iter().enumerate() {
            let id = SocketId::new(index);
            let is_queue = socket.state == SocketState::Listening && socket.pending > Some(0);
            let is_unread = !is_queue
                && socket.recv_queue_bytes > 0
                && socket.state == SocketState::Established
                && self.lookup.role(id) == Role::Server
                && socket.shutdown == 0;
            if !is_queue && !is_unread || self.requests.is_attended(id) {
                continue;
            }
            let is_full = socket.pending > socket.backlog;
            for process in self.map.using_processes(id) {
                // Perhaps it polls it.
                if self.requests.is_unclear(process) && !is_full && !self.is_stopped(process) {
                    continue;
                }
                for node in self.serving.of_process(process, &[FdTarget::Socket(id)]) {
                    let standing = node.thread().map(|thread| self.resolved[thread].standing);
                    if is_queue || standing != Some(Standing::Running) {
                        neglected.entry(node).or_default().push(id);
                    }
                }
            }
        }
        neglected
    }

    /// Adds threads that wait for others while clients over TCP have no response, and for how long.
    fn add_unanswered(&self, late: &mut BTreeMap<usize, u32>) {
        let mut oldest: BTreeMap<ProcessId, (u32, SocketId)> = BTreeMap::new();
        for socket in self.map.tcp_times.keys() {
            if self.lookup.role(*socket) != Role::Server {
                continue;
            }
            let Some(ms) = self.requests.late_at_server_ms(*socket) else {
                continue;
            };
            for process in self.map.using_processes(*socket) {
                let oldest = oldest.entry(process).or_insert((ms, *socket));
                *oldest = (*oldest).max((ms, *socket));
            }
        }
        for (process, (ms, socket)) in oldest {
            for node in self
                .serving
                .of_process(process, &[FdTarget::Socket(socket)])
            {
                let Node::Thread(thread) = node else { continue };
                let resolved = &self.resolved[thread];
                if resolved.standing == Standing::Blocked && !resolved.targets.is_empty() {
                    late.insert(thread, ms);
                }
            }
        }
    }

    /// Adds the stopped processes that others wait for, or that have clients.
    fn add_stopped(
        &self,
        rows: &mut Vec<BlockedThread>,
        neglected: &BTreeMap<Node, Vec<SocketId>>,
    ) {
        let awaited: BTreeSet<ProcessId> = rows
            .iter()
            .filter(|row| row.problem && row.end == ChainEnd::Stopped)
            .filter_map(|row| row.chain.last())
            .map(|step| step.process)
            .collect();
        for index in 0..self.map.processes.len() {
            let process = ProcessId::new(index);
            let neglects = neglected.get(&Node::Process(process));
            let has_clients = neglects.is_some() || !self.requests.accepted(process).is_empty();
            if !self.is_stopped(process) || !has_clients && !awaited.contains(&process) {
                continue;
            }
            rows.push(BlockedThread {
                process,
                wait: None,
                problem: true,
                on: Vec::new(),
                need: WaitNeed::Nothing,
                via: Via::default(),
                peers: Vec::new(),
                chain: Vec::new(),
                length: 0,
                end: ChainEnd::Stopped,
                class: WaitClass::Stopped,
                late_ms: None,
                neglects: neglects.cloned().unwrap_or_default(),
            });
        }
    }

    fn class(&self, row: &BlockedThread) -> WaitClass {
        let Some(thread) = row.wait else {
            return WaitClass::Stopped;
        };
        let has_peers = !row.peers.is_empty();
        match (row.need, &row.end) {
            _ if !row.problem => WaitClass::Idle,
            (_, ChainEnd::Cycle(_)) if self.chains.is_in_cycle(thread) => WaitClass::InCycle,
            (_, ChainEnd::Cycle(_)) => WaitClass::OnCycle,
            (WaitNeed::Room | WaitNeed::Accept | WaitNeed::Unlock | WaitNeed::Open, _) => {
                WaitClass::Held
            }
            (WaitNeed::Data, _) if has_peers => WaitClass::Reads,
            (WaitNeed::Data, _) => WaitClass::Beyond,
            (WaitNeed::Event, _) if has_peers => WaitClass::Events,
            (WaitNeed::Exit, _) => WaitClass::Children,
            _ => WaitClass::Neglects,
        }
    }
}

/// What a row's chain comes to: the cycle, or the last process.
fn cause(row: &BlockedThread) -> (Option<usize>, ProcessId) {
    match row.end {
        ChainEnd::Cycle(cycle) => (Some(cycle), ProcessId::default()),
        _ => (
            None,
            row.chain.last().map_or(row.process, |step| step.process),
        ),
    }
}

/// Problems first: those with one cause together, by how little the end explains, then how many it keeps
/// waiting; the longest chains of each first.
fn sort(rows: &mut [BlockedThread]) {
    let mut causes: BTreeMap<_, (ChainEnd, usize)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.problem) {
        let entry = causes.entry(cause(row)).or_insert((row.end.clone(), 0));
        entry.0 = entry.0.clone().min(row.end.clone());
        entry.1 += 1;
    }
    rows.sort_by_cached_key(|row| {
        let of_cause = causes.get(&cause(row)).filter(|_| row.problem);
        let (end, count) = of_cause.cloned().unwrap_or((ChainEnd::Anyone, 0));
        let is_cause = row.chain.is_empty();
        (
            !row.problem,
            (end, Reverse(count), cause(row)),
            (!is_cause, Reverse(row.length)),
            (row.process, row.wait),
        )
    });
}
