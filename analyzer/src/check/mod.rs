//! Checks: rules that find anomalies in one capture or two, each with its evidence.
//!
//! Each rule is one file in `rules`: its documentation, metadata, check and tests. Rules read
//! [`Facts`], which are derived once, and output findings or reasons why they have no answer. Nothing
//! here prints.
//!
//! **Architecture invariant**: rules take time linear in the size of the capture. A socket may have
//! thousands of holders and a process a hundred thousand descriptors, so no rule compares each of one
//! with each of the other.

mod facts;
mod finding;
mod rule;
mod rules;
#[cfg(test)]
mod test_scene;
#[cfg(test)]
mod test_scene_files;
#[cfg(test)]
mod tests;

pub use facts::Facts;
pub use finding::{Finding, Report, Severity, Unknown};
pub use rule::{Earlier, HEADINGS, Rule, Section, sections};
pub use rules::{RULES, vocabulary, vocabulary_within};

use std::collections::{BTreeMap, BTreeSet};

use crate::load::{Capture, Loaded};
use crate::model::{At, Map, ProcessId, TimedCapture, join_whole, series};
use finding::RuleOutput;

/// Which rules to run, and against which policy.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Codes of the rules to run; empty: all.
    pub rules: Vec<&'static str>,
    /// The policy of allowed and expected conversations.
    pub policy: Option<crate::policy::Policy>,
}

/// Why no rule is certain about a damaged snapshot.
const DAMAGED: &str = "the snapshot is damaged";

/// Why a rule that compares captures has no answer.
const ONE_CAPTURE: &str = "what stays or grows needs a second capture of the same boot";

/// Runs the rules.
///
/// Findings are sorted: worst first, then by code, then by subject. The same facts give the same
/// report.
///
/// Rules that need an earlier capture report its absence only where they were selected by name.
pub fn run(facts: &Facts<'_>, options: &Options) -> Report {
    let mut report = Report::default();
    let by_name = !options.rules.is_empty();
    let selected = |rule: &&Rule| !by_name || options.rules.contains(&rule.code);
    let mut findings = Vec::new();
    for rule in RULES.iter().copied().filter(selected) {
        let mut output = RuleOutput::default();
        (rule.check)(facts, &mut output);
        // The lost part may contain what the rule looks for, whatever that is.
        if facts.is_damaged() {
            output.unknown(DAMAGED);
        }
        if by_name && rule.earlier == Earlier::Needed && facts.history().is_none() {
            output.unknown(ONE_CAPTURE);
        }
        findings.extend(output.findings.into_iter().map(|finding| (rule, finding)));
        let code = rule.code;
        let unknown = output.unknown.into_iter();
        (report.unknown).extend(unknown.map(|why| Unknown { code, why }));
    }
    fold_into_shells(&mut findings);
    findings.sort_by(|(rule, a), (other, b)| {
        let order = b.severity.cmp(&a.severity).then(rule.code.cmp(other.code));
        order.then_with(|| (a.subject, a).cmp(&(b.subject, b)))
    });
    let findings = findings.into_iter();
    report.findings = findings
        .map(|(rule, finding)| finding.resolve(facts, rule.code, rule.name))
        .collect();
    number_equal_keys(&mut report.findings);
    report
}

/// Rules about shells that are controlled from elsewhere, and rules about what leaks to such a shell.
const SHELLS: [&str; 2] = ["WT310", "WT313"];
const LEAKS: [&str; 3] = ["WT101", "WT102", "WT103"];

/// Leaves out what leaked between a controlled shell and the processes that control it: the shell is
/// one finding.
fn fold_into_shells(findings: &mut Vec<(&'static Rule, finding::RawFinding)>) {
    let shells = findings
        .iter()
        .filter(|(rule, _)| SHELLS.contains(&rule.code));
    let controlled: BTreeSet<ProcessId> = shells
        .flat_map(|(_, finding)| finding.processes.iter().copied())
        .collect();
    let is_among = |finding: &finding::RawFinding| {
        let mut processes = finding.processes.iter();
        processes.all(|process| controlled.contains(process))
    };
    findings.retain(|(rule, finding)| !LEAKS.contains(&rule.code) || !is_among(finding));
}

/// Numbers the second and later of findings with equal keys, so that every key is unique.
fn number_equal_keys(findings: &mut [Finding]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        let count = seen.entry(finding.key.clone()).or_default();
        *count += 1;
        if *count > 1 {
            finding.key = format!("{} #{count}", finding.key);
        }
    }
}

/// Which captures of the files [`judge`] needs whole: of each series the selected one, and the one
/// that it is compared with. Of the others [`load_summary`](crate::load::load_summary) is enough.
pub fn needed(files: &[Loaded], at: At) -> Vec<Vec<bool>> {
    let mut whole: Vec<&Capture> = Vec::new();
    for series in series(files) {
        if let Some(index) = series.index_of(at) {
            let now = series.captures()[index].capture;
            let compared = facts::compared(now, &series.captures()[..index]);
            whole.push(now);
            whole.extend(compared.map(|timed| timed.capture));
        }
    }
    let is_whole = |capture: &Capture| whole.iter().any(|needed| std::ptr::eq(*needed, capture));
    let of_file = |file: &Loaded| file.captures.iter().map(is_whole).collect();
    files.iter().map(of_file).collect()
}

/// Checks the selected capture of each boot in the files, and returns the map with the report.
/// `None`: `at` names a capture that a series does not have.
///
/// Rules over time compare the selected capture of a series with an earlier one.
pub fn judge(files: &[Loaded], at: At, options: &Options) -> Option<(Map, Report)> {
    let series = series(files);
    let mut now: Vec<TimedCapture<'_>> = Vec::new();
    let mut earlier: Vec<Vec<TimedCapture<'_>>> = Vec::new();
    for one in &series {
        let index = one.index_of(at)?;
        now.push(one.captures()[index]);
        earlier.push(one.captures()[..index].to_vec());
    }
    let map = join_whole(&now);
    let captures = now.iter().map(|timed| timed.capture).collect();
    let facts = Facts::new(&map, captures).with_history(earlier);
    let report = run(&facts.with_policy(options.policy.as_ref()), options);
    Some((map, report))
}
