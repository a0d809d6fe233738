//! `whotalks export`: writes the whole map in a format of other programs.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use whotalks::export::{conversations_csv, dot, graph, graphml, network};
use whotalks::graph::By;
use whotalks::model::{At, Map, build_at, build_whole};
use whotalks::text::escape;

use super::map::filtered_map;
use super::outcome::Outcome;
use crate::cli::FilterArgs;
use crate::output;

const AFTER_HELP: &str = "\
json is the whole map. dot and graphml are graphs of conversations, whose nodes are processes (or \
groups, see --by), listeners, and addresses outside. csv has a row for each connection and pipe.

Examples:
  whotalks export web1.whotalks | jq '.connections | length'
  whotalks export --format dot web1.whotalks | dot -Tsvg > web1.svg
  whotalks export --format graphml --by unit web1.whotalks -o web1.graphml
  whotalks export --format csv web1.whotalks -o web1.csv";

/// `whotalks export`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ExportArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ExportFormat,
    /// Group nodes of dot and graphml by
    #[arg(long, value_enum, default_value_t = By::Process)]
    pub(crate) by: By,
    /// Write the document to FILE (- is standard output)
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// Output formats of `export`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ExportFormat {
    /// JSON (whotalks-graph/1)
    #[default]
    Json,
    /// DOT, for Graphviz
    Dot,
    /// GraphML, for networkx, Gephi and yEd
    Graphml,
    /// CSV, one row for each connection and pipe
    Csv,
}

pub(super) fn run(args: &ExportArgs) -> Result<Outcome> {
    let is_grouped = args.by != By::Process;
    if is_grouped && matches!(args.format, ExportFormat::Json | ExportFormat::Csv) {
        bail!("--by goes with --format dot or graphml");
    }
    // Only this format has relations between descriptors.
    let is_whole = args.format == ExportFormat::Json && args.selection.at != At::All;
    let build = if is_whole { build_whole } else { build_at };
    let map = filtered_map(&args.selection, &args.selection.filter()?, build)?;
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
