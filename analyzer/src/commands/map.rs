//! The map of the snapshots of a command, restricted to its selectors.

use std::mem::ManuallyDrop;

use anyhow::Result;
use whotalks::load::Loaded;
use whotalks::model::{At, Map, ProcessId, SocketId, build_at};
use whotalks::query::{Filter, SelectorSet, apply_filter, matching_processes, matching_sockets};

use super::suggest::{report_no_match, similar_names};
use crate::cli::FilterArgs;
use crate::input::Snapshot;
use crate::messages::message;
use crate::terminal::plural;

/// How files become a map: [`build_at`], or [`whotalks::model::build_whole`].
pub(super) type Build = fn(&[Loaded], At) -> Option<Map>;

/// Takes the contents out of snapshots.
pub(super) fn take_loaded(snapshots: &mut [Snapshot]) -> Vec<Loaded> {
    let loaded = snapshots.iter_mut().map(|snapshot| &mut snapshot.loaded);
    loaded.map(std::mem::take).collect()
}

/// Builds the map and applies the selectors; takes the contents out of the snapshots. `None`, after a
/// message, if there is no such capture or nothing matches.
///
/// The map is never freed: freeing hundreds of thousands of parts before the process exits takes time.
pub(super) fn filtered_map(
    snapshots: &mut [Snapshot],
    selection: &FilterArgs,
) -> Result<Option<ManuallyDrop<Map>>> {
    let build = |files: &[Loaded], at| Some((build_at(files, at)?, ()));
    let built = filtered_map_with(snapshots, selection, build)?;
    Ok(built.map(|(map, ())| map))
}

/// Like [`filtered_map`], with the function that builds the map, and with conversations with loggers.
pub(super) fn filtered_map_by(
    snapshots: &mut [Snapshot],
    selection: &FilterArgs,
    build: Build,
) -> Result<Option<ManuallyDrop<Map>>> {
    let filter = selection.filter()?;
    let build = |files: &[Loaded], at| Some((build(files, at)?, ()));
    let built = filtered_map_for(snapshots, selection, &filter, build)?;
    Ok(built.map(|(map, ())| map))
}

/// Like [`filtered_map`]; `build` returns something else about the whole map, too.
pub(super) fn filtered_map_with<T>(
    snapshots: &mut [Snapshot],
    selection: &FilterArgs,
    build: impl FnOnce(&[Loaded], At) -> Option<(Map, T)>,
) -> Result<Option<(ManuallyDrop<Map>, T)>> {
    filtered_map_for(snapshots, selection, &selection.talk_filter()?, build)
}

/// Like [`filtered_map_with`], with a filter made from the selectors.
pub(super) fn filtered_map_for<T>(
    snapshots: &mut [Snapshot],
    selection: &FilterArgs,
    filter: &Filter,
    build: impl FnOnce(&[Loaded], At) -> Option<(Map, T)>,
) -> Result<Option<(ManuallyDrop<Map>, T)>> {
    let Some((whole, more)) = whole_map_with(snapshots, selection.at, build) else {
        return Ok(None);
    };
    let similar = similar_names(&whole, selection);
    let (map, found) = apply_filter(whole, filter);
    if !found {
        report_no_match(&similar);
        return Ok(None);
    }
    Ok(Some((ManuallyDrop::new(map), more)))
}

/// The map without a filter. `None`, after a message, if there is no such capture.
pub(super) fn whole_map(snapshots: &mut [Snapshot], at: At, build: Build) -> Option<Map> {
    let built = whole_map_with(snapshots, at, |files, at| Some((build(files, at)?, ())));
    built.map(|(map, ())| map)
}

/// Like [`whole_map`]; `build` returns something else about the map, too.
pub(super) fn whole_map_with<T>(
    snapshots: &mut [Snapshot],
    at: At,
    build: impl FnOnce(&[Loaded], At) -> Option<(Map, T)>,
) -> Option<(Map, T)> {
    let loaded = take_loaded(snapshots);
    let Some((whole, more)) = build(&loaded, at) else {
        report_no_capture();
        return None;
    };
    report_series(&loaded, &whole, at);
    // Not freed, as the map.
    std::mem::forget(loaded);
    Some((whole, more))
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

/// Prints that `--at` selects no capture.
pub(super) fn report_no_capture() {
    message!("--at: there is no such capture");
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
