//! Draws hubs as badges: a process, pipe or listener with very many clients is written on each of
//! them instead of drawn as a ball of edges.

use std::collections::BTreeSet;

use super::draft::{Draft, index};
use crate::diff::ChangeStatus;
use crate::draw::graph::{EdgeKind, HubBadge, Kind};
use crate::draw::options::HubBadges;

/// Each hub has its own letter and colour.
const MAX_HUBS: usize = 6;

/// Replaces the edges between hubs and their clients by badges. The hubs' other edges stay.
pub(crate) fn badge(draft: &mut Draft<'_>, choice: HubBadges) {
    let (least, share) = match choice {
        HubBadges::Never => return,
        HubBadges::Always => (6, 0.2),
        // With fewer clients, the edges show a hub well enough.
        HubBadges::Auto => (100, 0.35),
    };
    let clients = clients(draft);
    let components = draft.components();
    let mut sizes = vec![0u32; draft.nodes.len()];
    for (component, node) in components.iter().zip(&draft.nodes) {
        if node.kind == Kind::Process {
            sizes[*component as usize] += 1;
        }
    }
    let mut hubs: Vec<u32> = (0..index(draft.nodes.len())).collect();
    hubs.retain(|node| {
        let n = clients[*node as usize];
        let size = sizes[components[*node as usize] as usize];
        n >= least && f64::from(n) >= share * f64::from(size)
    });
    hubs.sort_by_key(|node| (std::cmp::Reverse(clients[*node as usize]), *node));
    hubs.truncate(MAX_HUBS);
    if choice == HubBadges::Auto && !hides_others(draft, &hubs, &sizes, &components) {
        return;
    }
    let number = |node: u32| hubs.iter().position(|hub| *hub == node).map(index);
    let mut badges = Vec::new();
    draft.edges.retain(|&(a, b, kind), bundle| {
        let hub_of = |hub: u32, client: u32| {
            let kinds = [hub, client].map(|node| draft.nodes[node as usize].kind);
            number(hub).filter(|_| is_client(kinds[0], kinds[1], kind))
        };
        let ends = [
            (a, b, bundle.b_end, bundle.a_end),
            (b, a, bundle.a_end, bundle.b_end),
        ];
        let possible = ends.into_iter().filter_map(|(hub, client, own, other)| {
            Some(HubBadge {
                client,
                hub: hub_of(hub, client)?,
                n: bundle.n,
                directions: (own.arrow, other.arrow),
            })
        });
        // Of two hubs, the smaller one has the badge of the larger.
        let Some(badge) = possible.min_by_key(|badge| badge.hub) else {
            return true;
        };
        if bundle.change != ChangeStatus::Stayed || !bundle.findings.is_empty() {
            return true;
        }
        badges.push(badge);
        false
    });
    badges.sort_unstable();
    draft.badges = badges;
    draft.hubs = hubs;
}

/// Whether the hubs' edges hide other structure. A hub and its clients alone are a star, which is
/// best drawn as one.
fn hides_others(draft: &Draft<'_>, hubs: &[u32], sizes: &[u32], components: &[u32]) -> bool {
    let is_other = |(a, b, kind): &&(u32, u32, EdgeKind)| {
        is_connection(*kind) && !hubs.contains(a) && !hubs.contains(b)
    };
    let others = draft.edges.keys().filter(is_other).count();
    let touched = hubs.iter().map(|hub| components[*hub as usize]);
    let touched: BTreeSet<u32> = touched.collect();
    let around: u32 = touched.iter().map(|first| sizes[*first as usize]).sum();
    2 * others >= around as usize
}

fn is_connection(kind: EdgeKind) -> bool {
    matches!(kind, EdgeKind::Unix | EdgeKind::Net)
}

/// Whether an edge of this kind makes a process the client of a hub: it is connected to it, has an end
/// of it or holds it.
fn is_client(hub: Kind, client: Kind, edge: EdgeKind) -> bool {
    client == Kind::Process
        && match hub {
            Kind::Process => is_connection(edge),
            Kind::Pipe => edge == EdgeKind::Pipe,
            Kind::Listener => edge == EdgeKind::Holds,
            // A connected socket with many holders is what a reader looks for: it stays a star.
            Kind::Socket | Kind::Outside => false,
        }
}

/// The number of processes that would be clients of each node.
fn clients(draft: &Draft<'_>) -> Vec<u32> {
    let mut counts = vec![0; draft.nodes.len()];
    let mut last = None;
    for &(a, b, kind) in draft.edges.keys() {
        // Both kinds of connection between two nodes follow each other in the map.
        if last == Some((a, b)) {
            continue;
        }
        for (hub, client) in [(a, b), (b, a)] {
            let kinds = [hub, client].map(|node| draft.nodes[node as usize].kind);
            if is_client(kinds[0], kinds[1], kind) {
                last = Some((a, b));
                counts[hub as usize] += 1;
            }
        }
    }
    counts
}
