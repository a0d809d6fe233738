//! Cycles of processes that wait for each other: strongly connected components.
//!
//! The graph has a node for each target between the processes, rather than edges between pairs of
//! processes: a pipe that 2,000 processes hold is one node, not four million edges.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::analysis::{ChainStep, WaitCycle, WaitNeed};
use super::fd_lookup::WaitTarget;
use super::targets::ResolvedWait;
use crate::model::{Map, ProcessId};

/// All cycles of a map.
pub(super) struct Cycles {
    pub(super) cycles: Vec<WaitCycle>,
    /// The cycle of each process.
    pub(super) of_process: Vec<Option<usize>>,
    /// By wait that is listed as a step: the cycle, and the index of the step.
    pub(super) steps: BTreeMap<usize, (usize, usize)>,
    /// By wait: whether it keeps a process in its cycle.
    pub(super) has_wait: Vec<bool>,
}

#[derive(Debug, Clone, Copy)]
enum WaitNode {
    Process(ProcessId),
    /// Index of the target.
    Target(usize),
}

impl WaitNode {
    fn process(self) -> Option<ProcessId> {
        match self {
            Self::Process(process) => Some(process),
            Self::Target(_) => None,
        }
    }
}

/// Edges lead from a process over its wait (`Some`) to a target, and from there to its peers.
type WaitGraph = DiGraph<WaitNode, Option<usize>>;

impl Cycles {
    /// Finds the cycles among the processes that are marked in `is_stuck`, by index.
    pub(super) fn find(
        map: &Map,
        targets: &[WaitTarget],
        resolved: &[ResolvedWait],
        is_stuck: &[bool],
    ) -> Self {
        let mut cycles = Self {
            cycles: Vec::new(),
            of_process: vec![None; map.processes.len()],
            steps: BTreeMap::new(),
            has_wait: vec![false; resolved.len()],
        };
        let graph = wait_graph(map, targets, resolved, is_stuck);
        let mut components: Vec<Vec<NodeIndex>> = kosaraju_scc(&graph);
        // A process alone with its own target waits for itself: no cycle.
        let processes = |nodes: &[NodeIndex]| {
            let processes = nodes.iter().filter_map(|node| graph[*node].process());
            processes.count()
        };
        components.retain(|component| processes(component) > 1);
        for component in &mut components {
            component.sort_unstable();
        }
        components.sort_unstable();
        for component in components {
            cycles.add(&graph, &component, targets, resolved);
        }
        cycles
    }

    fn add(
        &mut self,
        graph: &WaitGraph,
        component: &[NodeIndex],
        targets: &[WaitTarget],
        resolved: &[ResolvedWait],
    ) {
        let number = self.cycles.len();
        let is_inside = |node: &NodeIndex| component.binary_search(node).is_ok();
        let mut processes = Vec::new();
        let (mut certain, mut deadlock) = (true, false);
        for node in component {
            match graph[*node] {
                WaitNode::Target(target) => certain &= !targets[target].incomplete,
                WaitNode::Process(process) => {
                    processes.push(process);
                    self.of_process[process.index()] = Some(number);
                    let edges = graph.edges(*node).filter(|edge| is_inside(&edge.target()));
                    for wait in edges.filter_map(|edge| *edge.weight()) {
                        self.has_wait[wait] = true;
                        deadlock |=
                            matches!(resolved[wait].need, WaitNeed::Room | WaitNeed::Accept);
                    }
                }
            }
        }
        // Processes were added before targets, so that the first node is the lowest process.
        let steps = shortest_cycle(graph, component[0], is_inside);
        for (index, step) in steps.iter().enumerate() {
            if let Some(wait) = step.wait {
                self.steps.insert(wait, (number, index));
            }
        }
        self.cycles.push(WaitCycle {
            steps,
            processes,
            deadlock,
            certain,
        });
    }
}

fn wait_graph(
    map: &Map,
    targets: &[WaitTarget],
    resolved: &[ResolvedWait],
    is_stuck: &[bool],
) -> WaitGraph {
    let mut graph = WaitGraph::new();
    let process_nodes: Vec<Option<NodeIndex>> = is_stuck
        .iter()
        .enumerate()
        .map(|(index, stuck)| {
            stuck.then(|| graph.add_node(WaitNode::Process(ProcessId::new(index))))
        })
        .collect();
    let mut target_nodes: BTreeMap<usize, NodeIndex> = BTreeMap::new();
    for (wait, resolved) in resolved.iter().enumerate() {
        let Some(waiter) = process_nodes[map.waits[wait].process.index()] else {
            continue;
        };
        for target in &resolved.targets {
            let node = *target_nodes.entry(*target).or_insert_with(|| {
                let node = graph.add_node(WaitNode::Target(*target));
                for peer in &targets[*target].peers {
                    if let Some(peer) = process_nodes[peer.index()] {
                        graph.add_edge(node, peer, None);
                    }
                }
                node
            });
            graph.add_edge(waiter, node, Some(wait));
        }
    }
    graph
}

/// The shortest cycle through a process, within a component. Breadth first; a process does not end
/// its own wait, which petgraph's searches cannot express.
fn shortest_cycle(
    graph: &WaitGraph,
    start: NodeIndex,
    is_inside: impl Fn(&NodeIndex) -> bool,
) -> Vec<ChainStep> {
    // By process: the process before it, and by which of its waits.
    let mut before: BTreeMap<NodeIndex, (NodeIndex, usize)> = BTreeMap::new();
    // Targets that `start` both waits for and is a peer of. It does not end its own wait for one, but
    // that of another process.
    let mut own_targets: BTreeSet<NodeIndex> = BTreeSet::new();
    let mut visited: BTreeSet<NodeIndex> = BTreeSet::new();
    let mut queue = VecDeque::from([start]);
    'search: while let Some(process) = queue.pop_front() {
        let edges = graph
            .edges(process)
            .filter(|edge| is_inside(&edge.target()));
        let mut waits: Vec<(NodeIndex, usize)> = edges
            .filter_map(|edge| Some((edge.target(), (*edge.weight())?)))
            .collect();
        waits.sort_unstable();
        for (target, wait) in waits {
            if process != start && own_targets.contains(&target) {
                before.insert(start, (process, wait));
                break 'search;
            }
            if !visited.insert(target) {
                continue;
            }
            let mut peers: Vec<_> = graph.neighbors(target).filter(&is_inside).collect();
            peers.sort_unstable();
            for peer in peers {
                if peer == process {
                    if process == start {
                        own_targets.insert(target);
                    }
                } else if let Entry::Vacant(entry) = before.entry(peer) {
                    entry.insert((process, wait));
                    if peer == start {
                        break 'search;
                    }
                    queue.push_back(peer);
                }
            }
        }
    }
    let mut steps = Vec::new();
    let mut node = start;
    while let Some((previous, wait)) = before.get(&node).copied() {
        steps.extend(graph[previous].process().map(|process| ChainStep {
            process,
            wait: Some(wait),
        }));
        node = previous;
        if node == start {
            break;
        }
    }
    steps.reverse();
    steps
}
