//! Many nodes into one: who has the same neighbours, and the merge itself.
//!
//! Dunne & Shneiderman, "Motif simplification", CHI 2013: fans (leaves of one hub) and connectors
//! (nodes with equal neighbour sets) may stand as one glyph without hiding how things hang together.

use std::collections::BTreeMap;

use super::picture::{Bundle, EdgeKind, HubBadge, Kind, Node, Picture, Thing};
use crate::diff::ChangeStatus;
use crate::graph::display_name;
use crate::model::Map;

/// From how many on, nodes with the same neighbours become one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Least {
    /// Processes of one name.
    pub(super) namesakes: usize,
    /// Processes of different names.
    pub(super) processes: usize,
    /// Listeners that one process holds.
    pub(super) listeners: usize,
    /// Addresses elsewhere.
    pub(super) outside: usize,
}

/// What is usual.
pub(super) const USUAL: Least = Least {
    namesakes: 5,
    processes: usize::MAX,
    listeners: 5,
    outside: 6,
};
/// What must be where the picture is too large.
pub(super) const TIGHT: Least = Least {
    namesakes: 2,
    processes: 6,
    listeners: 2,
    outside: 2,
};

/// What makes two nodes twins: kind, name, and their edges, seen from them.
type Likeness = (Kind, Vec<u8>, ChangeStatus, Vec<Seen>);
/// An edge: the other node, its kind, whether the server is here, what became of it.
type Seen = (u32, EdgeKind, bool, ChangeStatus);

/// Merges nodes that have the same neighbours in the same way. Returns whether any were.
pub(super) fn twins(map: &Map, picture: &mut Picture, least: Least) -> bool {
    let by_name = merge_likes(map, picture, least, true);
    by_name | merge_likes(map, picture, least, false)
}

fn merge_likes(map: &Map, picture: &mut Picture, least: Least, by_name: bool) -> bool {
    let mut likes: BTreeMap<Likeness, Vec<u32>> = BTreeMap::new();
    let mut edges: Vec<Vec<Seen>> = vec![Vec::new(); picture.nodes.len()];
    for (&(a, b, kind), bundle) in &picture.edges {
        edges[a as usize].push((b, kind, bundle.a_end.server, bundle.change));
        edges[b as usize].push((a, kind, bundle.b_end.server, bundle.change));
    }
    for (at, edges) in edges.into_iter().enumerate() {
        let node = &picture.nodes[at];
        // Found by a rule: stays visible. Without edges: on the shelf.
        if picture.stands_out(node) || edges.is_empty() {
            continue;
        }
        let name = match node.kind {
            Kind::Process if by_name => name(map, node),
            // Groups of one name were made in the first pass, and say more than "12 programs".
            Kind::Process if node.things.len() > 1 || least.processes == usize::MAX => continue,
            Kind::Listener if edges.len() > 1 => name(map, node),
            _ => Vec::new(),
        };
        let mut edges = edges;
        edges.sort_unstable();
        likes
            .entry((node.kind, name, node.change, edges))
            .or_default()
            .push(u32::try_from(at).unwrap_or(u32::MAX));
    }
    let mut classes: Vec<u32> = (0..).take(picture.nodes.len()).collect();
    let mut any = false;
    for ((kind, ..), members) in likes {
        let needed = match kind {
            Kind::Process if by_name => least.namesakes,
            Kind::Process => least.processes,
            Kind::Listener => least.listeners,
            Kind::Outside => least.outside,
            // Sockets and pipes that the same processes hold say the same thing several times.
            Kind::Socket | Kind::Pipe => 2,
        };
        let things: usize = members
            .iter()
            .map(|at| picture.nodes[*at as usize].things.len())
            .sum();
        if members.len() < 2 || things < needed {
            continue;
        }
        any = true;
        for &member in &members {
            classes[member as usize] = members[0];
        }
    }
    if any {
        merge(picture, &classes);
    }
    any
}

/// What a node is called: the name of its first process.
pub(super) fn name(map: &Map, node: &Node) -> Vec<u8> {
    match (&node.group, node.things[0]) {
        (Some(group), _) => group.clone().into_bytes(),
        (None, Thing::Process(process)) => display_name(map.process(process)).into_bytes(),
        (None, Thing::Socket(socket)) => map
            .socket(socket)
            .name
            .as_ref()
            .map_or_else(Vec::new, |name| name.bytes().to_vec()),
        _ => Vec::new(),
    }
}

/// Makes one node of each class. `classes` holds for every node the first member of its class.
pub(super) fn merge(picture: &mut Picture, classes: &[u32]) {
    let mut places = vec![0; classes.len()];
    let mut nodes: Vec<Node> = Vec::new();
    for (at, node) in std::mem::take(&mut picture.nodes).into_iter().enumerate() {
        let first = classes[at] as usize;
        if first == at {
            places[at] = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            nodes.push(node);
        } else {
            places[at] = places[first];
            let whole = &mut nodes[places[first] as usize];
            whole.add_findings(&node);
            whole.marks.add(node.marks);
            whole.things.extend(node.things);
        }
    }
    for node in &mut nodes {
        node.things.sort_unstable();
    }
    picture.nodes = nodes;
    let place = |at: u32| places[at as usize];
    let edges: Vec<((u32, u32, EdgeKind), Bundle)> =
        std::mem::take(&mut picture.edges).into_iter().collect();
    for ((a, b, kind), bundle) in edges {
        picture.join(place(a), place(b), kind, bundle);
    }
    for hub in &mut picture.hubs {
        *hub = place(*hub);
    }
    let mut badges: BTreeMap<(u32, u32), (u32, (bool, bool))> = BTreeMap::new();
    for badge in std::mem::take(&mut picture.badges) {
        let key = (place(badge.client), badge.hub);
        let (n, ways) = badges.entry(key).or_default();
        *n += badge.n;
        *ways = (ways.0 | badge.ways.0, ways.1 | badge.ways.1);
    }
    picture.badges = badges
        .into_iter()
        .map(|((client, hub), (n, ways))| HubBadge {
            client,
            hub,
            n,
            ways,
        })
        .collect();
}
