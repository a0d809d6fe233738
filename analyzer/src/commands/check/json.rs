//! JSON output of `check`: `whotalks-findings/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::check::{Finding, Report};
use whotalks::export::hex_of;
use whotalks::text::escape;

use crate::output;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    findings: Vec<FindingRow<'a>>,
    unknown: Vec<UnknownRow<'a>>,
}

/// A finding.
#[derive(Serialize)]
pub(crate) struct FindingRow<'a> {
    code: &'static str,
    rule: &'static str,
    severity: &'static str,
    subject: &'a str,
    processes: &'a [String],
    sockets: &'a [String],
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title_hex: Option<String>,
    evidence: &'a [String],
    /// One for each line, if any contains an escaped name.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_hex: Option<Vec<String>>,
    advice: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice_hex: Option<String>,
}

#[derive(Serialize)]
struct UnknownRow<'a> {
    code: &'static str,
    why: &'a str,
}

pub(super) fn write(out: &mut dyn Write, report: &Report) -> Result<()> {
    let findings = report.findings.iter().map(finding_row);
    let unknown = report.unknown.iter().map(|unknown| UnknownRow {
        code: unknown.code,
        why: &unknown.why,
    });
    let document = Document {
        schema: "whotalks-findings/1",
        findings: findings.collect(),
        unknown: unknown.collect(),
    };
    output::json(out, &document)
}

/// The row of a finding.
pub(crate) fn finding_row(finding: &Finding) -> FindingRow<'_> {
    let line_hex = |line: &String| hex_of(line).unwrap_or_else(|| escape::hex(line.as_bytes()));
    let is_escaped = finding.evidence.iter().any(|line| hex_of(line).is_some());
    FindingRow {
        code: finding.code,
        rule: finding.rule,
        severity: finding.severity.name(),
        subject: &finding.subject,
        processes: &finding.processes,
        sockets: &finding.sockets,
        title: &finding.title,
        title_hex: hex_of(&finding.title),
        evidence: &finding.evidence,
        evidence_hex: is_escaped.then(|| finding.evidence.iter().map(line_hex).collect()),
        advice: &finding.advice,
        advice_hex: hex_of(&finding.advice),
    }
}
