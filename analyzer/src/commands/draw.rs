//! `whotalks draw`: the map as SVG.

use std::io::IsTerminal;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use whotalks::check::{self, Report};
use whotalks::diff;
use whotalks::draw::{self, HubBadges, Options, svg};
use whotalks::graph::By;
use whotalks::model::{At, build_at};
use whotalks::query::{apply_filter, group_map};

use super::diff::selected;
use super::{map, map_with, unrestricted_with};
use crate::Outcome;
use crate::cli::{Badges, Draw, Layout, Theme};
use crate::input::Snapshot;
use crate::{input, output};

const NO_PNG: &str = "this whotalks was built without PNG (cargo build --features png); \
                      write an .svg, which rsvg-convert or a browser can turn into one";

pub(super) fn run(options: &Draw) -> Result<Outcome> {
    if let Some(target) = options.output.as_deref().filter(|target| is_png(target)) {
        // Said before the work, not after it.
        anyhow::ensure!(cfg!(feature = "png"), "{}: {NO_PNG}", target.display());
    }
    let mut snapshots = input::open_at(&options.selection.files(), options.selection.at)?;
    let target = options
        .output
        .clone()
        .unwrap_or_else(|| default_output(&snapshots));
    let drawn = match &options.diff {
        Some(old) => changes(old, &mut snapshots, options)?,
        None => picture(&mut snapshots, options)?,
    };
    let Some(drawn) = drawn else {
        return Ok(Outcome::Found);
    };
    let drawn = match is_png(&target) {
        true => png(&drawn).with_context(|| target.display().to_string())?,
        false => drawn.into_bytes(),
    };
    output::write(&target, |out| Ok(out.write_all(&drawn)?))?;
    if options.output.is_none() && target.as_os_str() != "-" {
        eprintln!("whotalks: wrote {}", target.display());
    }
    Ok(Outcome::Done)
}

/// The map; `None`, and a line on standard error, when there is nothing to draw.
fn picture(snapshots: &mut [Snapshot], options: &Draw) -> Result<Option<String>> {
    let selection = &options.selection;
    let judged = if options.no_findings {
        map(snapshots, selection)?.map(|map| (map, None))
    } else {
        map_with(snapshots, selection, |files, at| {
            let (map, report) = check::judge(files, at, &check::Options::default())?;
            Some((map, Some(report)))
        })?
    };
    let Some((map, findings)) = judged else {
        return Ok(None);
    };
    let map = ManuallyDrop::new(group_map(
        ManuallyDrop::into_inner(map),
        options.view.into(),
    ));
    let drawn = svg(&map, &how(options, findings))?;
    Ok(Some(drawn))
}

/// What changed since OLD.
fn changes(old: &Path, snapshots: &mut [Snapshot], options: &Draw) -> Result<Option<String>> {
    let selection = &options.selection;
    let mut before = input::open(&[old.to_path_buf()])?;
    let judge = |snapshots: &mut [Snapshot], at: At| {
        unrestricted_with(snapshots, at, |files, at| match options.no_findings {
            true => Some((build_at(files, at)?, None)),
            false => {
                let (map, report) = check::judge(files, at, &check::Options::default())?;
                Some((map, Some(report)))
            }
        })
    };
    let (Some((old, old_findings)), Some((new, findings))) =
        (judge(&mut before, At::Last), judge(snapshots, selection.at))
    else {
        return Ok(None);
    };
    let (first, _) = apply_filter(old.clone(), &selection.filter()?);
    let Some(maps) = selected(old, new, selection)? else {
        return Ok(None);
    };
    let maps = ManuallyDrop::new(maps);
    let compare = diff::Options {
        by: options.view.into(),
        all: options.all,
    };
    let first = draw::Before {
        map: first,
        findings: old_findings,
    };
    let drawn = draw::changes(&maps, &compare, first, &how(options, findings))?;
    Ok(Some(drawn))
}

fn how(options: &Draw, findings: Option<Report>) -> Options {
    Options {
        layout: match options.layout {
            Layout::Stress => draw::Layout::Stress,
            Layout::Layered => draw::Layout::Layered,
        },
        theme: match options.theme {
            Theme::Classic => draw::Theme::Classic,
            Theme::Light => draw::Theme::Light,
            Theme::Dark => draw::Theme::Dark,
            Theme::Auto => draw::Theme::Auto,
        },
        title: options.title.clone(),
        all: options.all,
        findings,
        hub_badges: match options.badges {
            Badges::Auto => HubBadges::Auto,
            Badges::Always => HubBadges::Always,
            Badges::Never => HubBadges::Never,
        },
        grouped: !matches!(options.view.into(), By::Process | By::Socket),
    }
}

fn is_png(target: &Path) -> bool {
    let extension = target.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}

/// Two pixels for each unit: small text is legible.
#[cfg(feature = "png")]
fn png(svg: &str) -> Result<Vec<u8>> {
    Ok(whotalks::draw::png(svg, 2.0)?)
}

#[cfg(not(feature = "png"))]
fn png(_svg: &str) -> Result<Vec<u8>> {
    anyhow::bail!(NO_PNG)
}

/// Standard output in a pipe; on a terminal a file beside the snapshot.
fn default_output(snapshots: &[Snapshot]) -> PathBuf {
    if !std::io::stdout().is_terminal() {
        return PathBuf::from("-");
    }
    let beside = snapshots.first().and_then(|snapshot| snapshot.path.clone());
    beside
        .unwrap_or_else(|| PathBuf::from("map"))
        .with_extension("svg")
}
