//! Options of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use whotalks::graph::By;

use crate::cli::FilterArgs;

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
