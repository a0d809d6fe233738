//! `whotalks draw`: draws the map, or its changes, as SVG.

use std::io::IsTerminal;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use whotalks::check::{self, Report};
use whotalks::diff;
use whotalks::draw::{self, HubBadges, Layout, Theme};
use whotalks::graph::By;
use whotalks::load::Loaded;
use whotalks::model::{At, Map, build_at};
use whotalks::query::{DEFAULT_KINDS, TalkKind, apply_filter, group_map, keep_kinds};

use super::diff::filter_both;
use super::map::{filtered_map_with, whole_map_with};
use super::outcome::Outcome;
use crate::cli::{FilterArgs, value_name};
use crate::input::{self, Snapshot};
use crate::messages::message;
use crate::output;

const AFTER_HELP: &str = "\
Examples:
  whotalks draw web1.whotalks -o web1.svg
  whotalks draw --diff monday.whotalks tuesday.whotalks -o changes.svg
  whotalks draw --layout layered --theme light web1.whotalks -o web1.svg
  ssh web1 sudo whotalks-collect -o - | whotalks draw - -o web1.svg";

/// `whotalks draw`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DrawArgs {
    /// Write the drawing to FILE (- is standard output) [default: beside the snapshot, - in a pipe]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Layout algorithm
    #[arg(long, value_enum, default_value_t)]
    pub(crate) layout: Layout,
    /// Colour theme
    #[arg(long, value_enum, default_value_t)]
    pub(crate) theme: Theme,
    /// Title [default: the host name]
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Mark the changes since this snapshot
    #[arg(long, value_name = "OLD")]
    pub(crate) diff: Option<PathBuf>,
    /// Draw only these kinds of conversations, separated by commas [default:
    /// unix,inet,netlink,vsock,pipe,pty]
    #[arg(
        long,
        value_name = "LIST",
        value_enum,
        value_delimiter = ',',
        hide_possible_values = false
    )]
    pub(crate) kinds: Vec<TalkKind>,
    /// Draw everything: group, merge and hide nothing
    #[arg(long)]
    pub(crate) all: bool,
    /// Draw a hub as badges on its clients instead of edges to them
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        conflicts_with = "all"
    )]
    pub(crate) badges: HubBadges,
    /// Group nodes by [default: process; role or unit where that would be more than 60 boxes]
    #[arg(long, visible_alias = "by", value_enum)]
    pub(crate) view: Option<By>,
    /// Do not mark the findings of check
    #[arg(long)]
    pub(crate) no_findings: bool,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

const NO_PNG: &str = "this whotalks was built without PNG (cargo build --features png); \
                      write an .svg, which rsvg-convert or a browser can turn into one";

pub(super) fn run(args: &DrawArgs) -> Result<Outcome> {
    if let Some(target) = args.output.as_deref().filter(|target| is_png(target)) {
        // Checked before the snapshots are read.
        anyhow::ensure!(cfg!(feature = "png"), "{}: {NO_PNG}", target.display());
    }
    let files = args.selection.files();
    let snapshots = input::open_at(&files, args.selection.at)?;
    let drawing = match &args.diff {
        Some(old) => draw_changes(old, snapshots, args)?,
        None => draw_map(snapshots, args)?,
    };
    let target = args
        .output
        .clone()
        .unwrap_or_else(|| default_output(&files));
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

fn draw_map(snapshots: Vec<Snapshot>, args: &DrawArgs) -> Result<String> {
    let build = |files: &[Loaded], at| build_map(files, at, args);
    let filter = args.selection.talk_filter()?;
    let (map, findings) = filtered_map_with(snapshots, &args.selection, &filter, build)?;
    let map = ManuallyDrop::new(keep_kinds(ManuallyDrop::into_inner(map), kinds(args)));
    let options = options(args, &map, findings);
    let map = ManuallyDrop::new(group_map(ManuallyDrop::into_inner(map), options.view));
    Ok(draw::svg(&map, &options.drawing)?)
}

/// Draws the changes since OLD.
fn draw_changes(old: &Path, snapshots: Vec<Snapshot>, args: &DrawArgs) -> Result<String> {
    let selection = &args.selection;
    let build = |files: &[Loaded], at| build_map(files, at, args);
    let old = input::open(&[old.to_path_buf()])?;
    let (old, old_findings) = whole_map_with(old, At::Last, build)?;
    let (new, findings) = whole_map_with(snapshots, selection.at, build)?;
    let (first, _) = apply_filter(old.clone(), &selection.talk_filter()?);
    let (old, new) = (keep_kinds(old, kinds(args)), keep_kinds(new, kinds(args)));
    let maps = ManuallyDrop::new(filter_both(old, new, selection)?);
    let options = options(args, &maps.new, findings);
    let compare = diff::Options {
        by: options.view,
        all: args.all,
    };
    let first = (first, old_findings);
    Ok(draw::changes(&maps, &compare, first, &options.drawing)?)
}

/// Builds a map and runs the rules, whose findings are marked in it.
fn build_map(files: &[Loaded], at: At, args: &DrawArgs) -> Option<(Map, Option<Report>)> {
    if args.no_findings {
        return Some((build_at(files, at)?, None));
    }
    let (map, report) = check::judge(files, at, &check::Options::default())?;
    Some((map, Some(report)))
}

/// How a map is drawn, and what one box stands for.
struct ViewOptions {
    view: By,
    drawing: draw::Options,
}

fn options(args: &DrawArgs, map: &Map, findings: Option<Report>) -> ViewOptions {
    let chosen: Vec<String> = args.kinds.iter().map(|kind| value_name(*kind)).collect();
    let chosen = (!chosen.is_empty()).then(|| format!("--kinds {}", chosen.join(",")));
    let filter = Some(args.selection.words_of_filter()).filter(|filter| !filter.is_empty());
    let filter: Vec<String> = chosen.into_iter().chain(filter).collect();
    let filter = filter.join(" ");
    let filtered = (!filter.is_empty()).then(|| format!("Filtered: {filter}"));
    let mut drawing = draw::Options {
        layout: args.layout,
        theme: args.theme,
        title: args.title.clone(),
        all: args.all,
        findings,
        hub_badges: args.badges,
        notes: filtered.into_iter().collect(),
        grouped: false,
    };
    let view = args.view.unwrap_or_else(|| {
        let glance = draw::glance(map, &drawing);
        drawing.notes.extend(note(&glance));
        glance.view
    });
    drawing.grouped = !matches!(view, By::Process | By::Socket);
    ViewOptions { view, drawing }
}

/// The line of the caption about a view that was not asked for.
fn note(glance: &draw::Glance) -> Option<String> {
    let view = glance.view.to_possible_value()?;
    let by = view.get_name();
    Some(match (glance.view, glance.instead_of) {
        (By::Process, _) => return None,
        (_, Some(boxes)) => {
            format!("Grouped by {by}: processes would be {boxes} boxes (--view process)")
        }
        (_, None) => format!("Grouped by {by} (--view process)"),
    })
}

/// The kinds of conversations to draw.
fn kinds(args: &DrawArgs) -> &[TalkKind] {
    match &args.kinds[..] {
        [] => &DEFAULT_KINDS,
        kinds => kinds,
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
fn default_output(files: &[PathBuf]) -> PathBuf {
    if !std::io::stdout().is_terminal() {
        return PathBuf::from("-");
    }
    let snapshot = files.first().filter(|file| *file != Path::new("-"));
    let snapshot = snapshot.map_or(Path::new("map"), PathBuf::as_path);
    snapshot.with_extension("svg")
}
