//! Reduces maps to the graph that is drawn. This folder alone reads the map.
//!
//! `build` and `diff` make a draft of one map or two, `budget`, `hub_badges` and `shelf` merge its
//! nodes until it fits, and `resolve` writes the labels and tooltips of those that are left.

mod budget;
mod build;
mod caption;
mod coalesce;
mod diff;
mod draft;
mod findings;
mod glance;
mod hub_badges;
mod identity;
mod label;
mod merge;
mod merge_step;
mod pool;
mod resolve;
mod shelf;
mod tooltip;

pub(crate) use draft::Draft;
#[cfg(test)]
pub(crate) use draft::Member;
pub use glance::{Glance, glance};
pub(crate) use identity::PreviousPositions;

use super::graph::Graph;
use super::options::{Layout, Options};
use crate::diff::FilteredMaps;
use crate::graph::By;
use crate::model::Map;
use crate::query::group_map;

/// The graph of one map.
pub(crate) fn reduce(map: &Map, options: &Options) -> Graph {
    let title = options.title.clone().unwrap_or_else(|| caption::title(map));
    resolve::resolve(draft(map, options), title, options)
}

/// The first of two maps, grouped and reduced alone, and the node of each identity.
pub(crate) fn previous(map: Map, by: By, options: &Options) -> (Graph, PreviousPositions) {
    let processes = identity::grouped_processes(&map, by);
    let map = group_map(map, by);
    let draft = draft(&map, options);
    let nodes = identity::nodes(&draft, &processes);
    // The caption is not drawn.
    let graph = resolve::resolve(draft, String::new(), options);
    (graph, nodes)
}

/// The graph of two maps. `previous` holds the positions in the picture of the first alone.
pub(crate) fn compare(
    maps: &FilteredMaps,
    compare: &crate::diff::Options,
    previous: &PreviousPositions,
    options: &Options,
) -> Graph {
    let findings = options.findings.as_ref().map(|report| &*report.findings);
    let mut draft = diff::build(maps, compare, previous, findings.unwrap_or_default());
    fit(&mut draft, options);
    let title = || caption::comparison_title(&maps.old, &maps.new);
    let title = options.title.clone().unwrap_or_else(title);
    resolve::resolve(draft, title, options)
}

/// The draft of one map, merged until it fits.
pub(crate) fn draft<'a>(map: &'a Map, options: &'a Options) -> Draft<'a> {
    let findings = options.findings.as_ref().map(|report| &*report.findings);
    let mut draft = build::build(map, findings.unwrap_or_default(), options.all);
    fit(&mut draft, options);
    draft
}

/// The draft of one map as it is built.
#[cfg(test)]
pub(crate) fn unmerged_draft(map: &Map, all: bool) -> Draft<'_> {
    build::build(map, &[], all)
}

/// Merges nodes unless everything is to be drawn on its own.
fn fit(draft: &mut Draft<'_>, options: &Options) {
    if !options.all {
        pool::stack(draft);
        budget::fit(draft);
        // A matrix has room for hubs, and no shelves.
        if options.layout != Layout::Matrix {
            hub_badges::badge(draft, options.hub_badges);
            shelf::merge_shelves(draft);
        }
    }
}
