//! `whotalks diff`: what changed between two snapshots.

mod document;
mod text;

use std::io::Write;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use whotalks::diff::{self, Options};
use whotalks::export::csv;
use whotalks::load::Loaded;
use whotalks::model::{At, Map, build_at};
use whotalks::names;
use whotalks::query::{Restriction, restrict};

use crate::Outcome;
use crate::cli::{Diff, Selection, TableFormat};
use crate::{input, output};

/// The two maps and their comparison.
struct Compared {
    old: Map,
    new: Map,
    diff: diff::Diff,
}

pub(super) fn run(options: &Diff) -> Result<Outcome> {
    let selection = Selection {
        // Both files may be without the usual ending.
        bare_files: 2,
        ..options.selection.clone()
    };
    let restriction = selection.restriction()?;
    let Some((mut old, mut new)) = maps(options, &selection.files())? else {
        return Ok(Outcome::Found);
    };
    // Before selectors, which would not know who could not be read.
    diff::lend(&mut old, &mut new);
    let near = super::near_names(&new, &selection);
    let Some((old, new)) = restricted(old, new, &restriction) else {
        eprintln!("whotalks: nothing matches{near}");
        return Ok(Outcome::Found);
    };
    let asked = Options {
        by: options.by.into(),
        all: options.all,
    };
    let diff = diff::diff(&old, &new, &asked);
    // Never freed: taking large maps to pieces would only keep the reader waiting.
    let compared = ManuallyDrop::new(Compared { old, new, diff });
    output::stdout(|out| match options.format {
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
fn maps(options: &Diff, files: &[PathBuf]) -> Result<Option<(Map, Map)>> {
    let (old, new) = match files {
        [] => bail!("OLD is missing: a snapshot to compare with"),
        [one] => (one, None),
        [old, new] if is_same(old, new) => (old, Some(None)),
        [old, new] => (old, Some(Some(new))),
        more => bail!("expected OLD and NEW, found {} snapshots", more.len()),
    };
    if old == Path::new("-") && new == Some(None) {
        bail!("-: standard input can be read only once");
    }
    let at = options.selection.at;
    let last = options.since.unwrap_or(At::Last);
    let both = if let Some(Some(new)) = new {
        // Two files as large: at once.
        std::thread::scope(|scope| {
            let map = |file, at| open(Some(file), &[at]).map(|files| build_at(&files, at));
            let new = scope.spawn(move || map(new, at));
            let old = map(old, last)?;
            let new = new.join().unwrap_or_else(|panic| resume_unwind(panic));
            anyhow::Ok((old, new?))
        })?
    } else {
        let first = options.since.unwrap_or(At::Number(1));
        let before = open(Some(old), &[first, at])?;
        let is_series = before.iter().any(|file| file.captures.len() > 1);
        if new.is_none() && !is_series {
            (build_at(&before, last), build_at(&open(None, &[at])?, at))
        } else {
            (build_at(&before, first), build_at(&before, at))
        }
    };
    let missing = match both {
        (None, _) => "--since",
        (_, None) => "--at",
        (Some(old), Some(new)) => return Ok(Some((old, new))),
    };
    eprintln!("whotalks: {missing}: there is no such capture");
    Ok(None)
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

/// Both maps as far as the selectors want them; `None` when nothing matches in either.
fn restricted(old: Map, new: Map, restriction: &Restriction) -> Option<(Map, Map)> {
    let (old, in_old) = restrict(old, restriction);
    let (new, in_new) = restrict(new, restriction);
    (in_old || in_new).then_some((old, new))
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
        let change = names::change(row.change);
        csv::row(
            out,
            &[change, "process", &row.role, "", "", "", "", &old, &new],
        )?;
    }
    for row in &diff.listeners {
        let (name_kind, name) = csv::name(&row.name);
        let count = |there: bool| if there { "1" } else { "0" };
        csv::row(
            out,
            &[
                names::change(row.change),
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
        let (name_kind, name) = csv::name(&row.via);
        let (old, new) = (row.old.to_string(), row.new.to_string());
        csv::row(
            out,
            &[
                names::change(row.change),
                "link",
                &row.client,
                name_kind,
                name,
                &row.server,
                names::link_kind(row.kind),
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
        let (name_kind, name) = csv::name(&row.name);
        csv::row(
            out,
            &[
                "changed", "unlinked", &row.role, name_kind, name, "", "", "1", "1",
            ],
        )?;
    }
    Ok(())
}
