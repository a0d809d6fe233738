//! Cycles of threads that wait for each other: strongly connected components.
//!
//! The graph has a node for each target and each process between the threads, rather than edges between
//! pairs of threads: a pipe that 2,000 processes hold is one node, not four million edges.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::analysis::{ChainStep, WaitCycle, WaitNeed};
use super::fd_lookup::WaitTarget;
use super::resolver::ResolvedWait;
use crate::model::{Map, ProcessId, ThreadState};

/// All cycles of a map.
pub(super) struct Cycles {
    pub(super) cycles: Vec<WaitCycle>,
    /// The cycle of each thread.
    pub(super) of_thread: Vec<Option<usize>>,
    /// By thread that is listed as a step: the cycle, and the index of the step.
    pub(super) steps: BTreeMap<usize, (usize, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum WaitNode {
    /// Index into `Map::waits`.
    Thread(usize),
    Target,
    Process,
}

/// Edges lead from a thread to the targets of its wait, from there to their peers, and from a process to
/// its threads.
type WaitGraph = DiGraph<WaitNode, ()>;

impl Cycles {
    /// Finds the cycles among the threads that are marked in `is_stuck`: those that nothing outside of them
    /// helps.
    pub(super) fn find(
        map: &Map,
        targets: &[WaitTarget],
        resolved: &[ResolvedWait],
        is_stuck: &[bool],
    ) -> Self {
        let mut cycles = Self {
            cycles: Vec::new(),
            of_thread: vec![None; resolved.len()],
            steps: BTreeMap::new(),
        };
        let graph = wait_graph(map, targets, resolved, is_stuck);
        let mut components: Vec<Vec<usize>> = kosaraju_scc(&graph)
            .into_iter()
            .map(|nodes| threads(&graph, &nodes))
            // A thread alone with its own target waits for itself: no cycle.
            .filter(|threads| threads.len() > 1)
            .collect();
        components.sort_unstable();
        for component in components {
            cycles.add(map, targets, resolved, &component);
        }
        cycles
    }

    fn add(
        &mut self,
        map: &Map,
        targets: &[WaitTarget],
        resolved: &[ResolvedWait],
        component: &[usize],
    ) {
        let steps = shortest_cycle(map, targets, resolved, component);
        if steps.is_empty() {
            return;
        }
        let number = self.cycles.len();
        let mut processes: Vec<ProcessId> = Vec::new();
        let (mut certain, mut deadlock, mut timed) = (true, false, false);
        for thread in component {
            let wait = &map.waits[*thread];
            processes.push(wait.process);
            self.of_thread[*thread] = Some(number);
            deadlock |= !matches!(resolved[*thread].need, WaitNeed::Data | WaitNeed::Exit);
            timed |= matches!(&wait.state, ThreadState::Call(call) if call.timed);
            certain &= resolved[*thread]
                .targets
                .iter()
                .all(|target| !targets[*target].incomplete);
        }
        processes.dedup();
        for (index, thread) in steps.iter().enumerate() {
            self.steps.insert(*thread, (number, index));
        }
        let step = |thread: &usize| ChainStep {
            process: map.waits[*thread].process,
            wait: Some(*thread),
        };
        self.cycles.push(WaitCycle {
            steps: steps.iter().map(step).collect(),
            processes,
            deadlock,
            certain,
            timed,
        });
    }
}

/// The threads among some nodes, sorted.
fn threads(graph: &WaitGraph, nodes: &[NodeIndex]) -> Vec<usize> {
    let threads = nodes.iter().filter_map(|node| match graph[*node] {
        WaitNode::Thread(thread) => Some(thread),
        WaitNode::Target | WaitNode::Process => None,
    });
    let mut threads: Vec<usize> = threads.collect();
    threads.sort_unstable();
    threads
}

fn wait_graph(
    map: &Map,
    targets: &[WaitTarget],
    resolved: &[ResolvedWait],
    is_stuck: &[bool],
) -> WaitGraph {
    let mut graph = WaitGraph::new();
    let mut processes: BTreeMap<ProcessId, NodeIndex> = BTreeMap::new();
    let mut thread_nodes: Vec<Option<NodeIndex>> = vec![None; resolved.len()];
    for (thread, wait) in map.waits.iter().enumerate() {
        if is_stuck[thread] && !resolved[thread].targets.is_empty() {
            let node = graph.add_node(WaitNode::Thread(thread));
            thread_nodes[thread] = Some(node);
            let process = processes
                .entry(wait.process)
                .or_insert_with(|| graph.add_node(WaitNode::Process));
            graph.add_edge(*process, node, ());
        }
    }
    let mut target_nodes: BTreeMap<usize, NodeIndex> = BTreeMap::new();
    for (thread, node) in thread_nodes.iter().enumerate() {
        let Some(waiter) = node else { continue };
        for target in &resolved[thread].targets {
            let node = *target_nodes.entry(*target).or_insert_with(|| {
                let node = graph.add_node(WaitNode::Target);
                let known = &targets[*target].threads;
                let peers = &targets[*target].peers;
                let peers = peers.iter().filter_map(|peer| processes.get(peer).copied());
                let known = known.iter().filter_map(|thread| thread_nodes[*thread]);
                for end in peers.chain(known) {
                    graph.add_edge(node, end, ());
                }
                node
            });
            graph.add_edge(*waiter, node, ());
        }
    }
    graph
}

/// The shortest cycle through the first thread of a component, or where that waits for none, the first that
/// has one. Breadth first; a process does not end its own wait, which petgraph's searches cannot express.
fn shortest_cycle(
    map: &Map,
    targets: &[WaitTarget],
    resolved: &[ResolvedWait],
    component: &[usize],
) -> Vec<usize> {
    let mut of_process: BTreeMap<ProcessId, Vec<usize>> = BTreeMap::new();
    for thread in component {
        let threads = of_process.entry(map.waits[*thread].process).or_default();
        threads.push(*thread);
    }
    let cycles = component
        .iter()
        .map(|start| cycle_from(map, targets, resolved, &of_process, *start));
    cycles
        .into_iter()
        .find(|cycle| !cycle.is_empty())
        .unwrap_or_default()
}

/// The shortest cycle from a thread back to its process; empty if there is none.
fn cycle_from(
    map: &Map,
    targets: &[WaitTarget],
    resolved: &[ResolvedWait],
    of_process: &BTreeMap<ProcessId, Vec<usize>>,
    start: usize,
) -> Vec<usize> {
    let home = map.waits[start].process;
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut visited: BTreeSet<usize> = BTreeSet::new();
    let mut queue = VecDeque::from([start]);
    while let Some(thread) = queue.pop_front() {
        let own = map.waits[thread].process;
        for target in &resolved[thread].targets {
            let known = &targets[*target].threads;
            let is_home = own != home && targets[*target].peers.binary_search(&home).is_ok();
            if is_home || thread != start && known.contains(&start) {
                let mut steps = vec![thread];
                while let Some(previous) = before.get(&steps[steps.len() - 1]) {
                    steps.push(*previous);
                }
                steps.reverse();
                return steps;
            }
            if !visited.insert(*target) {
                continue;
            }
            let peers = targets[*target].peers.iter();
            let peers = peers.filter(|peer| **peer != own);
            let threads = peers.filter_map(|peer| of_process.get(peer)).flatten();
            for next in threads.chain(known) {
                let is_inside = of_process
                    .get(&map.waits[*next].process)
                    .is_some_and(|threads| threads.binary_search(next).is_ok());
                if *next != start && is_inside && !before.contains_key(next) {
                    before.insert(*next, thread);
                    queue.push_back(*next);
                }
            }
        }
    }
    Vec::new()
}
