//! `whotalks export`: the whole map as a document.

use std::io::Write;

use anyhow::{Result, bail};
use whotalks::export::{conversations_csv, dot, graph, graphml, network};
use whotalks::model::{At, Map, build_at, build_whole};
use whotalks::text::escape;

use super::map_by;
use crate::Outcome;
use crate::cli::{By, Export, ExportFormat};
use crate::{input, output};

pub(super) fn run(options: &Export) -> Result<Outcome> {
    let grouped = options.by != By::Process;
    if grouped && matches!(options.format, ExportFormat::Json | ExportFormat::Csv) {
        bail!("--by goes with --format dot or graphml");
    }
    let mut snapshots = input::open_at(&options.selection.files(), options.selection.at)?;
    // Relations are in this form alone.
    let whole = options.format == ExportFormat::Json && options.selection.at != At::All;
    let build = if whole { build_whole } else { build_at };
    let Some(map) = map_by(&mut snapshots, &options.selection, build)? else {
        return Ok(Outcome::Found);
    };
    output::write(&options.output, |out| document(&map, options, out))?;
    Ok(Outcome::Done)
}

fn document(map: &Map, options: &Export, out: &mut dyn Write) -> Result<()> {
    match options.format {
        ExportFormat::Json => {
            serde_json::to_writer(&mut *out, &graph(map))?;
            writeln!(out)?;
        }
        ExportFormat::Dot => {
            let hosts: Vec<String> = map
                .hosts
                .iter()
                .map(|host| escape::display(&host.hostname))
                .collect();
            dot::write(&network(map, options.by.into()), &hosts.join(", "), out)?;
        }
        ExportFormat::Graphml => graphml::write(&network(map, options.by.into()), out)?,
        ExportFormat::Csv => conversations_csv::write(map, out)?,
    }
    Ok(())
}
