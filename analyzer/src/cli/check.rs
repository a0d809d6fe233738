//! Options of the commands about rules.

use clap::{Args, ValueEnum};
use whotalks::check::{Rule, Severity};

use super::shared::{Format, Selection};
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
    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) selection: Selection,
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
