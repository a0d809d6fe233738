//! The map as a picture: an SVG that is complete in itself.
//!
//! `reduce` makes a small graph out of the map, `group`, `budget` and `hubs` make it smaller still by
//! meaning, `look` gives every node its text and size, `place` asks the layout for positions,
//! `route` and `ends` draw the edges, and `svg` writes. Nothing here decides what a connection is, and no
//! position depends on a clock, a hash order or a thread count.

mod batch;
mod budget;
mod caption;
mod changes;
mod content;
mod dock;
mod ends;
mod found;
mod gather;
mod geometry;
mod group;
mod hubs;
mod kept;
mod labels;
mod legend;
mod look;
mod looks;
mod outlines;
mod picture;
mod place;
#[cfg(feature = "png")]
mod png;
mod reduce;
mod route;
mod rows;
mod scene;
mod shapes;
mod shelf;
mod stack;
mod stand;
mod svg;
mod theme;
mod titles;
mod widths;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod worlds;

use crate::check::Report;
use crate::diff::{self, FilteredMaps};
use crate::layout::{Graph, LayeredError};
use crate::model::Map;

pub use place::GAP;
#[cfg(feature = "png")]
pub use png::{PngError, png};
pub use theme::Theme;

/// How nodes find their places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// Distances on the picture follow distances in the graph.
    #[default]
    Stress,
    /// Ranks from clients down to servers, for small views.
    Layered,
}

/// Whether hubs become badges on their clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HubBadges {
    /// Where a hub touches a large part of a large picture.
    #[default]
    Auto,
    /// In small pictures too.
    On,
    /// Never.
    Off,
}

/// What may be chosen about a picture.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How nodes find their places.
    pub layout: Layout,
    /// Colours.
    pub theme: Theme,
    /// Heading; `None`: made from the hosts' names.
    pub title: Option<String>,
    /// Group and hide nothing.
    pub all: bool,
    /// What the rules said, to be marked; `None`: not asked.
    pub findings: Option<Report>,
    /// Whether hubs become badges.
    pub hub_badges: HubBadges,
    /// Each process of the map stands for a group: the pid of its first would mislead.
    pub grouped: bool,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// `--layout layered` is for small pictures.
    #[error(transparent)]
    Layered(#[from] LayeredError),
}

/// Draws a map.
///
/// The same map and options give the same bytes.
///
/// # Errors
/// Only the layered layout can fail: it has limits.
pub fn svg(map: &Map, options: &Options) -> Result<String, DrawError> {
    Ok(svg::write(map, &scene(map, options)?, options))
}

/// Draws what changed between two maps: both in one picture, what stayed pale and where `before`,
/// a picture of the first alone, has it. `options` are of the second.
///
/// # Errors
/// As [`svg`].
pub fn changes(
    compared: &FilteredMaps,
    compare: &diff::Options,
    before: First,
    options: &Options,
) -> Result<String, DrawError> {
    let alone = Options {
        findings: before.findings,
        ..options.clone()
    };
    let before = kept::Before::of(before.map, compare.by, &alone)?;
    let (map, mut picture) = changes::union(compared, compare, before, options);
    picture.grouped = options.grouped;
    let mut options = options.clone();
    let title = || caption::change(&compared.old, &compared.new);
    options.title.get_or_insert_with(title);
    shrink(&map, &mut picture, &options);
    let scene = place::place(&map, picture, &options)?;
    Ok(svg::write(&map, &scene, &options))
}

/// The first of two maps, as it is drawn alone.
#[derive(Debug, Default)]
pub struct First {
    /// The map, not collapsed and knowing nothing of the second.
    pub map: Map,
    /// What the rules said about it; `None`: not asked.
    pub findings: Option<Report>,
}

/// The graph that the layout gets: what is left of a map after reduction, with the boxes' sizes.
pub fn reduced(map: &Map) -> Graph {
    let options = Options::default();
    place::graph(map, &picture(map, &options), options.layout)
}

/// Everything with its place, ready to be written.
fn scene(map: &Map, options: &Options) -> Result<scene::Scene, DrawError> {
    place::place(map, picture(map, options), options)
}

/// The map, reduced.
fn picture(map: &Map, options: &Options) -> picture::Picture {
    let findings = options.findings.as_ref().map(|report| &*report.findings);
    let mut picture = reduce::reduce(map, findings.unwrap_or_default(), options.all);
    picture.grouped = options.grouped;
    shrink(map, &mut picture, options);
    picture
}

/// By meaning, unless all is wanted.
fn shrink(map: &Map, picture: &mut picture::Picture, options: &Options) {
    if !options.all {
        budget::fit(map, picture);
        hubs::badge(map, picture, options.hub_badges);
        shelf::gather(map, picture);
    }
}
