//! JSON output of `check`: `whotalks-findings/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::check::{Finding, Report, Unknown};
use whotalks::export::{hex_of, object};
use whotalks::text::escape;

use crate::output;

pub(super) fn write(out: &mut dyn Write, report: &Report) -> Result<()> {
    let unknown = |unknown: &Unknown| {
        object()
            .field("code", unknown.code)
            .field("why", unknown.why.clone())
    };
    let document = object()
        .field("schema", "whotalks-findings/1")
        .list("findings", report.findings.iter().map(finding_row))
        .list("unknown", report.unknown.iter().map(unknown));
    output::json(out, &document)
}

/// The row of a finding.
pub(crate) fn finding_row(finding: &Finding) -> impl Serialize {
    let line_hex = |line: &String| hex_of(line).unwrap_or_else(|| escape::hex(line.as_bytes()));
    let is_escaped = finding.evidence.iter().any(|line| hex_of(line).is_some());
    let evidence_hex: Option<Vec<String>> =
        is_escaped.then(|| finding.evidence.iter().map(line_hex).collect());
    object()
        .field("code", finding.code)
        .field("rule", finding.rule)
        .field("severity", finding.severity.name())
        .field("subject", &finding.subject)
        .field("processes", &finding.processes)
        .field("sockets", &finding.sockets)
        .escaped("title", &finding.title)
        .field("evidence", &finding.evidence)
        // One for each line, if any contains an escaped name.
        .known("evidence_hex", evidence_hex)
        .escaped("advice", &finding.advice)
}
