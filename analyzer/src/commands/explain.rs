//! `whotalks explain`: what a rule means, why it matters, what to do.

use std::io::Write;

use anyhow::Result;
use whotalks::check::{RULES, Rule, sections};

use crate::Outcome;
use crate::cli::Explain;
use crate::table::{self, Align};
use crate::{output, style};

pub(super) fn run(options: &Explain) -> Result<Outcome> {
    output::stdout(|out| match options.rule {
        Some(rule) => one(out, rule),
        None => all(out),
    })?;
    Ok(Outcome::Done)
}

fn all(out: &mut dyn Write) -> Result<()> {
    let heading = ["CODE", "NAME", "UP TO", "WHAT IT FINDS"].map(|name| (name, Align::Left));
    let rows: Vec<Vec<String>> = RULES
        .iter()
        .map(|rule| {
            let cells = [rule.code, rule.name, rule.severity.name(), rule.summary()];
            cells.map(str::to_owned).to_vec()
        })
        .collect();
    table::print(out, &heading, &rows)
}

fn one(out: &mut dyn Write, rule: &Rule) -> Result<()> {
    let title = format!("{} {}", rule.code, rule.name);
    writeln!(out, "{}", style::heading(&title))?;
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
            style::heading(section.heading),
            section.text
        )?;
    }
    Ok(())
}
