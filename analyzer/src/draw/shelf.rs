//! The shelf: what needs no layout (singles, pairs, hubs shown as badges), on rows with a heading.

use std::collections::BTreeMap;

use super::dock::owners;
use super::group::{merge, name};
use super::hubs::components;
use super::picture::{EdgeKind, Kind, Picture, Stand, Thing};
use crate::diff::ChangeStatus;
use crate::model::{FdsStatus, Map};

/// More singles than these are gathered by name.
const MOST_SINGLES: usize = 60;
/// More names than these are gathered in one last node.
const MOST_NAMES: usize = 400;
/// More pairs than these are gathered by the names of both.
const MOST_PAIRS: usize = 24;

/// Where each node goes; one that hangs on another goes where that one goes.
pub(super) fn stands(map: &Map, picture: &Picture) -> Vec<Stand> {
    let first = components(picture);
    let owners = owners(picture);
    let mut sizes = vec![0u32; first.len()];
    let mut listens = vec![false; first.len()];
    for (component, owner) in first.iter().zip(&owners) {
        match owner {
            None => sizes[*component as usize] += 1,
            Some(owner) => listens[*owner as usize] = true,
        }
    }
    let mut badged = vec![false; first.len()];
    for badge in &picture.badges {
        badged[badge.client as usize] = true;
    }
    // Who wears a badge talks to a hub besides, and a hub to its clients.
    let mut told = vec![false; first.len()];
    let clients = picture.badges.iter().map(|badge| badge.client);
    for node in clients.chain(picture.hubs.iter().copied()) {
        told[first[node as usize] as usize] = true;
    }
    // A group and one other node are no pair.
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for ((at, component), owner) in picture.nodes.iter().zip(&first).zip(&owners) {
        if owner.is_none() && sizes[*component as usize] == 2 {
            members.entry(*component).or_default().push(at.things.len());
        }
    }
    let alike = |component: u32| {
        members
            .get(&component)
            .is_some_and(|sizes| sizes.windows(2).all(|two| two[0] == two[1]))
    };
    let stand = |at: u32| {
        let component = first[at as usize];
        match sizes[component as usize] {
            1 if picture.hubs.contains(&at) => Stand::Hub,
            1 if badged[at as usize] => Stand::HubClient,
            1 if is_unread(map, picture, at) => Stand::Unread,
            1 if listens[at as usize] => Stand::Listens,
            1 => Stand::Single,
            2 if alike(component) && !told[component as usize] => Stand::Pair(component),
            _ => Stand::Main,
        }
    };
    (0u32..)
        .zip(&owners)
        .map(|(at, owner)| stand(owner.unwrap_or(at)))
        .collect()
}

/// Whether a node stands for processes whose descriptors were not all read.
pub(super) fn is_unread(map: &Map, picture: &Picture, at: u32) -> bool {
    picture.nodes[at as usize]
        .things
        .iter()
        .any(|thing| match thing {
            Thing::Process(process) => map.process(*process).fds_status != FdsStatus::Read,
            _ => false,
        })
}

/// Gathers singles and pairs that are too many to be shown one by one.
pub(super) fn gather(map: &Map, picture: &mut Picture) {
    let mut classes: Vec<u32> = (0..).take(picture.nodes.len()).collect();
    let stands = stands(map, picture);
    let mut singles: BTreeMap<Stand, Vec<u32>> = BTreeMap::new();
    let mut pairs: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let owners = owners(picture);
    for (at, stand) in (0u32..).zip(&stands) {
        match stand {
            _ if owners[at as usize].is_some() => {}
            Stand::Pair(pair) => pairs.entry(*pair).or_default().push(at),
            Stand::Main | Stand::Hub => {}
            alone => singles.entry(*alone).or_default().push(at),
        }
    }
    let mut rests = Vec::new();
    for members in singles
        .values()
        .filter(|members| members.len() > MOST_SINGLES)
    {
        rests.extend(gather_singles(map, picture, members, &mut classes));
    }
    if pairs.len() > MOST_PAIRS {
        gather_pairs(map, picture, &pairs, &mut classes);
    }
    // What hung on the gathered hangs on the whole, as one.
    let mut hanging: BTreeMap<u32, u32> = BTreeMap::new();
    let mut sizes = vec![0u32; classes.len()];
    for class in &classes {
        sizes[*class as usize] += 1;
    }
    for (at, owner) in (0u32..).zip(&owners) {
        let whole = owner.map(|owner| classes[owner as usize]);
        if let Some(whole) = whole.filter(|whole| sizes[*whole as usize] > 1) {
            classes[at as usize] = *hanging.entry(whole).or_insert(at);
        }
    }
    for rest in rests {
        picture.nodes[rest as usize].group = Some("others".to_owned());
    }
    merge(picture, &classes);
}

/// Returns the node that takes those whose name is one too many.
fn gather_singles(
    map: &Map,
    picture: &Picture,
    members: &[u32],
    classes: &mut [u32],
) -> Option<u32> {
    let mut hubs: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for badge in &picture.badges {
        hubs.entry(badge.client).or_default().push(badge.hub);
    }
    type Likeness = (Kind, Vec<u8>, ChangeStatus, Vec<u32>);
    let mut names: BTreeMap<Likeness, Vec<u32>> = BTreeMap::new();
    for &at in members {
        let node = &picture.nodes[at as usize];
        if !picture.stands_out(node) {
            let hubs = hubs.remove(&at).unwrap_or_default();
            let key = (node.kind, name(map, node), node.change, hubs);
            names.entry(key).or_default().push(at);
        }
    }
    let mut kept: Vec<Vec<u32>> = names.into_values().collect();
    // The most frequent names stay; ties by the first node, which is the smallest pid's.
    kept.sort_by_key(|nodes| (std::cmp::Reverse(nodes.len()), nodes[0]));
    let rest = kept.split_off(kept.len().min(MOST_NAMES));
    let mut rest: Vec<u32> = rest.into_iter().flatten().collect();
    rest.sort_unstable();
    for nodes in kept.iter().chain(std::iter::once(&rest)) {
        for &at in nodes {
            classes[at as usize] = nodes[0];
        }
    }
    rest.first().copied()
}

fn gather_pairs(
    map: &Map,
    picture: &Picture,
    pairs: &BTreeMap<u32, Vec<u32>>,
    classes: &mut [u32],
) {
    type Likeness = (Kind, Vec<u8>, Kind, Vec<u8>, Vec<EdgeKind>);
    let mut kinds: BTreeMap<u32, Vec<EdgeKind>> = BTreeMap::new();
    for &(a, _, kind) in picture.edges.keys() {
        if pairs.contains_key(&a) {
            kinds.entry(a).or_default().push(kind);
        }
    }
    let mut firsts: BTreeMap<Likeness, [u32; 2]> = BTreeMap::new();
    for (pair, members) in pairs {
        let &[a, b] = members.as_slice() else {
            continue;
        };
        let of = |at: u32| {
            let node = &picture.nodes[at as usize];
            // A listener's name tells nothing when there are dozens of such pairs.
            let name = match node.kind {
                Kind::Process => name(map, node),
                _ => Vec::new(),
            };
            let plain = !picture.stands_out(node) && node.change == ChangeStatus::Stayed;
            (node.kind, name, plain)
        };
        let (one, other) = (of(a), of(b));
        if one.2 && other.2 {
            let edges = kinds.remove(pair).unwrap_or_default();
            let key = (one.0, one.1, other.0, other.1, edges);
            let first = firsts.entry(key).or_insert([a, b]);
            classes[a as usize] = first[0];
            classes[b as usize] = first[1];
        }
    }
}
