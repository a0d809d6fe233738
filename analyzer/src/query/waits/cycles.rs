//! Processes that can go on, those that only wait for others, and the circles among these.
//!
//! Everything is searched over targets rather than over pairs of processes: a pipe that 2,000
//! processes hold is one node, not four million edges.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::targets::{Need, Needs, Outcome, WaitTarget};
use super::{Cycle, End, STEPS, Step};
use crate::model::{Map, ProcessId};

/// Which way a blocked process comes nearer to something: by which of its waits, over which target,
/// to whom.
#[derive(Debug, Clone, Copy)]
struct Way {
    wait: usize,
    to: ProcessId,
    /// Where it ends.
    goal: ProcessId,
    /// Steps to there, and [`FAR`] where that is a cycle.
    distance: u32,
}

/// Whoever is free is nearer than whoever is caught in a cycle.
const FAR: u32 = u32::MAX / 2;

/// What is known of every process.
pub(super) struct Cycles {
    /// Why a process can go on; `None`: it only waits.
    alive: Vec<Option<End>>,
    /// Towards a process that can go on, else towards a cycle.
    ways: Vec<Option<Way>>,
    /// Of each target the two nearest peers to either, with their distances: one may be the waiter.
    nearest: Vec<[Option<(u32, ProcessId)>; 2]>,
    /// The cycle that a process is caught in.
    caught: Vec<Option<usize>>,
    /// The waits that are steps of a cycle: which one's, at which place.
    on_cycle: BTreeMap<usize, (usize, usize)>,
    /// By wait: whether it is what keeps a caught process from going on.
    pub(super) in_cycle: Vec<bool>,
    pub(super) cycles: Vec<Cycle>,
}

impl Cycles {
    pub(super) fn of(map: &Map, needs: &Needs<'_>, outcomes: &[Outcome]) -> Self {
        let alive = alive(map, outcomes);
        let targets = &needs.targets;
        let mut waiters: Vec<Vec<usize>> = vec![Vec::new(); targets.len()];
        for (wait, outcome) in outcomes.iter().enumerate() {
            if alive[map.waits[wait].process.index()].is_none() {
                for target in &outcome.targets {
                    waiters[*target].push(wait);
                }
            }
        }
        let mut knots = Self {
            ways: vec![None; map.processes.len()],
            nearest: vec![[None; 2]; targets.len()],
            caught: vec![None; map.processes.len()],
            on_cycle: BTreeMap::new(),
            in_cycle: vec![false; outcomes.len()],
            cycles: Vec::new(),
            alive,
        };
        let of_process = |wait: usize| map.waits[wait].process;
        let edges = Edges::of(map, targets, waiters);
        let living: Vec<bool> = knots.alive.iter().map(Option::is_some).collect();
        edges.search(&living, 0, &mut knots.ways, of_process);
        knots.find_cycles(map, targets, outcomes);
        let caught: Vec<bool> = knots.caught.iter().map(Option::is_some).collect();
        edges.search(&caught, FAR, &mut knots.ways, of_process);
        knots.rank_peers(targets);
        knots
    }

    fn is_lost(&self, process: ProcessId) -> bool {
        self.alive[process.index()].is_none() && self.ways[process.index()].is_none()
    }

    /// Strongly connected processes among those that come nowhere.
    fn find_cycles(&mut self, map: &Map, targets: &[WaitTarget], outcomes: &[Outcome]) {
        let lost: Vec<ProcessId> = (0..map.processes.len())
            .map(ProcessId::new)
            .filter(|process| self.is_lost(*process))
            .collect();
        if lost.is_empty() {
            return;
        }
        let mut graph: DiGraph<Result<ProcessId, usize>, usize> = DiGraph::new();
        let nodes: BTreeMap<ProcessId, NodeIndex> = lost
            .iter()
            .map(|process| (*process, graph.add_node(Ok(*process))))
            .collect();
        let mut of_target: BTreeMap<usize, NodeIndex> = BTreeMap::new();
        for (wait, outcome) in outcomes.iter().enumerate() {
            let Some(waiter) = nodes.get(&map.waits[wait].process) else {
                continue;
            };
            for target in &outcome.targets {
                let node = *of_target.entry(*target).or_insert_with(|| {
                    let node = graph.add_node(Err(*target));
                    for peer in &targets[*target].peers {
                        if let Some(peer) = nodes.get(peer) {
                            graph.add_edge(node, *peer, usize::MAX);
                        }
                    }
                    node
                });
                graph.add_edge(*waiter, node, wait);
            }
        }
        let mut knots: Vec<Vec<NodeIndex>> = kosaraju_scc(&graph);
        // Two processes at least: one alone waits for itself.
        knots.retain(|knot| knot.iter().filter(|node| graph[**node].is_ok()).count() > 1);
        for knot in &mut knots {
            knot.sort_unstable();
        }
        knots.sort_unstable();
        for knot in knots {
            self.add_cycle(&graph, &knot, targets, outcomes);
        }
    }

    fn add_cycle(
        &mut self,
        graph: &DiGraph<Result<ProcessId, usize>, usize>,
        knot: &[NodeIndex],
        targets: &[WaitTarget],
        outcomes: &[Outcome],
    ) {
        let number = self.cycles.len();
        let processes: Vec<ProcessId> = knot.iter().filter_map(|node| graph[*node].ok()).collect();
        let inside = |node: &NodeIndex| knot.binary_search(node).is_ok();
        for process in &processes {
            self.caught[process.index()] = Some(number);
        }
        let (mut certain, mut deadlock) = (true, false);
        for node in knot {
            for edge in graph.edges(*node) {
                if graph[*node].is_ok() && inside(&edge.target()) {
                    self.in_cycle[*edge.weight()] = true;
                    let need = outcomes[*edge.weight()].need;
                    deadlock |= matches!(need, Need::Room | Need::Accept);
                }
            }
            if let Err(target) = graph[*node] {
                certain &= !targets[target].incomplete;
            }
        }
        let steps = around(graph, knot[0], inside);
        for (place, wait) in steps
            .iter()
            .enumerate()
            .filter_map(|(at, s)| Some((at, s.wait?)))
        {
            self.on_cycle.insert(wait, (number, place));
        }
        self.cycles.push(Cycle {
            steps,
            processes,
            deadlock,
            certain,
        });
    }

    /// The two best peers of each target, whoever asks.
    fn rank_peers(&mut self, targets: &[WaitTarget]) {
        for (at, target) in targets.iter().enumerate() {
            let mut best: [Option<(u32, ProcessId)>; 2] = [None; 2];
            for peer in &target.peers {
                let distance = match (&self.alive[peer.index()], self.caught[peer.index()]) {
                    (Some(_), _) => 0,
                    (None, Some(_)) => FAR,
                    (None, None) => match self.ways[peer.index()] {
                        Some(way) => way.distance,
                        None => continue,
                    },
                };
                let this = Some((distance, *peer));
                if best[0].is_none() || this < best[0] {
                    best = [this, best[0]];
                } else if best[1].is_none() || this < best[1] {
                    best[1] = this;
                }
            }
            self.nearest[at] = best;
        }
    }

    /// From a wait to its end: the first steps, how many there are, the end. Of several ways the
    /// shortest to somebody who can go on.
    pub(super) fn chain(
        &self,
        wait: usize,
        own: ProcessId,
        outcome: &Outcome,
    ) -> (Vec<Step>, usize, End) {
        if let Some((number, place)) = self.on_cycle.get(&wait) {
            let steps = &self.cycles[*number].steps;
            let from = steps.iter().cycle().skip(place + 1).copied();
            let mut chain: Vec<Step> = from.take(steps.len().min(STEPS)).collect();
            if let Some(last) = chain.last_mut().filter(|last| last.process == own) {
                last.wait = None;
            }
            return (chain, steps.len(), End::Cycle(*number));
        }
        let of_target = |target: &usize| {
            let mut nearest = self.nearest[*target].into_iter().flatten();
            nearest.find(|(_, peer)| *peer != own)
        };
        let Some((distance, mut at)) = outcome.targets.iter().filter_map(of_target).min() else {
            return (Vec::new(), 0, End::Unknown);
        };
        let mut chain = Vec::new();
        let goal = self.ways[at.index()].map_or(at, |way| way.goal);
        // Distances fall with every step, so that it ends.
        while let Some(way) = self.ways[at.index()].filter(|_| chain.len() < STEPS) {
            chain.push(Step {
                process: at,
                wait: Some(way.wait),
            });
            at = way.to;
        }
        chain.push(Step {
            process: at,
            wait: None,
        });
        let end = match (&self.alive[goal.index()], self.caught[goal.index()]) {
            (Some(end), _) => end.clone(),
            (None, Some(number)) => End::Cycle(number),
            (None, None) => End::Unknown,
        };
        (chain, (distance % FAR) as usize + 1, end)
    }
}

/// Why each process can go on; `None` where all of its threads wait for others.
fn alive(map: &Map, outcomes: &[Outcome]) -> Vec<Option<End>> {
    // Not one thread was looked at: nothing is known.
    let mut alive: Vec<Option<End>> = vec![Some(End::Unknown); map.processes.len()];
    for run in map.waits.chunk_by(|one, two| one.process == two.process) {
        let process = run[0].process;
        let first = map.waits.partition_point(|wait| wait.process < process);
        let of_run = &outcomes[first..first + run.len()];
        let active = of_run.iter().filter(|outcome| !outcome.passive);
        let reason = active.filter_map(|outcome| outcome.live.clone()).min();
        let waits = of_run.iter().any(|outcome| outcome.live.is_none());
        let passive = || {
            of_run
                .iter()
                .filter_map(|outcome| outcome.live.clone())
                .min()
        };
        alive[process.index()] = match reason {
            Some(reason) => Some(reason),
            None if waits => None,
            None => passive(),
        };
    }
    for (process, alive) in map.processes.iter().zip(&mut alive) {
        if matches!(process.state, b'T' | b't') {
            *alive = Some(End::Stopped);
        }
    }
    alive
}

/// Who waits on which target, and who is a peer of which.
struct Edges {
    waiters: Vec<Vec<usize>>,
    targets_of: Vec<Vec<u32>>,
}

impl Edges {
    fn of(map: &Map, targets: &[WaitTarget], waiters: Vec<Vec<usize>>) -> Self {
        let mut targets_of = vec![Vec::new(); map.processes.len()];
        for (at, target) in targets.iter().enumerate() {
            if !waiters[at].is_empty() {
                for peer in &target.peers {
                    targets_of[peer.index()].push(at as u32);
                }
            }
        }
        Self {
            waiters,
            targets_of,
        }
    }

    /// Gives everybody who has no way yet one to the nearest of these.
    fn search(
        &self,
        from: &[bool],
        base: u32,
        ways: &mut [Option<Way>],
        of_process: impl Fn(usize) -> ProcessId,
    ) {
        let mut done = vec![false; self.waiters.len()];
        let start = (0..from.len()).filter(|at| from[*at]);
        let mut queue: VecDeque<(ProcessId, ProcessId, u32)> = start
            .map(|at| (ProcessId::new(at), ProcessId::new(at), base))
            .collect();
        while let Some((to, goal, distance)) = queue.pop_front() {
            for target in &self.targets_of[to.index()] {
                let target = *target as usize;
                if std::mem::replace(&mut done[target], true) {
                    continue;
                }
                for wait in &self.waiters[target] {
                    let waiter = of_process(*wait);
                    if from[waiter.index()] || ways[waiter.index()].is_some() {
                        continue;
                    }
                    let distance = distance + 1;
                    ways[waiter.index()] = Some(Way {
                        wait: *wait,
                        to,
                        goal,
                        distance,
                    });
                    queue.push_back((waiter, goal, distance));
                }
            }
        }
    }
}

/// The shortest way from a process back to itself, within a knot.
fn around(
    graph: &DiGraph<Result<ProcessId, usize>, usize>,
    start: NodeIndex,
    inside: impl Fn(&NodeIndex) -> bool,
) -> Vec<Step> {
    // By process: from which other, and by which wait of that.
    let mut from: BTreeMap<NodeIndex, (NodeIndex, usize)> = BTreeMap::new();
    // Nobody ends his own wait, but another who waits on the same may be ended by him.
    let mut of_start: BTreeSet<NodeIndex> = BTreeSet::new();
    let mut done: BTreeSet<NodeIndex> = BTreeSet::new();
    let mut queue = VecDeque::from([start]);
    'search: while let Some(process) = queue.pop_front() {
        let edges = graph.edges(process).filter(|edge| inside(&edge.target()));
        let mut waits: Vec<_> = edges.map(|edge| (edge.target(), *edge.weight())).collect();
        waits.sort_unstable();
        for (target, wait) in waits {
            if process != start && of_start.contains(&target) {
                from.insert(start, (process, wait));
                break 'search;
            }
            if !done.insert(target) {
                continue;
            }
            let mut peers: Vec<_> = graph.neighbors(target).filter(&inside).collect();
            peers.sort_unstable();
            for peer in peers {
                if peer == process {
                    if process == start {
                        of_start.insert(target);
                    }
                } else if let Entry::Vacant(way) = from.entry(peer) {
                    way.insert((process, wait));
                    if peer == start {
                        break 'search;
                    }
                    queue.push_back(peer);
                }
            }
        }
    }
    let mut steps = Vec::new();
    let mut at = start;
    while let Some((before, wait)) = from.get(&at).copied() {
        steps.extend(graph[before].ok().map(|process| Step {
            process,
            wait: Some(wait),
        }));
        at = before;
        if at == start {
            break;
        }
    }
    steps.reverse();
    steps
}
