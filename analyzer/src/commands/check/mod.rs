//! `whotalks check`: what is wrong, and what shows it.

mod ignore;
mod sarif;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use whotalks::check::{self, Earlier, Finding, Report, Rule, Severity};
use whotalks::export::hex_of;
use whotalks::id;
use whotalks::load::Loaded;
use whotalks::model::{At, Map, ProcessId, SocketId};
use whotalks::policy::Policy;
use whotalks::query::{Filter, apply_filter, matching_processes, matching_sockets};
use whotalks::text::escape;

use super::near_names;
use crate::Outcome;
use crate::cli::{Check, CheckFormat, FailOn, FilterArgs};
use crate::table::{fit, plural};
use crate::{input, output, style};
use ignore::Ignores;

/// Policies and lists of what to ignore are written by people.
const MAX_TEXT_BYTES: u64 = 4 << 20;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    findings: Vec<Row<'a>>,
    unknown: Vec<UnknownRow<'a>>,
}

/// A finding for programs.
#[derive(Serialize)]
pub(super) struct Row<'a> {
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
    /// Of every line, where any has an escaped name in it.
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

pub(super) fn run(options: &Check) -> Result<Outcome> {
    let files = options.selection.files();
    let at = options.selection.at;
    // Rules over time look back.
    let back = |rule: &&Rule| rule.earlier != Earlier::Unused;
    let loaded = if options.rule.is_empty() || options.rule.iter().any(back) {
        input::open_course(&files, |loaded| check::needed(loaded, at))?
    } else {
        let snapshots = input::open_at(&files, at)?;
        snapshots.into_iter().map(|one| one.loaded).collect()
    };
    let asked = check::Options {
        rules: options.rule.iter().map(|rule| rule.code).collect(),
        policy: options.policy.as_deref().map(policy).transpose()?,
    };
    let of_policy = |code: &&&str| matches!(**code, "WT501" | "WT502");
    if let Some(code) = asked.rules.iter().find(of_policy)
        && asked.policy.is_none()
    {
        bail!("--rule {code}: needs --policy FILE");
    }
    let ignores = options.ignore.as_deref().map(Ignores::read).transpose()?;
    let known = match &options.baseline {
        Some(old) => known(old, &asked)?,
        None => BTreeSet::new(),
    };
    let Some((map, mut report)) = check::judge(&loaded, at, &asked) else {
        eprintln!("whotalks: --at: there is no such capture");
        return Ok(Outcome::Found);
    };
    report
        .findings
        .retain(|finding| !known.contains(&finding.key));
    if let Some(ignores) = ignores {
        for line in ignores.apply(&map, &mut report) {
            eprintln!("whotalks: {line}");
        }
    }
    let least = options.min_severity.severity();
    report.findings.retain(|finding| finding.severity >= least);
    if !keep_selected(map, &options.selection, &mut report)? {
        return Ok(Outcome::Found);
    }
    output::stdout(|out| match options.format {
        CheckFormat::Text => text(out, &report),
        CheckFormat::Json => json(out, &report),
        CheckFormat::Sarif => sarif::write(out, &report),
    })?;
    Ok(if fails(&report, options.fail_on) {
        Outcome::Found
    } else {
        Outcome::Done
    })
}

/// Reads a policy.
fn policy(path: &Path) -> Result<Policy> {
    let name = path.display();
    let text = read_text(path)?;
    text.parse()
        .with_context(|| format!("{name}: not a policy"))
}

/// A file that a person wrote.
fn read_text(path: &Path) -> Result<String> {
    let name = path.display();
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("{name}: cannot open"))?;
    file.take(MAX_TEXT_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{name}: cannot read"))?;
    if text.len() as u64 > MAX_TEXT_BYTES {
        bail!("{name}: larger than {MAX_TEXT_BYTES} bytes");
    }
    Ok(text)
}

/// Keys of what the rules find in an older snapshot.
fn known(old: &Path, asked: &check::Options) -> Result<BTreeSet<String>> {
    let needed = |loaded: &[Loaded]| check::needed(loaded, At::Last);
    let loaded = input::open_course(&[old.to_owned()], needed)?;
    let report = check::judge(&loaded, At::Last, asked).map(|(_, report)| report);
    let findings = report.unwrap_or_default().findings.into_iter();
    Ok(findings.map(|finding| finding.key).collect())
}

/// Leaves out findings about other things than the selectors mean; false, and a line on standard
/// error, when these match nothing.
fn keep_selected(map: Map, selection: &FilterArgs, report: &mut Report) -> Result<bool> {
    let filter = selection.filter()?;
    if filter.is_empty() {
        return Ok(true);
    }
    let near = near_names(&map, selection);
    if !filter.only.is_empty() {
        let processes = matching_processes(&map, &filter.only);
        let sockets = matching_sockets(&map, &filter.only);
        if !processes.contains(&true) && !sockets.contains(&true) {
            eprintln!("whotalks: nothing matches{near}");
            return Ok(false);
        }
        let meant = ids(&map, |at| processes[at], |at| sockets[at]);
        keep(report, &meant);
    }
    let around = Filter {
        only: whotalks::query::SelectorSet::default(),
        ..filter
    };
    let (map, found) = apply_filter(map, &around);
    if !found {
        eprintln!("whotalks: nothing matches{near}");
        return Ok(false);
    }
    keep(report, &ids(&map, |_| true, |_| true));
    Ok(true)
}

/// Ids of the processes and sockets at these places.
fn ids(
    map: &Map,
    processes: impl Fn(usize) -> bool,
    sockets: impl Fn(usize) -> bool,
) -> BTreeSet<String> {
    let processes = (0..map.processes.len()).filter(|at| processes(*at));
    let sockets = (0..map.sockets.len()).filter(|at| sockets(*at));
    processes
        .map(|at| id::process(map, ProcessId::new(at)))
        .chain(sockets.map(|at| id::socket(map, SocketId::new(at))))
        .collect()
}

/// Keeps findings that name one of these.
fn keep(report: &mut Report, ids: &BTreeSet<String>) {
    report.findings.retain(|finding| {
        let named = finding.processes.iter().chain(&finding.sockets);
        named.chain([&finding.subject]).any(|id| ids.contains(id))
    });
}

fn fails(report: &Report, on: FailOn) -> bool {
    let worst = report.findings.iter().map(|finding| finding.severity).max();
    match on {
        FailOn::Low => worst.is_some(),
        FailOn::Medium => worst >= Some(Severity::Medium),
        FailOn::High => worst >= Some(Severity::High),
        FailOn::Unknown => worst.is_some() || !report.unknown.is_empty(),
    }
}

/// A finding as documents have it.
pub(super) fn row(finding: &Finding) -> Row<'_> {
    let exact = |line: &String| hex_of(line).unwrap_or_else(|| escape::hex(line.as_bytes()));
    let changed = finding.evidence.iter().any(|line| hex_of(line).is_some());
    Row {
        code: finding.code,
        rule: finding.rule,
        severity: finding.severity.name(),
        subject: &finding.subject,
        processes: &finding.processes,
        sockets: &finding.sockets,
        title: &finding.title,
        title_hex: hex_of(&finding.title),
        evidence: &finding.evidence,
        evidence_hex: changed.then(|| finding.evidence.iter().map(exact).collect()),
        advice: &finding.advice,
        advice_hex: hex_of(&finding.advice),
    }
}

fn json(out: &mut dyn Write, report: &Report) -> Result<()> {
    let findings = report.findings.iter().map(row);
    let unknown = report.unknown.iter().map(|unknown| UnknownRow {
        code: unknown.code,
        why: &unknown.why,
    });
    let document = Document {
        schema: "whotalks-findings/1",
        findings: findings.collect(),
        unknown: unknown.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    Ok(writeln!(out)?)
}

fn text(out: &mut dyn Write, report: &Report) -> Result<()> {
    for finding in &report.findings {
        let word = format!("{:7}", finding.severity.name().to_uppercase());
        // The mark is put on after the line was cut: it has no width of its own.
        let line = fit(&format!("{word}  {}  {}", finding.code, finding.title));
        let marked = match (finding.severity, line.strip_prefix(&word)) {
            (Severity::High, Some(rest)) => format!("{}{rest}", style::alarm(&word)),
            (Severity::Medium, Some(rest)) => format!("{}{rest}", style::note(&word)),
            _ => line,
        };
        writeln!(out, "{marked}")?;
        for evidence in &finding.evidence {
            writeln!(out, "{}", fit(&format!("{:9}{evidence}", "")))?;
        }
        let fix = format!(
            "fix: {} (whotalks explain {})",
            finding.advice, finding.code
        );
        writeln!(out, "{}", fit(&format!("{:9}{fix}", "")))?;
    }
    for (why, codes) in by_reason(report) {
        writeln!(
            out,
            "{}",
            fit(&format!("UNKNOWN  {}  {why}", codes.join(" ")))
        )?;
    }
    writeln!(out, "{}", fit(&count(report)))?;
    Ok(())
}

/// Reasons, each with the rules that it keeps from an answer, in the order of the rules.
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
fn count(report: &Report) -> String {
    let severities = [Severity::High, Severity::Medium, Severity::Low];
    let mut parts: Vec<String> = Vec::new();
    for severity in severities {
        let of_this = report.findings.iter().filter(|f| f.severity == severity);
        let count = of_this.count();
        if count > 0 {
            parts.push(format!("{count} {}", severity.name()));
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
