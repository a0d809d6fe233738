//! SARIF output of `check`, version 2.1.0, for code scanning.
//!
//! Reference: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};
use whotalks::check::{Finding, HEADINGS, RULES, Report, Rule, Severity, Unknown, sections};

use crate::output;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/\
                      sarif-schema-2.1.0.json";

/// Writes the document.
pub(super) fn write(out: &mut dyn Write, report: &Report) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "whotalks",
                "version": version,
                "semanticVersion": version,
                "rules": RULES.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications":
                    report.unknown.iter().map(unknown).collect::<Vec<_>>(),
            }],
            "results": report.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    output::json(out, &document)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn descriptor(rule: &Rule) -> Value {
    let section = |heading: &str| {
        let mut sections = sections(rule.doc).into_iter();
        let found = sections.find(|section| section.heading == heading);
        found.map_or("", |section| section.text)
    };
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary()},
        "fullDescription": {"text": section(HEADINGS[0])},
        "help": {"text": section(HEADINGS[3]), "markdown": rule.doc},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn result(finding: &Finding) -> Value {
    let evidence = finding.evidence.iter().map(|line| format!("- {line}"));
    let evidence: Vec<String> = evidence.collect();
    let index = RULES.iter().position(|rule| rule.code == finding.code);
    json!({
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": format!(
            "{}\n{}\nfix: {}", finding.title, evidence.join("\n"), finding.advice
        )},
        // Findings are in no file: processes and sockets are logical locations.
        "locations": [{"logicalLocations": [{
            "fullyQualifiedName": finding.subject,
            "kind": kind(&finding.subject),
        }]}],
        "partialFingerprints": {"whotalks/v1": finding.key},
        "properties": {
            "severity": finding.severity.name(),
            "subject": finding.subject,
            "processes": finding.processes,
            "sockets": finding.sockets,
        },
    })
}

/// The kind of object of an id: `h0/p812` is a process.
fn kind(id: &str) -> &'static str {
    let object = id.split_once('/').map_or("", |(_, object)| object);
    match object.as_bytes().first() {
        Some(b'p') => "process",
        Some(b's' | b'k') => "socket",
        Some(_) => "pipe",
        None => "host",
    }
}

fn unknown(unknown: &Unknown) -> Value {
    json!({
        "level": "note",
        "message": {"text": format!("{}: {}", unknown.code, unknown.why)},
        "associatedRule": {"id": unknown.code},
    })
}
