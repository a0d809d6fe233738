//! `whotalks draw`: the map as SVG.

use std::io::IsTerminal;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use anyhow::Result;
use whotalks::draw::{Options, svg};
use whotalks::query::collapse;

use super::map;
use crate::Outcome;
use crate::cli::{Draw, Layout, Theme};
use crate::input::Snapshot;
use crate::{input, output};

pub(super) fn run(options: &Draw) -> Result<Outcome> {
    let mut snapshots = input::open(&options.selection.files())?;
    let target = options
        .output
        .clone()
        .unwrap_or_else(|| default_output(&snapshots));
    let Some(map) = map(&mut snapshots, &options.selection)? else {
        return Ok(Outcome::Found);
    };
    let map = ManuallyDrop::new(collapse(ManuallyDrop::into_inner(map), options.view.into()));
    let drawn = svg(
        &map,
        &Options {
            layout: match options.layout {
                Layout::Stress => whotalks::draw::Layout::Stress,
                Layout::Layered => whotalks::draw::Layout::Layered,
            },
            theme: match options.theme {
                Theme::Classic => whotalks::draw::Theme::Classic,
                Theme::Light => whotalks::draw::Theme::Light,
                Theme::Dark => whotalks::draw::Theme::Dark,
                Theme::Auto => whotalks::draw::Theme::Auto,
            },
            title: options.title.clone(),
            all: options.all,
            ..Options::default()
        },
    )?;
    output::write(&target, |out| Ok(out.write_all(drawn.as_bytes())?))?;
    if options.output.is_none() && target.as_os_str() != "-" {
        eprintln!("whotalks: wrote {}", target.display());
    }
    Ok(Outcome::Done)
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
