//! `whotalks explain`: prints the documentation of a rule, or lists all rules.

mod args;

pub(super) use args::ExplainArgs;

use std::io::Write;

use anyhow::Result;
use whotalks::check::{RULES, Rule, sections};

use super::outcome::Outcome;
use crate::output;
use crate::terminal::{self, Align, color};

pub(super) fn run(args: &ExplainArgs) -> Result<Outcome> {
    output::stdout(|out| match args.rule {
        Some(rule) => write_rule(out, rule),
        None => write_list(out),
    })?;
    Ok(Outcome::Success)
}

fn write_list(out: &mut dyn Write) -> Result<()> {
    let heading = ["CODE", "NAME", "UP TO", "WHAT IT FINDS"].map(|name| (name, Align::Left));
    let rows: Vec<Vec<String>> = RULES
        .iter()
        .map(|rule| {
            let cells = [rule.code, rule.name, rule.severity.name(), rule.summary()];
            cells.map(str::to_owned).to_vec()
        })
        .collect();
    terminal::print(out, &heading, &rows)
}

fn write_rule(out: &mut dyn Write, rule: &Rule) -> Result<()> {
    let title = format!("{} {}", rule.code, rule.name);
    writeln!(out, "{}", color::heading(&title))?;
    writeln!(
        out,
        "up to {} severity, since {}",
        rule.severity.name(),
        rule.since
    )?;
    writeln!(out, "\n{}", rule.summary())?;
    for section in sections(rule.doc) {
        writeln!(
            out,
            "\n{}\n{}",
            color::heading(section.heading),
            section.text
        )?;
    }
    Ok(())
}
