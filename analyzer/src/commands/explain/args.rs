//! Options of `explain`.

use clap::Args;
use whotalks::check::Rule;

use crate::cli::rule;

const AFTER_HELP: &str = "\
Examples:
  whotalks explain                      list all rules
  whotalks explain WT101                show the documentation of a rule";

/// `whotalks explain`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ExplainArgs {
    /// Code or name of a rule; without it, all rules are listed
    #[arg(value_name = "CODE", value_parser = rule::parse)]
    pub(crate) rule: Option<&'static Rule>,
}
