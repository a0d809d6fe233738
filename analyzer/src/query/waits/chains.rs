//! Chains of waits: from each blocked thread to the one that explains its wait best, else to a cycle.
//!
//! The searches go backwards from ends to those that wait for them, so that their time is linear in the
//! holders. Not over petgraph: edges between pairs of threads would be quadratic in the holders of a
//! shared pipe, and its searches record no predecessors.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::analysis::{ChainEnd, ChainStep, MAX_CHAIN_STEPS, WaitCycle};
use super::cycles::Cycles;
use super::fd_lookup::WaitTarget;
use super::resolver::{ResolvedWait, Standing};
use super::serving::{Node, Serving};
use crate::model::{Map, ProcessId};

/// The way of a thread to the end of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NextStep {
    to: Node,
    goal: Node,
    /// Steps to the goal.
    distance: u32,
}

/// The chains of all threads of a map.
pub(super) struct Chains<'a> {
    map: &'a Map,
    resolved: &'a [ResolvedWait],
    /// By thread.
    next_steps: Vec<Option<NextStep>>,
    cycles: Cycles,
    /// By cycle.
    is_harmful: Vec<bool>,
}

/// A chain from the first thread after the one that waits.
pub(super) struct Chain {
    /// The first steps.
    pub(super) steps: Vec<ChainStep>,
    /// The number of steps.
    pub(super) length: usize,
    pub(super) end: ChainEnd,
}

impl<'a> Chains<'a> {
    pub(super) fn new(
        map: &'a Map,
        targets: &'a [WaitTarget],
        resolved: &'a [ResolvedWait],
        serving: &Serving<'_>,
    ) -> Self {
        let mut search = Search::new(map, targets, resolved);
        // To threads that explain a wait.
        search.set_servers(|target| serving.of_target(target));
        search.run(|_, thread| {
            let is_stopped = map.process(map.waits[thread].process).is_stopped();
            resolved[thread].targets.is_empty() && !is_stopped
        });
        // To any that may end it.
        let is_live = live_processes(map, resolved, &search.next_steps);
        let is_able = |search: &Search<'_>, thread: usize| {
            let is_passive = resolved[thread].standing == Standing::Passive;
            let has_end = resolved[thread].end.is_some() || search.next_steps[thread].is_some();
            is_live[map.waits[thread].process.index()] && has_end && !is_passive
        };
        search.set_servers(|target| all_peers(map, serving, target));
        search.run(is_able);
        let is_stuck: Vec<bool> = (0..map.waits.len())
            .map(|thread| {
                let is_stopped = map.process(map.waits[thread].process).is_stopped();
                search.next_steps[thread].is_none() && !is_stopped
            })
            .collect();
        let cycles = Cycles::find(map, targets, resolved, &is_stuck);
        search.run(|_, thread| cycles.steps.contains_key(&thread));
        let is_passive = |thread: usize| resolved[thread].standing == Standing::Passive;
        let is_harmful = |cycle: &WaitCycle| {
            let mut processes = cycle.processes.iter();
            cycle.deadlock || !processes.any(|process| serving.threads(*process).any(is_passive))
        };
        Self {
            map,
            resolved,
            next_steps: search.next_steps,
            is_harmful: cycles.cycles.iter().map(is_harmful).collect(),
            cycles,
        }
    }

    /// Whether a thread's wait is part of a cycle.
    pub(super) fn is_in_cycle(&self, thread: usize) -> bool {
        self.cycles.of_thread[thread].is_some()
    }

    pub(super) fn cycles(&self) -> &[WaitCycle] {
        &self.cycles.cycles
    }

    /// Whether a cycle is more than threads that each wait for the other to begin, while further threads of
    /// their processes may have something to say.
    pub(super) fn is_harmful(&self, cycle: usize) -> bool {
        self.is_harmful[cycle]
    }

    /// What a chain that comes to a node ends at, if it goes no further.
    fn end_of(&self, node: Node) -> ChainEnd {
        match node {
            Node::Process(process) if self.map.process(process).is_stopped() => ChainEnd::Stopped,
            Node::Process(_) => ChainEnd::Unreadable,
            Node::Thread(thread) => match self.cycles.of_thread[thread] {
                Some(cycle) => ChainEnd::Cycle(cycle),
                None => self.resolved[thread]
                    .end
                    .clone()
                    .unwrap_or(ChainEnd::Unknown),
            },
        }
    }

    /// Follows the wait of a thread.
    pub(super) fn follow(&self, thread: usize) -> Chain {
        if let Some((cycle, index)) = self.cycles.steps.get(&thread) {
            return self.around(*cycle, *index);
        }
        let Some(first) = self.next_steps[thread].filter(|step| step.distance > 0) else {
            let end = self.end_of(Node::Thread(thread));
            return Chain {
                steps: Vec::new(),
                length: 0,
                end,
            };
        };
        let mut steps = Vec::new();
        let mut node = first.to;
        while steps.len() < MAX_CHAIN_STEPS {
            steps.push(ChainStep {
                process: node.process(self.map),
                wait: node.thread(),
            });
            let next = node.thread().and_then(|thread| self.next_steps[thread]);
            match next.filter(|step| step.distance > 0) {
                Some(step) => node = step.to,
                None => break,
            }
        }
        Chain {
            steps,
            length: first.distance as usize,
            end: self.end_of(first.goal),
        }
    }

    /// The chain of a step of a cycle: once around it.
    fn around(&self, cycle: usize, index: usize) -> Chain {
        let all = &self.cycles.cycles[cycle].steps;
        let following = all[index + 1..].iter().chain(&all[..=index]).copied();
        Chain {
            steps: following.take(MAX_CHAIN_STEPS).collect(),
            length: all.len(),
            end: ChainEnd::Cycle(cycle),
        }
    }
}

/// Whether each process can do anything but wait for others: a thread has a chain to an end, or one of
/// its own. Threads that wait for others of their process count only if all do.
fn live_processes(
    map: &Map,
    resolved: &[ResolvedWait],
    next_steps: &[Option<NextStep>],
) -> Vec<bool> {
    let mut live = vec![true; map.processes.len()];
    let mut first = 0;
    for threads in map.waits.chunk_by(|a, b| a.process == b.process) {
        let range = first..first + threads.len();
        first += threads.len();
        let is_passive = |thread: usize| resolved[thread].standing == Standing::Passive;
        let can_act = |thread: usize| {
            next_steps[thread].is_some_and(|step| step.distance > 0)
                || resolved[thread].end.is_some()
        };
        let all_passive = range.clone().all(is_passive);
        live[threads[0].process.index()] = range
            .clone()
            .any(|thread| (all_passive || !is_passive(thread)) && can_act(thread));
    }
    live
}

/// All threads that may end waits for a target.
fn all_peers(map: &Map, serving: &Serving<'_>, target: &WaitTarget) -> Vec<Node> {
    let known = target.threads.iter().map(|thread| Node::Thread(*thread));
    let peers = target.peers.iter().flat_map(|peer| {
        let threads = serving.threads(*peer);
        let alone = threads.is_empty() && !map.process(*peer).is_stopped();
        let alone = alone.then_some(Node::Process(*peer));
        threads.map(Node::Thread).chain(alone)
    });
    known.chain(peers).collect()
}

/// A search from ends backwards.
struct Search<'a> {
    map: &'a Map,
    targets: &'a [WaitTarget],
    resolved: &'a [ResolvedWait],
    /// By target: the threads that wait for it.
    waiters: Vec<Vec<usize>>,
    /// By node: the targets that it can end waits for.
    served: BTreeMap<Node, Vec<usize>>,
    next_steps: Vec<Option<NextStep>>,
    /// The worst end first, then the shortest chain: rank, distance, node, goal.
    queue: BinaryHeap<Reverse<(u8, u32, Node, Node)>>,
}

impl<'a> Search<'a> {
    fn new(map: &'a Map, targets: &'a [WaitTarget], resolved: &'a [ResolvedWait]) -> Self {
        let mut waiters: Vec<Vec<usize>> = vec![Vec::new(); targets.len()];
        for (thread, wait) in resolved.iter().enumerate() {
            if !map.process(map.waits[thread].process).is_stopped() {
                for target in &wait.targets {
                    waiters[*target].push(thread);
                }
            }
        }
        Self {
            map,
            targets,
            resolved,
            waiters,
            served: BTreeMap::new(),
            next_steps: vec![None; resolved.len()],
            queue: BinaryHeap::new(),
        }
    }

    /// Sets who can end waits for each target.
    fn set_servers(&mut self, servers: impl Fn(&WaitTarget) -> Vec<Node>) {
        self.served.clear();
        for (index, target) in self.targets.iter().enumerate() {
            if !self.waiters[index].is_empty() {
                for node in servers(target) {
                    self.served.entry(node).or_default().push(index);
                }
            }
        }
    }

    /// Gives each thread without a next step one to the best of the goals that it leads to. Processes without
    /// known threads are goals, too.
    fn run(&mut self, is_goal: impl Fn(&Self, usize) -> bool) {
        let processes: Vec<Node> = self.served.keys().copied().collect();
        for node in processes {
            if matches!(node, Node::Process(_)) {
                self.push(node, node, 0);
            }
        }
        for thread in 0..self.resolved.len() {
            if is_goal(self, thread) {
                let node = Node::Thread(thread);
                let step = *self.next_steps[thread].get_or_insert(NextStep {
                    to: node,
                    goal: node,
                    distance: 0,
                });
                self.push(node, step.goal, step.distance);
            }
        }
        // By target: how often it was reached, and from which process first. A process does not end its own
        // wait, but that of others for the same target.
        let mut reached: Vec<(u8, Option<ProcessId>)> = vec![(0, None); self.targets.len()];
        while let Some(Reverse((_, distance, node, goal))) = self.queue.pop() {
            let own = node.process(self.map);
            let Some(served) = self.served.get(&node).cloned() else {
                continue;
            };
            for target in served {
                let (times, from) = reached[target];
                if times > 1 || from == Some(own) {
                    continue;
                }
                reached[target] = (times + 1, Some(own));
                let is_known = !self.targets[target].threads.is_empty();
                for index in 0..self.waiters[target].len() {
                    let waiter = self.waiters[target][index];
                    let is_own = self.map.waits[waiter].process == own;
                    if self.next_steps[waiter].is_some() || is_own && !is_known {
                        continue;
                    }
                    self.next_steps[waiter] = Some(NextStep {
                        to: node,
                        goal,
                        distance: distance + 1,
                    });
                    self.push(Node::Thread(waiter), goal, distance + 1);
                }
            }
        }
    }

    fn push(&mut self, node: Node, goal: Node, distance: u32) {
        let rank = match goal {
            Node::Process(process) if self.map.process(process).is_stopped() => 0,
            Node::Process(_) => rank(&ChainEnd::Unreadable),
            Node::Thread(thread) => self.resolved[thread].end.as_ref().map_or(u8::MAX, rank),
        };
        self.queue.push(Reverse((rank, distance, node, goal)));
    }
}

/// How little an end explains. As the variants are sorted, which have no number that can be read.
fn rank(end: &ChainEnd) -> u8 {
    match end {
        ChainEnd::Stopped => 0,
        ChainEnd::Cycle(_) | ChainEnd::Transaction(_) => 1,
        ChainEnd::Nobody | ChainEnd::Lock(_) | ChainEnd::Disk(_) => 2,
        ChainEnd::Timer | ChainEnd::Outside(_) | ChainEnd::Running => 3,
        ChainEnd::File(_) | ChainEnd::Call(_) | ChainEnd::Kernel | ChainEnd::Child => 4,
        ChainEnd::NoCall | ChainEnd::Unreadable | ChainEnd::Descriptors | ChainEnd::Unknown => 5,
        ChainEnd::Threads | ChainEnd::Itself | ChainEnd::Signal => 6,
        ChainEnd::Anyone => 7,
    }
}
