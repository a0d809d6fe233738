//! Builds a map from loaded files and a selection of captures: one host for each boot.

use super::at::At;
use super::join::{join, join_whole};
use super::map::Map;
use super::series::{TimedCapture, series};
use super::series_union::union;
use crate::load::Loaded;

/// Joins the latest capture of each boot.
pub fn build(files: &[Loaded]) -> Map {
    build_at(files, At::Last).unwrap_or_default()
}

/// Joins one capture of each boot, or with [`At::All`] all captures of each boot.
///
/// `None` when a series lacks the selected capture.
pub fn build_at(files: &[Loaded], at: At) -> Option<Map> {
    if at == At::All {
        return Some(union(&series(files)));
    }
    Some(join(&select(files, at)?))
}

/// The same with states of threads and with epoll, eventfd and pidfd relations, which few commands
/// need; of [`At::All`] the latest capture.
pub fn build_whole(files: &[Loaded], at: At) -> Option<Map> {
    Some(join_whole(&select(files, at)?))
}

fn select(files: &[Loaded], at: At) -> Option<Vec<TimedCapture<'_>>> {
    series(files)
        .iter()
        .map(|series| Some(series.captures()[series.index_of(at)?]))
        .collect()
}
