//! Which two captures are compared: of two files, of a series, or of a file and this machine now.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use whotalks::load::Loaded;
use whotalks::model::{At, Host, Map, build_at};

use crate::cli::ComparisonArgs;
use crate::commands::outcome::NothingFound;
use crate::input;

/// Builds the maps of OLD and NEW, of the first and the last capture of a series, or of OLD and this
/// machine now.
pub(super) fn open_both(args: &ComparisonArgs, files: &[PathBuf]) -> Result<(Map, Map)> {
    let (old, new) = match files {
        [] => bail!("OLD is missing: a snapshot to compare with"),
        [old] => (old, None),
        [old, new] => (old, Some(new)),
        more => bail!("expected OLD and NEW, found {} snapshots", more.len()),
    };
    let is_same_file = new.is_some_and(|new| is_same(old, new));
    if is_same_file && old == Path::new("-") {
        bail!("-: standard input can be read only once");
    }
    let (since, at) = (args.since, args.selection.at);
    // Without --since, --at applies to both files.
    let of_old = since.unwrap_or(at);
    let both = if let Some(new) = new.filter(|_| !is_same_file) {
        // In parallel, since both may be large.
        std::thread::scope(|scope| {
            let map = |file, at| open(Some(file), &[at]).map(|files| build_at(&files, at));
            let new = scope.spawn(move || map(new, at));
            let old = map(old, of_old)?;
            let new = new.join().unwrap_or_else(|panic| resume_unwind(panic));
            anyhow::Ok((old, new?))
        })?
    } else {
        let first = match is_same_file {
            true => of_old,
            false => since.unwrap_or(At::Number(1)),
        };
        let loaded = open(Some(old), &[first, at])?;
        let is_series = loaded.iter().any(|file| file.captures.len() > 1);
        if is_same_file || is_series {
            (build_at(&loaded, first), build_at(&loaded, at))
        } else {
            let of_old = since.unwrap_or(At::Last);
            (build_at(&loaded, of_old), build_at(&open(None, &[at])?, at))
        }
    };
    let missing = match both {
        (None, _) if since.is_some() => "--since",
        (None, _) | (_, None) => "--at",
        (Some(old), Some(new)) => return Ok((old, new)),
    };
    bail!(NothingFound(format!("{missing}: there is no such capture")))
}

/// Whether two maps are of the same capture, so that nothing can differ.
pub(super) fn is_one_capture(old: &Map, new: &Map) -> bool {
    let is_known = |host: &Host| !host.boot_id.is_empty() && host.started_at_ns != 0;
    let same = |(old, new): (&Host, &Host)| {
        let identity = |host: &Host| {
            let times = (host.started_at_ns, host.ended_at_ns);
            (host.boot_id.clone(), host.pidns, host.collector_pid, times)
        };
        is_known(old)
            && identity(old) == identity(new)
            && old.coverage.damage == new.coverage.damage
    };
    old.hosts.len() == new.hosts.len() && old.hosts.iter().zip(&new.hosts).all(same)
}

/// Reads captures of a file, or captures this machine.
fn open(file: Option<&PathBuf>, moments: &[At]) -> Result<Vec<Loaded>> {
    let file: Vec<PathBuf> = file.into_iter().cloned().collect();
    input::open_at_any(&file, moments).map(input::loaded)
}

fn is_same(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    a == b || real(a).is_some_and(|path| real(b) == Some(path))
}
