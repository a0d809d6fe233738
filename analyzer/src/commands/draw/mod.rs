//! `whotalks draw`: draws the map, or its changes, as SVG.

mod args;

pub(super) use args::DrawArgs;

use std::io::IsTerminal;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use whotalks::check::{self, Report};
use whotalks::diff;
use whotalks::draw::{self, svg};
use whotalks::graph::By;
use whotalks::load::Loaded;
use whotalks::model::{At, Map, build_at};
use whotalks::query::{apply_filter, group_map};

use super::diff::filter_both;
use super::map::{filtered_map_with, whole_map_with};
use super::outcome::Outcome;
use crate::input::Snapshot;
use crate::messages::message;
use crate::{input, output};

const NO_PNG: &str = "this whotalks was built without PNG (cargo build --features png); \
                      write an .svg, which rsvg-convert or a browser can turn into one";

pub(super) fn run(args: &DrawArgs) -> Result<Outcome> {
    if let Some(target) = args.output.as_deref().filter(|target| is_png(target)) {
        // Checked before the snapshots are read.
        anyhow::ensure!(cfg!(feature = "png"), "{}: {NO_PNG}", target.display());
    }
    let mut snapshots = input::open_at(&args.selection.files(), args.selection.at)?;
    let target = args
        .output
        .clone()
        .unwrap_or_else(|| default_output(&snapshots));
    let drawing = match &args.diff {
        Some(old) => draw_changes(old, &mut snapshots, args)?,
        None => draw_map(&mut snapshots, args)?,
    };
    let Some(drawing) = drawing else {
        return Ok(Outcome::Found);
    };
    let drawing = match is_png(&target) {
        true => png(&drawing).with_context(|| target.display().to_string())?,
        false => drawing.into_bytes(),
    };
    output::write(&target, |out| Ok(out.write_all(&drawing)?))?;
    if args.output.is_none() && target.as_os_str() != "-" {
        message!("wrote {}", target.display());
    }
    Ok(Outcome::Success)
}

/// Draws a map. `None`, after a message, if there is nothing to draw.
fn draw_map(snapshots: &mut [Snapshot], args: &DrawArgs) -> Result<Option<String>> {
    let build = |files: &[Loaded], at| build_map(files, at, args);
    let Some((map, findings)) = filtered_map_with(snapshots, &args.selection, build)? else {
        return Ok(None);
    };
    let map = ManuallyDrop::new(group_map(ManuallyDrop::into_inner(map), args.view));
    Ok(Some(svg(&map, &options(args, findings))?))
}

/// Draws the changes since OLD. `None`, after a message, if there is nothing to draw.
fn draw_changes(old: &Path, snapshots: &mut [Snapshot], args: &DrawArgs) -> Result<Option<String>> {
    let selection = &args.selection;
    let build = |files: &[Loaded], at| build_map(files, at, args);
    let mut old = input::open(&[old.to_path_buf()])?;
    let (Some((old, old_findings)), Some((new, findings))) = (
        whole_map_with(&mut old, At::Last, build),
        whole_map_with(snapshots, selection.at, build),
    ) else {
        return Ok(None);
    };
    let (first, _) = apply_filter(old.clone(), &selection.filter()?);
    let Some(maps) = filter_both(old, new, selection)? else {
        return Ok(None);
    };
    let maps = ManuallyDrop::new(maps);
    let compare = diff::Options {
        by: args.view,
        all: args.all,
    };
    let first = (first, old_findings);
    let drawing = draw::changes(&maps, &compare, first, &options(args, findings))?;
    Ok(Some(drawing))
}

/// Builds a map and runs the rules, whose findings are marked in it.
fn build_map(files: &[Loaded], at: At, args: &DrawArgs) -> Option<(Map, Option<Report>)> {
    if args.no_findings {
        return Some((build_at(files, at)?, None));
    }
    let (map, report) = check::judge(files, at, &check::Options::default())?;
    Some((map, Some(report)))
}

fn options(args: &DrawArgs, findings: Option<Report>) -> draw::Options {
    draw::Options {
        layout: args.layout,
        theme: args.theme,
        title: args.title.clone(),
        all: args.all,
        findings,
        hub_badges: args.badges,
        grouped: !matches!(args.view, By::Process | By::Socket),
    }
}

fn is_png(target: &Path) -> bool {
    let extension = target.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

/// Two pixels for each unit, which keeps small text legible.
#[cfg(feature = "png")]
fn png(svg: &str) -> Result<Vec<u8>> {
    Ok(whotalks::draw::png(svg, 2.0)?)
}

#[cfg(not(feature = "png"))]
fn png(_svg: &str) -> Result<Vec<u8>> {
    anyhow::bail!(NO_PNG)
}

/// Standard output in a pipe, a file beside the snapshot on a terminal.
fn default_output(snapshots: &[Snapshot]) -> PathBuf {
    if !std::io::stdout().is_terminal() {
        return PathBuf::from("-");
    }
    let snapshot = snapshots.first().and_then(|snapshot| snapshot.path.clone());
    snapshot
        .unwrap_or_else(|| PathBuf::from("map"))
        .with_extension("svg")
}
