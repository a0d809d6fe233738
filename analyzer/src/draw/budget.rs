//! Down to a number of nodes that a reader can take in: by meaning, one step at a time.
//!
//! Twins first, then processes by worker pool, executable, unit or container, user, until the
//! picture fits. What was merged says how many it stands for.

use std::collections::BTreeMap;

use super::group::{TIGHT, USUAL, merge, twins};
use super::picture::{Kind, Picture, Thing};
use crate::escape::display;
use crate::graph::{called, program};
use crate::model::{Map, Process};

/// More is not a picture but a texture.
const MOST_NODES: usize = 2_000;
/// About 2 MB of SVG, with the nodes.
const MOST_EDGES: usize = 4_500;

/// By what processes are merged: a word for the caption, who is one, what the whole is called.
pub(super) type Step = (
    &'static str,
    fn(&Process) -> Vec<u8>,
    fn(&Process) -> String,
);

pub(super) const STEPS: [Step; 4] = [
    ("parent and program", worker, called),
    ("program", executable, called),
    (
        "unit or container",
        |process| place(process).into_bytes(),
        place,
    ),
    ("user", |process| user(process).into_bytes(), user),
];

/// Merges until the picture is within its budget, and twins in any case.
pub(super) fn fit(map: &Map, picture: &mut Picture) {
    settle(map, picture, USUAL);
    if fits(picture) {
        return;
    }
    settle(map, picture, TIGHT);
    for step in STEPS {
        if fits(picture) {
            return;
        }
        aggregate(map, picture, step);
        settle(map, picture, TIGHT);
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

fn aggregate(map: &Map, picture: &mut Picture, (word, key, name): Step) {
    let neighbours = picture.neighbours();
    let mut firsts: BTreeMap<(u32, Vec<u8>), u32> = BTreeMap::new();
    let mut classes: Vec<u32> = (0..).take(picture.nodes.len()).collect();
    for (at, node) in (0u32..).zip(&mut picture.nodes) {
        let Thing::Process(id) = node.things[0] else {
            continue;
        };
        if node.kind != Kind::Process || neighbours[at as usize].is_empty() {
            continue;
        }
        let process = map.process(id);
        classes[at as usize] = *firsts.entry((process.host.0, key(process))).or_insert(at);
        node.group = Some(name(process));
    }
    merge(picture, &classes);
    for node in &mut picture.nodes {
        if node.things.len() == 1 {
            node.group = None;
        }
    }
    picture.aggregated = Some(word);
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
