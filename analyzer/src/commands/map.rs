//! The map of the snapshots of a command, restricted to its selectors.

use std::mem::ManuallyDrop;

use anyhow::{Result, bail};
use whotalks::load::Loaded;
use whotalks::model::{At, Map, ProcessId, SocketId};
use whotalks::query::{
    Filter, Selector, SelectorSet, apply_filter, matching_processes, matching_sockets,
};
use whotalks::text::escape;

use super::outcome::NothingFound;
use super::suggest::{no_match, similar_names};
use crate::cli::{FilterArgs, parse_selectors};
use crate::input::{self, Snapshot};
use crate::messages::message;
use crate::terminal::plural;

/// How files become a map: [`whotalks::model::build_at`], or [`whotalks::model::build_whole`].
pub(super) type Build = fn(&[Loaded], At) -> Option<Map>;

/// Opens the snapshots of a command, builds their map and applies a filter made from the selectors.
///
/// The map is never freed: freeing hundreds of thousands of parts before the process exits takes time.
///
/// # Errors
/// [`NothingFound`], too.
pub(super) fn filtered_map(
    selection: &FilterArgs,
    filter: &Filter,
    build: Build,
) -> Result<ManuallyDrop<Map>> {
    let snapshots = input::open_at(&selection.files(), selection.at)?;
    let built = filtered_map_with(snapshots, selection, filter, |files, at| {
        Some((build(files, at)?, ()))
    })?;
    Ok(built.0)
}

/// Like [`filtered_map`]; `build` returns something else about the whole map, too.
pub(super) fn filtered_map_with<T>(
    snapshots: Vec<Snapshot>,
    selection: &FilterArgs,
    filter: &Filter,
    build: impl FnOnce(&[Loaded], At) -> Option<(Map, T)>,
) -> Result<(ManuallyDrop<Map>, T)> {
    let (whole, more) = whole_map_with(snapshots, selection.at, build)?;
    if let Some(path) = missing_file(&whole, selection)? {
        bail!("{path}: no such file, and nothing in the map has this name");
    }
    let similar = similar_names(&whole, selection);
    match apply_filter(whole, filter) {
        (map, true) => Ok((ManuallyDrop::new(map), more)),
        (_, false) => Err(no_match(&similar)),
    }
}

/// A selector that may be meant as a file, and matches nothing.
fn missing_file(map: &Map, selection: &FilterArgs) -> Result<Option<String>> {
    for text in selection.selectors() {
        let is_path = text.contains('/') && !text.starts_with('@');
        let set = parse_selectors([&text])?;
        if !is_path || matches!(text.parse(), Ok(Selector::Addr(_))) || text.contains(':') {
            continue;
        }
        let is_found = matching_processes(map, &set).contains(&true)
            || matching_sockets(map, &set).contains(&true);
        if !is_found {
            return Ok(Some(escape::display(text.as_bytes())));
        }
    }
    Ok(None)
}

/// The map without a filter.
pub(super) fn whole_map(snapshots: Vec<Snapshot>, at: At, build: Build) -> Result<Map> {
    let built = whole_map_with(snapshots, at, |files, at| Some((build(files, at)?, ())))?;
    Ok(built.0)
}

/// Like [`whole_map`]; `build` returns something else about the map, too.
pub(super) fn whole_map_with<T>(
    snapshots: Vec<Snapshot>,
    at: At,
    build: impl FnOnce(&[Loaded], At) -> Option<(Map, T)>,
) -> Result<(Map, T)> {
    let loaded = input::loaded(snapshots);
    let (whole, more) = build(&loaded, at).ok_or_else(no_capture)?;
    report_series(&loaded, &whole, at);
    // Not freed, as the map.
    std::mem::forget(loaded);
    Ok((whole, more))
}

/// The processes that match.
pub(super) fn matching_process_ids(map: &Map, selectors: &SelectorSet) -> Vec<ProcessId> {
    let matches = matching_processes(map, selectors).into_iter().enumerate();
    let matches = matches.filter(|(_, matches)| *matches);
    matches.map(|(index, _)| ProcessId::new(index)).collect()
}

/// The sockets that match.
pub(super) fn matching_socket_ids(map: &Map, selectors: &SelectorSet) -> Vec<SocketId> {
    let matches = matching_sockets(map, selectors).into_iter().enumerate();
    let matches = matches.filter(|(_, matches)| *matches);
    matches.map(|(index, _)| SocketId::new(index)).collect()
}

/// `--at` selects no capture.
pub(super) fn no_capture() -> anyhow::Error {
    NothingFound("--at: there is no such capture".to_owned()).into()
}

/// Prints that only the last of several captures of a boot is used.
pub(super) fn report_series(loaded: &[Loaded], map: &Map, at: At) {
    let captures: usize = loaded.iter().map(|file| file.captures.len()).sum();
    let hosts = map.hosts.len();
    if captures > hosts && at == At::Last {
        let captures = plural(captures, "capture", "captures");
        let (of, each) = match hosts {
            1 => (String::new(), ""),
            _ => (
                format!(" of {}", plural(hosts, "host", "hosts")),
                " of each",
            ),
        };
        message!("{captures}{of}: the latest{each} is used (--at)");
    }
}
