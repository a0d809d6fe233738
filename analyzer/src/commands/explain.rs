//! `whotalks explain`: prints the documentation of a rule, or lists all rules.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use whotalks::check::{RULES, Rule, sections};

use super::outcome::Outcome;
use crate::cli::rule;
use crate::output;
use crate::terminal::{self, color};

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

pub(super) fn run(args: &ExplainArgs) -> Result<Outcome> {
    output::stdout(|out| match args.rule {
        Some(rule) => write_rule(out, rule),
        None => write_list(out),
    })?;
    Ok(Outcome::Success)
}

fn write_list(out: &mut dyn Write) -> Result<()> {
    let cells = RULES
        .iter()
        .map(|rule| [rule.code, rule.name, rule.severity.name(), rule.summary()]);
    let rows: Vec<_> = cells.map(|row| row.map(str::to_owned).to_vec()).collect();
    terminal::print(out, "CODE|NAME|UP TO|WHAT IT FINDS", &rows)
}

fn write_rule(out: &mut dyn Write, rule: &Rule) -> Result<()> {
    let title = color::heading(&format!("{} {}", rule.code, rule.name));
    let (severity, since) = (rule.severity.name(), rule.since);
    writeln!(out, "{title}\nup to {severity} severity, since {since}")?;
    writeln!(out, "\n{}", rule.summary())?;
    for section in sections(rule.doc) {
        let heading = color::heading(section.heading);
        writeln!(out, "\n{heading}\n{}", section.text)?;
    }
    Ok(())
}
