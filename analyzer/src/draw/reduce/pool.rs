//! Joins listeners to the processes that serve what was accepted from them.
//!
//! A server may hand each connection to a child, and keep only the listener. Without a tie between
//! the two, the listener would stand among those that nobody talks to.

use super::draft::{Bundle, Draft, index};
use super::findings::is_marked;
use super::merge::merge;
use crate::draw::graph::{EdgeEnd, EdgeKind, Kind};
use crate::graph::connection_ends;
use crate::model::{Connection, Map, ProcessId};

/// More generations than a server has between its listener and its worker.
const MAX_GENERATIONS: usize = 8;
/// More pairs of one connection are no pool.
const MAX_TIES: usize = 256;

/// Joins the nodes of those who listen to those of who serves, where these are not the same. Processes
/// of noise have no node.
pub(crate) fn join(
    draft: &mut Draft<'_>,
    (map, number): (&Map, usize),
    node: impl Fn(ProcessId) -> Option<u32>,
) {
    let (listening, serving) = handed_over(map, number, &map.connections[number]);
    let serves = EdgeEnd {
        server: true,
        ..EdgeEnd::default()
    };
    for (parent, server) in ties(map, &listening, &serving) {
        if let (Some(parent), Some(server)) = (node(parent), node(server))
            && parent != server
        {
            let bundle = Bundle::new(EdgeEnd::default(), serves);
            draft.join(parent, server, EdgeKind::Accepts, bundle);
        }
    }
}

/// The processes that listen and those that serve, for a connection that others serve than listen for
/// it; both empty elsewhere.
fn handed_over(
    map: &Map,
    number: usize,
    connection: &Connection,
) -> (Vec<ProcessId>, Vec<ProcessId>) {
    let none = (Vec::new(), Vec::new());
    let Some(listener) = connection.listener else {
        return none;
    };
    let ends = connection_ends(map, number);
    // Of a client that waits, the server's end is the listener itself.
    let is_accepted = connection.b.is_some() || ends.client_is_outside;
    let listening = map.using_processes(listener);
    let is_listening = |process: &ProcessId| listening.binary_search(process).is_ok();
    let is_crowd = listening.len() * ends.to.len() > MAX_TIES;
    if !is_accepted || is_crowd || ends.to.iter().any(is_listening) {
        return none;
    }
    (listening, ends.to)
}

/// The pairs of a process that listens and one that serves what it accepted: the ones that are
/// related, else all, if one process alone listens.
fn ties(map: &Map, listening: &[ProcessId], serving: &[ProcessId]) -> Vec<(ProcessId, ProcessId)> {
    let mut ties = Vec::new();
    for &server in serving {
        let related = listening
            .iter()
            .filter(|parent| is_descendant(map, server, **parent));
        let mut related: Vec<ProcessId> = related.copied().collect();
        if let (true, [only]) = (related.is_empty(), listening) {
            related.push(*only);
        }
        ties.extend(related.into_iter().map(|parent| (parent, server)));
    }
    ties
}

/// Whether a process descends from another one.
fn is_descendant(map: &Map, process: ProcessId, ancestor: ProcessId) -> bool {
    let ancestor = map.process(ancestor);
    let mut at = map.process(process);
    for _ in 0..MAX_GENERATIONS {
        if at.host != ancestor.host || at.ppid == 0 {
            return false;
        }
        if at.ppid == ancestor.pid {
            return true;
        }
        let key = (at.host, at.ppid);
        let found = map
            .processes
            .binary_search_by_key(&key, |p| (p.host, p.pid));
        let Ok(parent) = found else {
            return false;
        };
        // A process that started later has reused the parent's pid.
        if map.processes[parent].start_ticks > at.start_ticks {
            return false;
        }
        at = &map.processes[parent];
    }
    false
}

/// Merges the processes of a pool with the one of their program that listens for them.
pub(crate) fn stack(draft: &mut Draft<'_>) {
    let mut classes: Vec<u32> = (0..).take(draft.nodes.len()).collect();
    let mut any = false;
    for &(a, b, kind) in draft.edges.keys() {
        let nodes = [a, b].map(|node| &draft.nodes[node as usize]);
        let is_process = |kind: Kind| kind == Kind::Process;
        let is_pool = kind == EdgeKind::Accepts
            && nodes
                .iter()
                .all(|node| is_process(node.kind) && !is_marked(node))
            && nodes[0].change == nodes[1].change
            && name_of(draft, a) == name_of(draft, b);
        if is_pool {
            let roots = [a, b].map(|node| root(&classes, node));
            let first = roots[0].min(roots[1]);
            for root in roots {
                any |= classes[root as usize] != first;
                classes[root as usize] = first;
            }
        }
    }
    if any {
        for node in 0..classes.len() {
            classes[node] = root(&classes, index(node));
        }
        merge(draft, &classes);
    }
}

fn name_of(draft: &Draft<'_>, node: u32) -> Vec<u8> {
    super::merge::name(draft, &draft.nodes[node as usize])
}

/// The first node of a class, which points to itself.
fn root(classes: &[u32], mut node: u32) -> u32 {
    while classes[node as usize] != node {
        node = classes[node as usize];
    }
    node
}
