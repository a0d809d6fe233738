//! One file for each subcommand: wires input, map, answer and output together.

mod check;
mod diff;
mod draw;
mod explain;
mod export;
mod fds;
mod hubs;
mod info;
mod learn;
mod list;
mod path;
mod pick;
mod raw;
mod redact;
mod show;
mod sockets;
mod trend;
mod waits;

use std::mem::ManuallyDrop;

use anyhow::Result;
use whotalks::load::Loaded;
use whotalks::model::{At, Map, Readable, build_at};
use whotalks::query::apply_filter;

use crate::Outcome;
use crate::cli::{Command, FilterArgs};
use crate::input::Snapshot;
use crate::table::plural;

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<Outcome> {
    match command {
        Command::Info(options) => info::run(options),
        Command::List(options) => list::run(options),
        Command::Hubs(options) => hubs::run(options),
        Command::Path(options) => path::run(options),
        Command::Show(options) => show::run(options),
        Command::Waits(options) => waits::run(options),
        Command::Check(options) => check::run(options),
        Command::Explain(options) => explain::run(options),
        Command::Learn(options) => learn::run(options),
        Command::Diff(options) => diff::run(options),
        Command::Trend(options) => trend::run(options),
        Command::Draw(options) => draw::run(options),
        Command::Export(options) => export::run(options),
        Command::Raw(options) => raw::run(options),
        Command::Redact(options) => redact::run(options),
    }
}

/// The map of the snapshots, as far as the selectors want it; the snapshots lose what the map takes
/// over. `None`, and a line on standard error, when nothing matches a selector.
///
/// The map is never freed: it lives as long as the command, and taking hundreds of thousands of
/// parts to pieces before the process ends would only keep its user waiting.
fn map(snapshots: &mut [Snapshot], selection: &FilterArgs) -> Result<Option<ManuallyDrop<Map>>> {
    map_by(snapshots, selection, build_at)
}

/// How files become a map: [`build_at`], or [`whotalks::model::build_whole`].
type Build = fn(&[Loaded], At) -> Option<Map>;

/// The same, built as is said.
fn map_by(
    snapshots: &mut [Snapshot],
    selection: &FilterArgs,
    build: Build,
) -> Result<Option<ManuallyDrop<Map>>> {
    let built = map_with(snapshots, selection, |files, at| {
        Some((build(files, at)?, ()))
    })?;
    Ok(built.map(|(map, ())| map))
}

/// The same, with what else whoever builds the whole map says about it.
fn map_with<T>(
    snapshots: &mut [Snapshot],
    selection: &FilterArgs,
    build: impl FnOnce(&[Loaded], At) -> Option<(Map, T)>,
) -> Result<Option<(ManuallyDrop<Map>, T)>> {
    let filter = selection.filter()?;
    let Some((whole, more)) = unrestricted_with(snapshots, selection.at, build) else {
        return Ok(None);
    };
    let near = near_names(&whole, selection);
    let (map, found) = apply_filter(whole, &filter);
    if !found {
        eprintln!("whotalks: nothing matches{near}");
        return Ok(None);
    }
    Ok(Some((ManuallyDrop::new(map), more)))
}

/// The whole map of the snapshots. `None`, and a line on standard error, when there is no such capture.
fn unrestricted(snapshots: &mut [Snapshot], at: At, build: Build) -> Option<Map> {
    let built = unrestricted_with(snapshots, at, |files, at| Some((build(files, at)?, ())));
    built.map(|(map, ())| map)
}

fn unrestricted_with<T>(
    snapshots: &mut [Snapshot],
    at: At,
    build: impl FnOnce(&[Loaded], At) -> Option<(Map, T)>,
) -> Option<(Map, T)> {
    let loaded: Vec<_> = snapshots
        .iter_mut()
        .map(|s| std::mem::take(&mut s.loaded))
        .collect();
    let Some((whole, more)) = build(&loaded, at) else {
        eprintln!("whotalks: --at: there is no such capture");
        return None;
    };
    say_series(&loaded, &whole, at);
    // As the map: never freed, for it would only take time.
    std::mem::forget(loaded);
    Some((whole, more))
}

/// Several captures of one boot are a series, of which only one is looked at: that must be known.
fn say_series(loaded: &[Loaded], map: &Map, at: At) {
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
        eprintln!("whotalks: {captures}{of}: the latest{each} is used (--at)");
    }
}

/// The selection's words, which may hold a slip, with names that they may mean.
fn near_names(map: &Map, selection: &FilterArgs) -> String {
    let words = selection.all_selectors();
    let near: Vec<String> = words
        .iter()
        .flat_map(|word| pick::near(map, word))
        .take(5)
        .collect();
    let mean = if near.is_empty() {
        String::new()
    } else {
        format!(" (near: {})", near.join(", "))
    };
    format!(
        " {}{mean}",
        whotalks::text::escape::display(words.join(" ").as_bytes())
    )
}

/// Everything that may be missing, as sentences; nothing when the map is complete.
fn incomplete(map: &Map) -> Option<String> {
    let coverage = || map.hosts.iter().map(|host| &host.coverage);
    let mut said: Vec<String> = unreadable(map).into_iter().collect();
    let netns = coverage().flat_map(|coverage| &coverage.netns);
    let unread = netns.filter(|ns| ns.diag != Readable::Ok).count();
    if unread > 0 {
        let namespaces = plural(unread, "network namespace", "network namespaces");
        said.push(format!("{namespaces} not fully read."));
    }
    let damage: usize = coverage().map(|coverage| coverage.damage.len()).sum();
    if damage > 0 {
        said.push(format!("{} damaged.", plural(damage, "place", "places")));
    }
    if coverage().any(|coverage| coverage.hidepid) {
        said.push("/proc hides other users' processes.".to_owned());
    }
    if coverage().any(|coverage| !coverage.initial_pidns) {
        said.push("Processes outside this pid namespace are unseen.".to_owned());
    }
    if said.is_empty() && coverage().any(|coverage| !coverage.complete) {
        said.push("Coverage is incomplete (whotalks info).".to_owned());
    }
    (!said.is_empty()).then(|| said.join(" "))
}

/// `12 of 214 processes unreadable.`, or nothing when all were read.
fn unreadable(map: &Map) -> Option<String> {
    let coverage = || map.hosts.iter().map(|host| &host.coverage);
    let unread: usize = coverage().map(|c| c.partial + c.denied).sum();
    // Of all that were captured: the map may have been restricted to some.
    let all = unread + coverage().map(|c| c.read).sum::<usize>();
    (unread > 0).then(|| {
        let all = plural(all, "process", "processes");
        format!("{unread} of {all} unreadable.")
    })
}
