//! Hubs as badges: what nearly everybody talks to, or holds, is written on its clients instead of
//! drawn as a ball of edges.

use super::HubBadges;
use super::picture::{EdgeKind, HubBadge, Kind, Picture};
use crate::diff::ChangeStatus;
use crate::model::Map;

/// Each hub has its own letter and colour.
const MOST_HUBS: usize = 6;

/// Replaces the edges between hubs and their clients by badges. The hubs' other edges stay.
pub(super) fn badge(_map: &Map, picture: &mut Picture, choice: HubBadges) {
    let (least, share) = match choice {
        HubBadges::Off => return,
        HubBadges::On => (6, 0.2),
        // A hub with fewer clients than these still looks like what it is: a hub.
        HubBadges::Auto => (100, 0.35),
    };
    let joined = joined(picture);
    let components = components(picture);
    let mut sizes = vec![0u32; picture.nodes.len()];
    for (at, node) in picture.nodes.iter().enumerate() {
        if node.kind == Kind::Process {
            sizes[components[at] as usize] += 1;
        }
    }
    let mut hubs: Vec<u32> = (0u32..)
        .zip(&picture.nodes)
        .filter(|(at, _)| {
            let n = joined[*at as usize];
            let of = sizes[components[*at as usize] as usize];
            n >= least && f64::from(n) >= share * f64::from(of)
        })
        .map(|(at, _)| at)
        .collect();
    hubs.sort_by_key(|at| (std::cmp::Reverse(joined[*at as usize]), *at));
    hubs.truncate(MOST_HUBS);
    if choice == HubBadges::Auto && !hides_others(picture, &hubs, &sizes, &components) {
        return;
    }
    let place = |node: u32| {
        let at = hubs.iter().position(|hub| *hub == node)?;
        u32::try_from(at).ok()
    };
    let mut badges = Vec::new();
    picture.edges.retain(|&(a, b, kind), bundle| {
        let of = |hub: u32, client: u32| {
            let kinds = [hub, client].map(|at| picture.nodes[at as usize].kind);
            place(hub).filter(|_| joins(kinds[0], kinds[1], kind))
        };
        // Of two hubs, the smaller wears the badge of the larger.
        let (client, hub, ends) = match (of(a, b), of(b, a)) {
            (Some(first), Some(second)) if first > second => {
                (a, second, [bundle.a_end, bundle.b_end])
            }
            (Some(first), _) => (b, first, [bundle.b_end, bundle.a_end]),
            (None, Some(second)) => (a, second, [bundle.a_end, bundle.b_end]),
            (None, None) => return true,
        };
        if bundle.change != ChangeStatus::Stayed || !bundle.findings.is_empty() {
            return true;
        }
        badges.push(HubBadge {
            client,
            hub,
            n: bundle.n,
            ways: (ends[0].arrow, ends[1].arrow),
        });
        false
    });
    badges.sort_unstable();
    picture.badges = badges;
    picture.hubs = hubs;
}

/// Whether the hubs' edges lie over a structure worth seeing. A hub and its clients alone are a star,
/// which is best drawn as one.
fn hides_others(picture: &Picture, hubs: &[u32], sizes: &[u32], components: &[u32]) -> bool {
    let others = picture
        .edges
        .keys()
        .filter(|(a, b, kind)| is_talk(*kind) && !hubs.contains(a) && !hubs.contains(b))
        .count();
    let mut touched: Vec<u32> = hubs.iter().map(|hub| components[*hub as usize]).collect();
    touched.sort_unstable();
    touched.dedup();
    let around: u32 = touched
        .iter()
        .map(|component| sizes[*component as usize])
        .sum();
    2 * others >= around as usize
}

fn is_talk(kind: EdgeKind) -> bool {
    matches!(kind, EdgeKind::Unix | EdgeKind::Net)
}

/// Whether an edge of this kind makes a process the client of a hub: it talks to it, has an end of it
/// or holds it.
fn joins(hub: Kind, client: Kind, edge: EdgeKind) -> bool {
    client == Kind::Process
        && match hub {
            Kind::Process => is_talk(edge),
            Kind::Pipe => edge == EdgeKind::Pipe,
            Kind::Listener => edge == EdgeKind::Holds,
            // A connected socket that many hold is what a reader looks for: it stays a star.
            Kind::Socket | Kind::Outside => false,
        }
}

/// How many processes are clients of each node, if it is a hub.
fn joined(picture: &Picture) -> Vec<u32> {
    let mut counts = vec![0; picture.nodes.len()];
    let mut last = None;
    for &(a, b, kind) in picture.edges.keys() {
        // Both kinds of talk between two nodes stand side by side in the map.
        if last == Some((a, b)) {
            continue;
        }
        for (hub, client) in [(a, b), (b, a)] {
            let kinds = [hub, client].map(|at| picture.nodes[at as usize].kind);
            if joins(kinds[0], kinds[1], kind) {
                last = Some((a, b));
                counts[hub as usize] += 1;
            }
        }
    }
    counts
}

/// For every node the first node of its component.
pub(super) fn components(picture: &Picture) -> Vec<u32> {
    let neighbours = picture.neighbours();
    let mut first = vec![u32::MAX; picture.nodes.len()];
    for root in (0u32..).take(picture.nodes.len()) {
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            if first[node as usize] == u32::MAX {
                first[node as usize] = root;
                open.extend(&neighbours[node as usize]);
            }
        }
    }
    first
}
