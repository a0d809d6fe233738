//! Options of the commands about rules.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use whotalks::check::{Rule, Severity};

use super::shared::{FilterArgs, Snapshots};
use crate::examples;

/// How bad findings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    /// Worth knowing
    Low,
    /// Will trouble somebody some day
    Medium,
    /// Troubles somebody now, or lets somebody in
    High,
}

impl Level {
    /// The severity of that name.
    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
        }
    }
}

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum FailOn {
    /// Any finding
    #[default]
    Low,
    /// A finding of medium severity or higher
    Medium,
    /// A finding of high severity
    High,
    /// Any finding, or a rule that could not be answered
    Unknown,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
}

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = examples::CHECK)]
pub(crate) struct Check {
    /// Only findings at least as bad
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "low")]
    pub(crate) min_severity: Level,
    /// Exit 1 when there is something as bad
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub(crate) fail_on: FailOn,
    /// Only this rule (repeat: any of them)
    #[arg(long, value_name = "CODE", value_parser = rule)]
    pub(crate) rule: Vec<&'static Rule>,
    /// Leave out what this TOML file names; what it names in vain is said
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore: Option<PathBuf>,
    /// Only what is new since this older snapshot: matched by rule and role, not by pid
    #[arg(long, value_name = "OLD")]
    pub(crate) baseline: Option<PathBuf>,
    /// Who may talk to whom (see learn): WT501 and WT502
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// `learn`.
#[derive(Debug, Args)]
#[command(after_help = examples::LEARN)]
pub(crate) struct Learn {
    /// The policy; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) snapshots: Snapshots,
}

/// `explain`.
#[derive(Debug, Args)]
#[command(after_help = examples::EXPLAIN)]
pub(crate) struct Explain {
    /// A rule's code or name; without one all rules are listed
    #[arg(value_name = "CODE", value_parser = rule)]
    pub(crate) rule: Option<&'static Rule>,
}

/// Reads a rule's code or name.
fn rule(text: &str) -> Result<&'static Rule, String> {
    Rule::find(text).ok_or_else(|| "there is no such rule (whotalks explain lists them)".to_owned())
}
