//! Reduces the draft to a number of nodes and edges that a reader can take in.
//!
//! Nodes with the same neighbours are merged first, then processes by the steps of `merge_step`, until
//! the picture fits. A merged node shows how many it stands for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::merge::{MergeFrom, TIGHT, USUAL, merge, merge_twins};
use super::merge_step::{MergeStep, STEPS};
use crate::draw::graph::Kind;

/// More nodes are a texture, not a picture.
const MAX_NODES: usize = 2_000;
/// About 2 MB of SVG, with the nodes.
const MAX_EDGES: usize = 4_500;

/// Classes of a step with at least so many members are merged first, so that rare programs stay
/// separate as long as there is room.
const CLASS_SIZES: [usize; 3] = [64, 8, 1];
/// A process with more than so many times the usual number of neighbours in its class is not merged.
const OUTSTANDING: usize = 8;
/// At most so many of those stay separate in one step, the ones with the most neighbours.
const MAX_OUTSTANDING: usize = 40;
/// Merging makes new nodes with the same neighbours: the sockets that all merged processes held.
const MAX_ROUNDS: usize = 4;

/// Merges nodes with the same neighbours, and more until the picture is within its budget.
pub(crate) fn fit(draft: &mut Draft<'_>) {
    settle(draft, USUAL);
    if fits(draft) {
        return;
    }
    settle(draft, TIGHT);
    for step in &STEPS {
        for class_size in CLASS_SIZES {
            if fits(draft) {
                return;
            }
            if merge_classes(draft, step, class_size) {
                settle(draft, USUAL);
                if !fits(draft) {
                    settle(draft, TIGHT);
                }
            }
        }
    }
}

/// Nodes without edges are not counted: they are placed on a shelf, which has its own limits.
fn fits(draft: &Draft<'_>) -> bool {
    let neighbours = draft.neighbours();
    let joined = neighbours.iter().filter(|list| !list.is_empty()).count();
    joined <= MAX_NODES && draft.edges.len() <= MAX_EDGES
}

fn settle(draft: &mut Draft<'_>, from: MergeFrom) {
    for _ in 0..MAX_ROUNDS {
        if !merge_twins(draft, from) {
            return;
        }
    }
}

/// Merges the classes of a step that have at least so many members. Returns whether any were merged.
fn merge_classes(draft: &mut Draft<'_>, step: &MergeStep, class_size: usize) -> bool {
    let neighbours = draft.neighbours();
    let mut members: BTreeMap<(usize, Vec<u8>), Vec<u32>> = BTreeMap::new();
    for (index, node) in (0u32..).zip(&draft.nodes) {
        if let (Kind::Process, Some(process)) = (node.kind, draft.first_process(node))
            && !neighbours[index as usize].is_empty()
        {
            members.entry(step.class(process)).or_default().push(index);
        }
    }
    let size = |node: &u32| draft.nodes[*node as usize].members.len();
    members.retain(|_, nodes| nodes.iter().map(size).sum::<usize>() >= class_size);
    let separate = outstanding(&neighbours, members.values());
    let mut classes: Vec<u32> = (0..).take(draft.nodes.len()).collect();
    let (mut any, mut merged) = (false, Vec::new());
    for nodes in members.values() {
        let mut nodes = nodes
            .iter()
            .filter(|node| !separate.contains(node))
            .peekable();
        let Some(&&first) = nodes.peek() else {
            continue;
        };
        for &node in nodes {
            any |= node != first;
            classes[node as usize] = first;
        }
        merged.push(draft.nodes[first as usize].members[0]);
    }
    if any {
        merge(draft, &classes);
        draft.merged_by = Some(step.word);
        merged.sort_unstable();
        for node in 0..draft.nodes.len() {
            if merged.binary_search(&draft.nodes[node].members[0]).is_ok() {
                step.label(draft, node);
            }
        }
    }
    any
}

/// Nodes with far more neighbours than the others of their class: a hub among workers of its own
/// program.
fn outstanding<'a>(
    neighbours: &[Vec<u32>],
    classes: impl Iterator<Item = &'a Vec<u32>>,
) -> BTreeSet<u32> {
    let degree = |node: &u32| neighbours[*node as usize].len();
    let mut found: Vec<u32> = Vec::new();
    for nodes in classes {
        let mut degrees: Vec<usize> = nodes.iter().map(degree).collect();
        degrees.sort_unstable();
        let usual = degrees[(degrees.len() - 1) / 2];
        found.extend(
            nodes
                .iter()
                .filter(|node| degree(node) > OUTSTANDING * usual),
        );
    }
    found.sort_by_key(|node| (Reverse(degree(node)), *node));
    found.into_iter().take(MAX_OUTSTANDING).collect()
}
