//! Down to a number of nodes that a reader can take in: by meaning, one step at a time.
//!
//! Twins first, then processes by worker pool, executable, unit or container, user, until the
//! picture fits. What was merged says how many it stands for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::group::{TIGHT, USUAL, merge, twins};
use super::picture::{Kind, Node, Picture, Thing};
use crate::graph::{display_name, program};
use crate::model::{Map, Process};
use crate::text::escape::display;

/// More is not a picture but a texture.
const MOST_NODES: usize = 2_000;
/// About 2 MB of SVG, with the nodes.
const MOST_EDGES: usize = 4_500;

/// Of a step's classes those of at least so many members are merged first: what is there once stays
/// itself as long as there is room.
const LEAST_MEMBERS: [usize; 3] = [64, 8, 1];
/// Who talks to more than so many times as many as is usual in its class is no member like others.
const OUTSTANDING: usize = 8;
/// So many of them, those who talk to most, stay apart in one step.
const MOST_APART: usize = 40;

/// By what processes are merged.
#[derive(Debug)]
pub(super) struct Step {
    /// For the caption.
    pub(super) word: &'static str,
    /// Whose is the same are one.
    pub(super) key: fn(&Process) -> Vec<u8>,
    /// What the whole is called, after its first.
    name: fn(&Process) -> String,
}

impl Step {
    /// Names a group. One whose members all go by one name needs no other, unless that is not what
    /// makes them one.
    pub(super) fn label(&self, map: &Map, node: &mut Node) {
        let Thing::Process(first) = node.things[0] else {
            return;
        };
        let first = map.process(first);
        let own = display_name(first);
        let alike = |thing: &Thing| match thing {
            Thing::Process(id) => display_name(map.process(*id)) == own,
            _ => false,
        };
        let name = (self.name)(first);
        let by_program = name == program(first);
        let needless = node.things.len() == 1 || (by_program && node.things.iter().all(alike));
        node.group = (!needless).then_some(name);
    }
}

pub(super) const STEPS: [Step; 4] = [
    Step {
        word: "parent and program",
        key: worker,
        name: program,
    },
    Step {
        word: "program",
        key: executable,
        name: program,
    },
    Step {
        word: "unit or container",
        key: |process| place(process).into_bytes(),
        name: place,
    },
    Step {
        word: "user",
        key: |process| user(process).into_bytes(),
        name: user,
    },
];

/// Merges until the picture is within its budget, and twins in any case.
pub(super) fn fit(map: &Map, picture: &mut Picture) {
    settle(map, picture, USUAL);
    if fits(picture) {
        return;
    }
    settle(map, picture, TIGHT);
    for step in &STEPS {
        for least in LEAST_MEMBERS {
            if fits(picture) {
                return;
            }
            if aggregate(map, picture, step, least) {
                settle(map, picture, USUAL);
                if !fits(picture) {
                    settle(map, picture, TIGHT);
                }
            }
        }
    }
}

/// Nodes without edges cost nothing here: they go on the shelf, which has its own measure.
fn fits(picture: &Picture) -> bool {
    let joined = picture
        .neighbours()
        .iter()
        .filter(|list| !list.is_empty())
        .count();
    joined <= MOST_NODES && picture.edges.len() <= MOST_EDGES
}

/// Merging twins makes new ones: the sockets that the merged all held.
fn settle(map: &Map, picture: &mut Picture, least: super::group::Least) {
    for _ in 0..4 {
        if !twins(map, picture, least) {
            return;
        }
    }
}

/// Merges the classes of a step that have at least so many members. Returns whether any were.
fn aggregate(map: &Map, picture: &mut Picture, step: &Step, least: usize) -> bool {
    let neighbours = picture.neighbours();
    let mut members: BTreeMap<(u32, Vec<u8>), Vec<u32>> = BTreeMap::new();
    for (at, node) in (0u32..).zip(&picture.nodes) {
        if let (Kind::Process, Thing::Process(id)) = (node.kind, node.things[0])
            && !neighbours[at as usize].is_empty()
        {
            let process = map.process(id);
            let class = (process.host.0, (step.key)(process));
            members.entry(class).or_default().push(at);
        }
    }
    let things = |at: &u32| picture.nodes[*at as usize].things.len();
    members.retain(|_, nodes| nodes.iter().map(things).sum::<usize>() >= least);
    let apart = outstanding(&neighbours, members.values());
    let mut classes: Vec<u32> = (0..).take(picture.nodes.len()).collect();
    let (mut any, mut merged) = (false, Vec::new());
    for nodes in members.values() {
        let mut nodes = nodes.iter().filter(|at| !apart.contains(at)).peekable();
        let Some(&&first) = nodes.peek() else {
            continue;
        };
        for &at in nodes {
            any |= at != first;
            classes[at as usize] = first;
        }
        merged.push(picture.nodes[first as usize].things[0]);
    }
    if any {
        merge(picture, &classes);
        picture.aggregated = Some(step.word);
        merged.sort_unstable();
        for node in &mut picture.nodes {
            if merged.binary_search(&node.things[0]).is_ok() {
                step.label(map, node);
            }
        }
    }
    any
}

/// Who is joined to far more than the others of its class: a hub among workers of its own program.
fn outstanding<'a>(
    neighbours: &[Vec<u32>],
    classes: impl Iterator<Item = &'a Vec<u32>>,
) -> BTreeSet<u32> {
    let degree = |at: &u32| neighbours[*at as usize].len();
    let mut found: Vec<u32> = Vec::new();
    for nodes in classes {
        let mut degrees: Vec<usize> = nodes.iter().map(degree).collect();
        degrees.sort_unstable();
        let usual = degrees[(degrees.len() - 1) / 2];
        found.extend(nodes.iter().filter(|at| degree(at) > OUTSTANDING * usual));
    }
    found.sort_by_key(|at| (Reverse(degree(at)), *at));
    found.into_iter().take(MOST_APART).collect()
}

fn worker(process: &Process) -> Vec<u8> {
    [&process.ppid.to_ne_bytes(), &*executable(process)].concat()
}

fn executable(process: &Process) -> Vec<u8> {
    let (place, program) = (place(process), program(process));
    [
        place.as_bytes(),
        b"\0",
        &process.exe,
        b"\0",
        program.as_bytes(),
    ]
    .concat()
}

fn place(process: &Process) -> String {
    match (&process.container, &process.unit) {
        (Some(container), _) => {
            let name = container.name.as_ref().unwrap_or(&container.id);
            format!("container {}", display(name.as_bytes()))
        }
        (None, Some(unit)) => display(unit.as_bytes()),
        (None, None) => user(process),
    }
}

fn user(process: &Process) -> String {
    match (&process.user, process.uid) {
        (Some(name), _) => format!("user {}", display(name)),
        (None, Some(uid)) => format!("uid {uid}"),
        (None, None) => "user not known".to_owned(),
    }
}
