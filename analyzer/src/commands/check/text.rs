//! Text output of `check`.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use whotalks::check::{Finding, Report, Severity};
use whotalks::export::rfc3339;
use whotalks::model::Host;
use whotalks::text::escape;

use crate::terminal::{color, plural, print_indented};

/// Columns before evidence and advice.
const INDENT: usize = 9;
/// Findings of one rule and severity that are printed; of high severity all are.
const SHOWN: usize = 3;
/// One more than this many is not worth a line that says so.
const FOLDED: usize = SHOWN + 2;

/// What is printed beyond the findings themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail {
    /// Every finding, also the repeated ones.
    pub(super) all: bool,
    /// Which rules have no answer, and why.
    pub(super) unknown: bool,
}

pub(super) fn write(
    out: &mut dyn Write,
    hosts: &[Host],
    report: &Report,
    detail: Detail,
) -> Result<()> {
    let mut totals: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    for finding in &report.findings {
        *totals.entry((finding.severity, finding.code)).or_default() += 1;
    }
    let mut seen: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    for finding in &report.findings {
        let kind = (finding.severity, finding.code);
        let (total, seen) = (totals[&kind], seen.entry(kind).or_default());
        *seen += 1;
        let folds = !detail.all && finding.severity < Severity::High && total > FOLDED;
        if !folds || *seen <= SHOWN {
            print(out, finding)?;
        } else if *seen == total {
            let word = finding.severity.name().to_uppercase();
            let more = total - SHOWN;
            let line = format!("{word:7}  {}  {more} more (--all)", finding.code);
            print_indented(out, &line, INDENT, str::to_owned)?;
        }
    }
    let mut codes: Vec<&str> = report.unknown.iter().map(|unknown| unknown.code).collect();
    codes.dedup();
    if detail.unknown {
        for (why, codes) in by_reason(report) {
            let line = format!("UNKNOWN  {}  {why}", codes.join(" "));
            print_indented(out, &line, INDENT, str::to_owned)?;
        }
    } else if !codes.is_empty() {
        let rules = plural(codes.len(), "rule", "rules");
        let line = format!("{rules} could not be evaluated (--unknown)");
        print_indented(out, &line, 0, str::to_owned)?;
    }
    let known = codes.len() * usize::from(detail.unknown);
    print_indented(out, &summary(hosts, report, known), 0, str::to_owned)
}

fn print(out: &mut dyn Write, finding: &Finding) -> Result<()> {
    let word = format!("{:7}", finding.severity.name().to_uppercase());
    let line = format!("{word}  {}  {}", finding.code, finding.title);
    // Coloured after the line was wrapped, since escape sequences have no width.
    let style = |line: &str| match (finding.severity, line.strip_prefix(&word)) {
        (Severity::High, Some(rest)) => format!("{}{rest}", color::error(&word)),
        (Severity::Medium, Some(rest)) => format!("{}{rest}", color::warning(&word)),
        _ => line.to_owned(),
    };
    print_indented(out, &line, INDENT, style)?;
    for evidence in &finding.evidence {
        let line = format!("{:INDENT$}{evidence}", "");
        print_indented(out, &line, INDENT, str::to_owned)?;
    }
    let (advice, code) = (&finding.advice, finding.code);
    let fix = format!("{:INDENT$}fix: {advice} (whotalks explain {code})", "");
    print_indented(out, &fix, INDENT, str::to_owned)
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

/// `1 high, 2 low, 3 rules unknown (web1, 2026-11-22 17:00:00Z)`.
fn summary(hosts: &[Host], report: &Report, unknown: usize) -> String {
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
    if unknown > 0 {
        parts.push(format!("{} unknown", plural(unknown, "rule", "rules")));
    }
    let captured: Vec<String> = hosts.iter().map(captured).collect();
    format!("{} ({})", parts.join(", "), captured.join("; "))
}

/// `web1, 2026-11-22 17:00:00Z`: a host, and when it was captured.
fn captured(host: &Host) -> String {
    let name = match &*host.hostname {
        b"" => "(unknown host)".to_owned(),
        name => escape::display(name),
    };
    if host.started_at_ns == 0 {
        return name;
    }
    let time = rfc3339(host.started_at_ns);
    let seconds = time.split_once('.').map_or(&*time, |(seconds, _)| seconds);
    let seconds = seconds.trim_end_matches('Z').replace('T', " ");
    format!("{name}, {seconds}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(findings: usize, detail: Detail) -> String {
        let finding = |number: usize| Finding {
            code: "WT305",
            rule: "stale-socket-file",
            severity: Severity::Low,
            subject: format!("h{number}"),
            processes: vec![],
            sockets: vec![],
            title: format!("file {number}"),
            evidence: vec![],
            advice: "remove it".to_owned(),
            key: String::new(),
        };
        let unknown = |code, why: &str| whotalks::check::Unknown {
            code,
            why: why.to_owned(),
        };
        let report = Report {
            findings: (0..findings).map(finding).collect(),
            unknown: vec![unknown("WT101", "a"), unknown("WT207", "b")],
        };
        let host = Host {
            hostname: b"web1"[..].into(),
            started_at_ns: 1_700_000_000_000_000_000,
            ..Host::default()
        };
        let mut out = Vec::new();
        write(&mut out, &[host], &report, detail).expect("memory can be written");
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn repeated_findings_are_counted() {
        let short = Detail {
            all: false,
            unknown: false,
        };
        let folded = text(231, short);
        assert!(
            folded.contains("LOW      WT305  228 more (--all)\n"),
            "{folded}"
        );
        assert_eq!(folded.lines().count(), 2 * SHOWN + 3, "{folded}");
        let end = "2 rules could not be evaluated (--unknown)\n\
                   231 low (web1, 2023-11-14 22:13:20Z)\n";
        assert!(folded.ends_with(end), "{folded}");
        assert!(!text(FOLDED, short).contains("more"));
        let whole = Detail {
            all: true,
            unknown: true,
        };
        let whole = text(231, whole);
        assert_eq!(whole.lines().count(), 2 * 231 + 3, "{whole}");
        assert!(whole.contains("UNKNOWN  WT101  a\n"), "{whole}");
    }
}
