//! `whotalks export`: writes the whole map in a format of other programs.

mod args;

pub(super) use args::ExportArgs;

use std::io::Write;

use anyhow::{Result, bail};
use whotalks::export::{conversations_csv, dot, graph, graphml, network};
use whotalks::graph::By;
use whotalks::model::{At, Map, build_at, build_whole};
use whotalks::text::escape;

use super::map::filtered_map_by;
use super::outcome::Outcome;
use crate::{input, output};
use args::ExportFormat;

pub(super) fn run(args: &ExportArgs) -> Result<Outcome> {
    let is_grouped = args.by != By::Process;
    if is_grouped && matches!(args.format, ExportFormat::Json | ExportFormat::Csv) {
        bail!("--by goes with --format dot or graphml");
    }
    let mut snapshots = input::open_at(&args.selection.files(), args.selection.at)?;
    // Only this format has relations between descriptors.
    let is_whole = args.format == ExportFormat::Json && args.selection.at != At::All;
    let build = if is_whole { build_whole } else { build_at };
    let Some(map) = filtered_map_by(&mut snapshots, &args.selection, build)? else {
        return Ok(Outcome::Found);
    };
    output::write(&args.output, |out| write(out, &map, args))?;
    Ok(Outcome::Success)
}

fn write(out: &mut dyn Write, map: &Map, args: &ExportArgs) -> Result<()> {
    match args.format {
        ExportFormat::Json => {
            serde_json::to_writer(&mut *out, &graph(map))?;
            writeln!(out)?;
        }
        ExportFormat::Dot => {
            let hosts = map.hosts.iter().map(|host| escape::display(&host.hostname));
            let title = hosts.collect::<Vec<_>>().join(", ");
            dot::write(&network(map, args.by), &title, out)?;
        }
        ExportFormat::Graphml => graphml::write(&network(map, args.by), out)?,
        ExportFormat::Csv => conversations_csv::write(map, out)?,
    }
    Ok(())
}
