//! `whotalks diff`: what changed between two snapshots.

mod document;
mod text;

use std::io::Write;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use whotalks::diff::{self, FilteredMaps, Options};
use whotalks::export::csv;
use whotalks::load::Loaded;
use whotalks::model::{At, Host, Map, build_at};

use crate::Outcome;
use crate::cli::{Comparison, Diff, FilterArgs, TableFormat};
use crate::{input, output};

/// The two maps and their comparison.
struct Compared {
    old: Map,
    new: Map,
    diff: diff::Diff,
    /// One capture with itself.
    identical: bool,
}

pub(super) fn run(options: &Diff) -> Result<Outcome> {
    let asked = &options.comparison;
    let selection = FilterArgs {
        // Both files may be without the usual ending.
        bare_files: 2,
        ..asked.selection.clone()
    };
    // Before the files are read: a slip is said at once.
    selection.filter()?;
    let Some((old, new)) = maps(asked, &selection.files())? else {
        return Ok(Outcome::Found);
    };
    let same_capture = is_one_capture(&old, &new);
    let Some(maps) = selected(old, new, &selection)? else {
        return Ok(Outcome::Found);
    };
    let diff = maps.diff(&Options {
        by: asked.by.into(),
        all: asked.all,
    });
    let FilteredMaps { old, new, .. } = maps;
    // Never freed: taking large maps to pieces would only keep the reader waiting.
    let compared = ManuallyDrop::new(Compared {
        identical: same_capture && diff.is_empty(),
        old,
        new,
        diff,
    });
    output::stdout(|out| match asked.format {
        TableFormat::Text => text::write(out, &compared, options),
        TableFormat::Json => document::write(out, &compared, options),
        TableFormat::Csv => rows(out, &compared),
    })?;
    Ok(if compared.diff.is_empty() {
        Outcome::Done
    } else {
        Outcome::Found
    })
}

/// What is compared: OLD with NEW, a series' first capture with its latest, or OLD with this machine
/// now. `None`, and a line on standard error, when a capture is not there.
fn maps(options: &Comparison, files: &[PathBuf]) -> Result<Option<(Map, Map)>> {
    let (old, new) = match files {
        [] => bail!("OLD is missing: a snapshot to compare with"),
        [one] => (one, None),
        [old, new] => (old, Some(new)),
        more => bail!("expected OLD and NEW, found {} snapshots", more.len()),
    };
    let twice = new.is_some_and(|new| is_same(old, new));
    if twice && old == Path::new("-") {
        bail!("-: standard input can be read only once");
    }
    let (since, at) = (options.since, options.selection.at);
    // Of both files the same capture is meant, where nothing else is said.
    let either = since.unwrap_or(at);
    let both = if let Some(new) = new.filter(|_| !twice) {
        // Two files as large: at once.
        std::thread::scope(|scope| {
            let map = |file, at| open(Some(file), &[at]).map(|files| build_at(&files, at));
            let new = scope.spawn(move || map(new, at));
            let old = map(old, either)?;
            let new = new.join().unwrap_or_else(|panic| resume_unwind(panic));
            anyhow::Ok((old, new?))
        })?
    } else {
        let first = match twice {
            true => either,
            false => since.unwrap_or(At::Number(1)),
        };
        let before = open(Some(old), &[first, at])?;
        let is_series = before.iter().any(|file| file.captures.len() > 1);
        if twice || is_series {
            (build_at(&before, first), build_at(&before, at))
        } else {
            let last = since.unwrap_or(At::Last);
            (build_at(&before, last), build_at(&open(None, &[at])?, at))
        }
    };
    let missing = match both {
        (None, _) if since.is_some() => "--since",
        (None, _) | (_, None) => "--at",
        (Some(old), Some(new)) => return Ok(Some((old, new))),
    };
    eprintln!("whotalks: {missing}: there is no such capture");
    Ok(None)
}

/// Whether two maps are of one capture: nothing can have changed between.
fn is_one_capture(old: &Map, new: &Map) -> bool {
    let known = |host: &Host| !host.boot_id.is_empty() && host.started_at_ns != 0;
    let same = |(old, new): (&Host, &Host)| {
        let taken = |host: &Host| {
            let of = (host.started_at_ns, host.ended_at_ns);
            (host.boot_id.clone(), host.pidns, host.collector_pid, of)
        };
        known(old) && taken(old) == taken(new) && old.coverage.damage == new.coverage.damage
    };
    old.hosts.len() == new.hosts.len() && old.hosts.iter().zip(&new.hosts).all(same)
}

/// What a file holds at some moments, or this machine now.
fn open(file: Option<&PathBuf>, moments: &[At]) -> Result<Vec<Loaded>> {
    let file: Vec<PathBuf> = file.into_iter().cloned().collect();
    let snapshots = input::open_at_each(&file, moments)?;
    Ok(snapshots
        .into_iter()
        .map(|snapshot| snapshot.loaded)
        .collect())
}

fn is_same(one: &Path, two: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == two || real(one).is_some_and(|path| real(two) == Some(path))
}

/// Both maps as far as the selectors want them. `None`, and a line on standard error, when nothing
/// matches in either.
pub(super) fn selected(old: Map, new: Map, selection: &FilterArgs) -> Result<Option<FilteredMaps>> {
    let filter = selection.filter()?;
    let near = super::near_names(&new, selection);
    let selected = FilteredMaps::of(old, new, &filter);
    if selected.is_none() {
        eprintln!("whotalks: nothing matches{near}");
    }
    Ok(selected)
}

const COLUMNS: [&str; 9] = [
    "change",
    "what",
    "role",
    "name_kind",
    "name",
    "server",
    "kind",
    "old",
    "new",
];

/// One row for each difference; of a link `role` is the client, elsewhere who holds it.
fn rows(out: &mut dyn Write, compared: &Compared) -> Result<()> {
    let diff = &compared.diff;
    csv::row(out, &COLUMNS)?;
    for row in &diff.processes {
        let (old, new) = (row.old.len().to_string(), row.new.len().to_string());
        let change = row.change.as_str();
        csv::row(
            out,
            &[change, "process", &row.role, "", "", "", "", &old, &new],
        )?;
    }
    for row in &diff.listeners {
        let (name_kind, name) = csv::name_cells(&row.name);
        let count = |there: bool| if there { "1" } else { "0" };
        csv::row(
            out,
            &[
                row.change.as_str(),
                "listener",
                &row.role,
                name_kind,
                name,
                "",
                row.protocol,
                count(row.old.is_some()),
                count(row.new.is_some()),
            ],
        )?;
    }
    for row in &diff.links {
        let (name_kind, name) = csv::name_cells(&row.via);
        let (old, new) = (row.old.to_string(), row.new.to_string());
        csv::row(
            out,
            &[
                row.change.as_str(),
                "link",
                &row.client,
                name_kind,
                name,
                &row.server,
                row.kind.as_str(),
                &old,
                &new,
            ],
        )?;
    }
    for row in &diff.descriptors {
        let (old, new) = (row.old.to_string(), row.new.to_string());
        csv::row(
            out,
            &[
                "changed",
                "descriptors",
                &row.role,
                "",
                "",
                "",
                &row.kind,
                &old,
                &new,
            ],
        )?;
    }
    for row in &diff.unlinked {
        let (name_kind, name) = csv::name_cells(&row.name);
        csv::row(
            out,
            &[
                "changed", "unlinked", &row.role, name_kind, name, "", "", "1", "1",
            ],
        )?;
    }
    Ok(())
}
