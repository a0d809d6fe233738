//! Chooses the nodes that need no layout and are placed on shelves: nodes without edges, pairs, hubs
//! that are drawn as badges. Merges those of which there are too many.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, DraftNode};
use super::findings::is_marked;
use super::merge::{merge, name};
use crate::diff::ChangeStatus;
use crate::draw::graph::{EdgeKind, Kind, Shelf};
use crate::graph::{connection_ends, pipe_ends};
use crate::model::{FdsStatus, Map, PipeId, ProcessId};

/// More single nodes on a shelf are merged by name.
const MAX_SINGLES: usize = 60;
/// More names on a shelf are merged into one last node.
const MAX_NAMES: usize = 400;
/// More pairs are merged by the names of both.
const MAX_PAIRS: usize = 24;

/// For every node the process that it is attached to, if it is: a socket that one process alone holds
/// needs no position of its own, only a line under the box.
pub(crate) fn owners(draft: &Draft<'_>) -> Vec<Option<u32>> {
    let mut edges = vec![0u32; draft.nodes.len()];
    let mut owners = vec![None; draft.nodes.len()];
    for &(a, b, kind) in draft.edges.keys() {
        edges[a as usize] += 1;
        edges[b as usize] += 1;
        let kinds = [a, b].map(|node| draft.nodes[node as usize].kind);
        if kind == EdgeKind::Holds && kinds == [Kind::Process, Kind::Listener] {
            owners[b as usize] = Some(a);
        }
    }
    for (owner, edges) in owners.iter_mut().zip(edges) {
        owner.take_if(|_| edges != 1);
    }
    owners
}

/// The shelf of each node; an attached one is on its owner's.
pub(crate) fn shelves(draft: &Draft<'_>) -> Vec<Shelf> {
    let components = draft.components();
    let owners = owners(draft);
    // The numbers of members of each component's nodes, without attached ones.
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); components.len()];
    let mut listens = vec![false; components.len()];
    for ((node, component), owner) in draft.nodes.iter().zip(&components).zip(&owners) {
        match owner {
            None => members[*component as usize].push(node.members.len()),
            Some(owner) => listens[*owner as usize] = true,
        }
    }
    let mut has_badge = vec![false; components.len()];
    for badge in &draft.badges {
        has_badge[badge.client as usize] = true;
    }
    // A node with a badge also talks to a hub, and a hub to its clients.
    let mut has_hub = vec![false; components.len()];
    let clients = draft.badges.iter().map(|badge| badge.client);
    for node in clients.chain(draft.hubs.iter().copied()) {
        has_hub[components[node as usize] as usize] = true;
    }
    let undrawn = |node: u32| draft.nodes[node as usize].undrawn;
    // Partners that are not in the picture: such a pair is not only two.
    let mut has_more = vec![false; components.len()];
    for (node, component) in (0u32..).zip(&components) {
        has_more[*component as usize] |= undrawn(node).hidden > 0;
    }
    let logging = logging(draft);
    let shelf = |node: u32| {
        let component = components[node as usize];
        match members[component as usize][..] {
            [_] if draft.hubs.contains(&node) => Shelf::Hubs,
            [_] if has_badge[node as usize] => Shelf::HubClients,
            [_] if is_unread(draft, &draft.nodes[node as usize]) => Shelf::Unread,
            [_] if undrawn(node).hidden > 0 => Shelf::LeftOut,
            [_] if undrawn(node).unknown > 0 => Shelf::UnknownPeers,
            [_] if listens[node as usize] => Shelf::Listening,
            [_] if are_all_among(draft, &logging, &draft.nodes[node as usize]) => Shelf::Logging,
            [_] => Shelf::Unconnected,
            // A group and one other node are no pair.
            [one, other]
                if one == other
                    && !has_hub[component as usize]
                    && !has_more[component as usize] =>
            {
                Shelf::Pairs(component)
            }
            _ => Shelf::None,
        }
    };
    let nodes = (0u32..).zip(&owners);
    nodes
        .map(|(node, owner)| shelf(owner.unwrap_or(node)))
        .collect()
}

/// Processes by the number of hosts of other maps that come before theirs, which identifies the map.
type MapProcesses = BTreeSet<(usize, ProcessId)>;

/// The clients of loggers whose conversations are left out.
fn logging(draft: &Draft<'_>) -> MapProcesses {
    let processes = draft.processes.iter();
    let maps: BTreeMap<usize, &Map> = processes.map(|one| (one.hosts_before, one.map)).collect();
    let mut clients = MapProcesses::new();
    for (before, map) in maps.into_iter().filter(|_| draft.not_drawn.logs > 0) {
        let connections = map.connections.iter().enumerate();
        let connections = connections.filter(|(_, connection)| connection.hidden);
        let pipes = map.pipes.iter().enumerate().filter(|(_, pipe)| pipe.hidden);
        let ends = connections
            .map(|(index, _)| connection_ends(map, index))
            .chain(pipes.map(|(index, _)| pipe_ends(map, PipeId::new(index))));
        clients.extend(ends.flat_map(|ends| ends.from).map(|id| (before, id)));
    }
    clients
}

/// Whether all processes of a node are among these.
fn are_all_among(draft: &Draft<'_>, processes: &MapProcesses, node: &DraftNode) -> bool {
    node.members.iter().all(|member| {
        let process = draft.process(*member);
        process.is_some_and(|one| processes.contains(&(one.hosts_before, one.id)))
    })
}

/// Whether a node has processes whose descriptors were not all read.
pub(crate) fn is_unread(draft: &Draft<'_>, node: &DraftNode) -> bool {
    node.members.iter().any(|member| {
        let process = draft.process(*member);
        process.is_some_and(|process| process.process().fds_status != FdsStatus::Read)
    })
}

/// Merges single nodes and pairs that are too many to be drawn one by one.
pub(crate) fn merge_shelves(draft: &mut Draft<'_>) {
    let mut classes: Vec<u32> = (0..).take(draft.nodes.len()).collect();
    let mut singles: BTreeMap<Shelf, Vec<u32>> = BTreeMap::new();
    let mut pairs: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let owners = owners(draft);
    for ((node, shelf), owner) in (0u32..).zip(shelves(draft)).zip(&owners) {
        match shelf {
            _ if owner.is_some() => {}
            Shelf::Pairs(pair) => pairs.entry(pair).or_default().push(node),
            Shelf::None | Shelf::Hubs => {}
            shelf => singles.entry(shelf).or_default().push(node),
        }
    }
    let mut rests = Vec::new();
    for nodes in singles.values().filter(|nodes| nodes.len() > MAX_SINGLES) {
        rests.extend(merge_singles(draft, nodes, &mut classes));
    }
    if pairs.len() > MAX_PAIRS {
        merge_pairs(draft, &pairs, &mut classes);
    }
    // What was attached to merged nodes is attached to the merged one, as one node.
    let mut attached: BTreeMap<u32, u32> = BTreeMap::new();
    let mut sizes = vec![0u32; classes.len()];
    for class in &classes {
        sizes[*class as usize] += 1;
    }
    for (node, owner) in (0u32..).zip(&owners) {
        let merged = owner.map(|owner| classes[owner as usize]);
        if let Some(merged) = merged.filter(|merged| sizes[*merged as usize] > 1) {
            classes[node as usize] = *attached.entry(merged).or_insert(node);
        }
    }
    for rest in rests {
        draft.nodes[rest as usize].group = Some("others".to_owned());
    }
    merge(draft, &classes);
}

/// Merges nodes by name. Returns the node that takes those whose names are too many.
fn merge_singles(draft: &Draft<'_>, nodes: &[u32], classes: &mut [u32]) -> Option<u32> {
    let mut hubs: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for badge in &draft.badges {
        hubs.entry(badge.client).or_default().push(badge.hub);
    }
    type Likeness = (Kind, Vec<u8>, ChangeStatus, Vec<u32>);
    let mut names: BTreeMap<Likeness, Vec<u32>> = BTreeMap::new();
    for &index in nodes {
        let node = &draft.nodes[index as usize];
        if !is_marked(node) {
            let hubs = hubs.remove(&index).unwrap_or_default();
            let key = (node.kind, name(draft, node), node.change, hubs);
            names.entry(key).or_default().push(index);
        }
    }
    let mut named: Vec<Vec<u32>> = names.into_values().collect();
    // The most frequent names stay; ties by the first node, which has the smallest pid.
    named.sort_by_key(|nodes| (Reverse(nodes.len()), nodes[0]));
    let rest = named.split_off(named.len().min(MAX_NAMES));
    let mut rest: Vec<u32> = rest.into_iter().flatten().collect();
    rest.sort_unstable();
    for nodes in named.iter().chain(std::iter::once(&rest)) {
        for &node in nodes {
            classes[node as usize] = nodes[0];
        }
    }
    rest.first().copied()
}

/// Merges pairs whose names and edges are equal.
fn merge_pairs(draft: &Draft<'_>, pairs: &BTreeMap<u32, Vec<u32>>, classes: &mut [u32]) {
    type Likeness = (Kind, Vec<u8>, Kind, Vec<u8>, Vec<EdgeKind>);
    let mut kinds: BTreeMap<u32, Vec<EdgeKind>> = BTreeMap::new();
    for &(a, _, kind) in draft.edges.keys() {
        if pairs.contains_key(&a) {
            kinds.entry(a).or_default().push(kind);
        }
    }
    let mut firsts: BTreeMap<Likeness, [u32; 2]> = BTreeMap::new();
    for (pair, nodes) in pairs {
        let &[a, b] = nodes.as_slice() else {
            continue;
        };
        let [one, other] = [a, b].map(|index| &draft.nodes[index as usize]);
        let is_plain = |node: &DraftNode| !is_marked(node) && node.change == ChangeStatus::Stayed;
        // The names of listeners do not matter where there are dozens of such pairs.
        let name = |node: &DraftNode| match node.kind {
            Kind::Process => name(draft, node),
            _ => Vec::new(),
        };
        if is_plain(one) && is_plain(other) {
            let edges = kinds.remove(pair).unwrap_or_default();
            let key = (one.kind, name(one), other.kind, name(other), edges);
            let first = firsts.entry(key).or_insert([a, b]);
            classes[a as usize] = first[0];
            classes[b as usize] = first[1];
        }
    }
}
