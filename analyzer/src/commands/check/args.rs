//! Options of `check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use whotalks::check::{Rule, Severity};

use crate::cli::{FilterArgs, rule};

const AFTER_HELP: &str = "\
A series, or several snapshots of one boot, is also checked by the rules about changes over time. \
With a single capture these rules are unknown, which is reported if --rule names them.

Exit code 1 means that there is a finding of the severity of --fail-on or higher.

Examples:
  whotalks check                        capture this machine
  whotalks check web1.whotalks --min-severity medium
  whotalks check --rule WT101 --fail-on unknown desk.whotalks
  whotalks check unit:nginx.service old.whotalks new.whotalks
  whotalks check --format json web1.whotalks | jq -r '.findings[].title'
  whotalks check --format sarif web1.whotalks > web1.sarif
  whotalks check --baseline monday.whotalks tuesday.whotalks
  whotalks check --policy policy.toml web1.whotalks

Entry of an ignore file. selector, title and expires are optional; title may contain the \
wildcards * and ?.
  [[ignore]]
  code = \"WT301\"
  selector = \"socket:/run/app.sock\"
  title = \"*app.sock*\"
  reason = \"the server checks credentials\"
  expires = 2027-01-31";

/// `whotalks check`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CheckArgs {
    /// Hide findings below this severity
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "low")]
    pub(crate) min_severity: Severity,
    /// Exit with 1 if there is a finding of this severity or higher
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub(crate) fail_on: FailOn,
    /// Run only this rule (repeatable)
    #[arg(long, value_name = "CODE", value_parser = rule::parse)]
    pub(crate) rule: Vec<&'static Rule>,
    /// Ignore the findings listed in this TOML file; warn about entries that match nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore: Option<PathBuf>,
    /// Hide findings that are also in this older snapshot, compared by rule and role, not by pid
    #[arg(long, value_name = "OLD")]
    pub(crate) baseline: Option<PathBuf>,
    /// Check conversations against this policy (WT501, WT502; see whotalks learn)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum FailOn {
    /// Any finding
    #[default]
    Low,
    /// A finding of medium or high severity
    Medium,
    /// A finding of high severity
    High,
    /// Any finding, or a rule without an answer
    Unknown,
}

/// Output formats of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Plain text
    #[default]
    Text,
    /// JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}
