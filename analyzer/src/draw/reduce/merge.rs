//! Merges nodes with the same neighbours.
//!
//! Dunne & Shneiderman, "Motif simplification", CHI 2013: fans (leaves of one hub) and connectors
//! (nodes with equal neighbour sets) may be drawn as one glyph without hiding the structure.

use std::collections::BTreeMap;

use super::draft::{Draft, DraftNode, Member, index};
use super::findings::is_marked;
use crate::diff::ChangeStatus;
use crate::draw::graph::{EdgeKind, Kind};

/// Smallest numbers of nodes with the same neighbours that are merged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeFrom {
    /// Processes of one name.
    namesakes: usize,
    /// Processes of different names.
    processes: usize,
    /// Listeners that one process holds.
    listeners: usize,
    /// Outside addresses.
    outside: usize,
}

/// For pictures of every size.
pub(crate) const USUAL: MergeFrom = MergeFrom {
    namesakes: 5,
    processes: usize::MAX,
    listeners: 5,
    outside: 6,
};
/// For pictures that are too large.
pub(crate) const TIGHT: MergeFrom = MergeFrom {
    namesakes: 2,
    processes: 6,
    listeners: 2,
    outside: 2,
};

/// Nodes are twins if these are equal: kind, name, change, and their edges seen from them.
type Likeness = (Kind, Vec<u8>, ChangeStatus, Vec<Seen>);
/// An edge seen from a node: the other node, its kind, whether the server is here, its change.
type Seen = (u32, EdgeKind, bool, ChangeStatus);

/// Merges nodes that have the same neighbours in the same way. Returns whether any were merged.
pub(crate) fn merge_twins(draft: &mut Draft<'_>, from: MergeFrom) -> bool {
    let namesakes = merge_alike(draft, from, true);
    namesakes | merge_alike(draft, from, false)
}

fn merge_alike(draft: &mut Draft<'_>, from: MergeFrom, by_name: bool) -> bool {
    let mut edges: Vec<Vec<Seen>> = vec![Vec::new(); draft.nodes.len()];
    for (&(a, b, kind), bundle) in &draft.edges {
        edges[a as usize].push((b, kind, bundle.a_end.server, bundle.change));
        edges[b as usize].push((a, kind, bundle.b_end.server, bundle.change));
    }
    let mut alike: BTreeMap<Likeness, Vec<u32>> = BTreeMap::new();
    for ((index, node), mut edges) in (0u32..).zip(&draft.nodes).zip(edges) {
        // A node with a finding stays visible; one without edges is placed on a shelf.
        if is_marked(node) || edges.is_empty() {
            continue;
        }
        let name = match node.kind {
            Kind::Process if by_name => name(draft, node),
            // Groups of one name were merged in the first pass; their name is better than "12 programs".
            Kind::Process if node.members.len() > 1 || from.processes == usize::MAX => continue,
            Kind::Listener if edges.len() > 1 => name(draft, node),
            _ => Vec::new(),
        };
        edges.sort_unstable();
        let likeness = (node.kind, name, node.change, edges);
        alike.entry(likeness).or_default().push(index);
    }
    let mut classes: Vec<u32> = (0..).take(draft.nodes.len()).collect();
    let mut any = false;
    for ((kind, ..), twins) in alike {
        let least = match kind {
            Kind::Process if by_name => from.namesakes,
            Kind::Process => from.processes,
            Kind::Listener => from.listeners,
            Kind::Outside => from.outside,
            // Sockets and pipes that the same processes hold repeat each other.
            Kind::Socket | Kind::Pipe => 2,
        };
        let size = |node: &u32| draft.nodes[*node as usize].members.len();
        if twins.len() < 2 || twins.iter().map(size).sum::<usize>() < least {
            continue;
        }
        any = true;
        for &node in &twins {
            classes[node as usize] = twins[0];
        }
    }
    if any {
        merge(draft, &classes);
    }
    any
}

/// The name by which nodes are compared: of a process or group, or of a named socket.
pub(crate) fn name(draft: &Draft<'_>, node: &DraftNode) -> Vec<u8> {
    match (&node.group, node.members[0]) {
        (Some(group), _) => group.clone().into_bytes(),
        (None, Member::Process(process)) => draft.processes[process as usize].name().into_bytes(),
        (None, Member::Socket(socket)) => {
            let name = draft.sockets[socket as usize].socket().name.as_ref();
            name.map_or_else(Vec::new, |name| name.bytes().to_vec())
        }
        _ => Vec::new(),
    }
}

/// Makes one node of each class. `classes` holds for every node the first one of its class.
pub(crate) fn merge(draft: &mut Draft<'_>, classes: &[u32]) {
    let mut indices = vec![0; classes.len()];
    let mut nodes: Vec<DraftNode> = Vec::new();
    for (old, node) in std::mem::take(&mut draft.nodes).into_iter().enumerate() {
        let first = classes[old] as usize;
        if first == old {
            indices[old] = index(nodes.len());
            nodes.push(node);
        } else {
            indices[old] = indices[first];
            nodes[indices[first] as usize].absorb(node);
        }
    }
    for node in &mut nodes {
        node.members.sort_unstable();
    }
    draft.nodes = nodes;
    let new = |old: u32| indices[old as usize];
    for ((a, b, kind), bundle) in std::mem::take(&mut draft.edges) {
        draft.join(new(a), new(b), kind, bundle);
    }
    for hub in &mut draft.hubs {
        *hub = new(*hub);
    }
    for badge in &mut draft.badges {
        badge.client = new(badge.client);
    }
    draft.badges.sort_unstable();
    draft.badges.dedup_by(|other, kept| {
        let is_same = (other.client, other.hub) == (kept.client, kept.hub);
        if is_same {
            kept.n += other.n;
            kept.directions.0 |= other.directions.0;
            kept.directions.1 |= other.directions.1;
        }
        is_same
    });
}
