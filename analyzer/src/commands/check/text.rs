//! Text output of `check`.

use std::io::Write;

use anyhow::Result;
use whotalks::check::{Report, Severity};

use crate::terminal::{color, fit, plural};

pub(super) fn write(out: &mut dyn Write, report: &Report) -> Result<()> {
    for finding in &report.findings {
        let word = format!("{:7}", finding.severity.name().to_uppercase());
        // Coloured after the line was cut, since escape sequences have no width.
        let line = fit(&format!("{word}  {}  {}", finding.code, finding.title));
        let coloured = match (finding.severity, line.strip_prefix(&word)) {
            (Severity::High, Some(rest)) => format!("{}{rest}", color::error(&word)),
            (Severity::Medium, Some(rest)) => format!("{}{rest}", color::warning(&word)),
            _ => line,
        };
        writeln!(out, "{coloured}")?;
        for evidence in &finding.evidence {
            writeln!(out, "{}", fit(&format!("{:9}{evidence}", "")))?;
        }
        let (advice, code) = (&finding.advice, finding.code);
        let fix = format!("{:9}fix: {advice} (whotalks explain {code})", "");
        writeln!(out, "{}", fit(&fix))?;
    }
    for (why, codes) in by_reason(report) {
        let line = format!("UNKNOWN  {}  {why}", codes.join(" "));
        writeln!(out, "{}", fit(&line))?;
    }
    writeln!(out, "{}", fit(&summary(report)))?;
    Ok(())
}

/// The reasons why rules have no answer, each with its rules, in the order of the rules.
fn by_reason(report: &Report) -> Vec<(&str, Vec<&'static str>)> {
    let mut reasons: Vec<(&str, Vec<&'static str>)> = Vec::new();
    for unknown in &report.unknown {
        match reasons.iter_mut().find(|(why, _)| *why == unknown.why) {
            Some((_, codes)) => codes.push(unknown.code),
            None => reasons.push((&unknown.why, vec![unknown.code])),
        }
    }
    reasons
}

/// `1 high, 2 low, 3 rules unknown`.
fn summary(report: &Report) -> String {
    let severities = [Severity::High, Severity::Medium, Severity::Low];
    let mut parts: Vec<String> = Vec::new();
    for severity in severities {
        let findings = report.findings.iter();
        match findings.filter(|f| f.severity == severity).count() {
            0 => {}
            count => parts.push(format!("{count} {}", severity.name())),
        }
    }
    if parts.is_empty() {
        parts.push("nothing found".to_owned());
    }
    let mut codes: Vec<&str> = report.unknown.iter().map(|unknown| unknown.code).collect();
    codes.dedup();
    if !codes.is_empty() {
        parts.push(format!("{} unknown", plural(codes.len(), "rule", "rules")));
    }
    parts.join(", ")
}
