//! Chooses what one box stands for where nobody has said it.

use super::reduce;
use crate::draw::graph::Graph;
use crate::draw::options::{Layout, Options};
use crate::graph::By;
use crate::model::Map;
use crate::query::group_map;

/// More boxes are read box by box, and no longer at a glance.
const MAX_BOXES: usize = 60;
/// Fewer say nothing about what talks inside of them.
const MIN_BOXES: usize = 8;
/// Views that replace processes, in order.
const GLANCES: [By; 4] = [By::Role, By::Unit, By::Exe, By::User];
/// A map with more processes has too many boxes, whatever is merged.
const MANY_PROCESSES: usize = 2_000;

/// A view, and what it replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// What one box stands for.
    pub view: By,
    /// How many boxes processes would be, if there are too many; `None`: not counted.
    pub instead_of: Option<usize>,
}

/// The view of a picture for which none was chosen: processes, unless they are too many to be seen at
/// a glance, then the first of roles, units, executables and users that are few enough.
///
/// A matrix shows roles at most: the processes of one role have the same rows and columns.
pub fn glance(map: &Map, options: &Options) -> Glance {
    let processes = Glance {
        view: By::Process,
        instead_of: None,
    };
    if options.all {
        return processes;
    }
    let mut best = processes;
    let mut fewest = usize::MAX;
    if options.layout != Layout::Matrix && map.processes.len() <= MANY_PROCESSES {
        fewest = boxes(&reduce(map, options));
        if fewest <= MAX_BOXES {
            return processes;
        }
        best.instead_of = Some(fewest);
    }
    for view in GLANCES {
        if fewest <= MAX_BOXES {
            break;
        }
        let boxes = boxes(&reduce(&group_map(map.clone(), view), options));
        // Too many boxes say more than too few.
        if boxes >= MIN_BOXES && boxes < fewest {
            (best.view, fewest) = (view, boxes);
        }
    }
    best
}

/// The number of nodes with a position of their own.
fn boxes(graph: &Graph) -> usize {
    graph
        .nodes
        .iter()
        .filter(|node| node.attached_to.is_none())
        .count()
}
