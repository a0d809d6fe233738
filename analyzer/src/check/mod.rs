//! Anomalies: rules over a capture, or two, each with its evidence.
//!
//! A rule is one file in `rules`: its documentation, what it is called, its check, its tests. Rules
//! read [`Facts`], which are derived once; they say what they found, or why they cannot know.
//! Nothing here prints.
//!
//! **Architecture invariant**: rules are linear in what was captured. A socket may have thousands of
//! holders and a process a hundred thousand descriptors, so no rule pairs one with the other.

mod doc;
mod facts;
mod finding;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fixture_names;
mod rules;
#[cfg(test)]
mod tests;

pub use doc::{HEADINGS, Section, sections};
pub use facts::Facts;
pub use finding::{Finding, Report, Severity, Unknown};
pub use rules::{RULES, vocabulary, vocabulary_within};

use std::collections::BTreeMap;

use crate::load::{Capture, Loaded};
use crate::model::{At, Map, TimedCapture, join_whole, series};
use finding::RuleOutput;

/// What an earlier capture of the same boot is to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: it looks at one moment.
    Unused,
    /// It makes findings surer.
    Helpful,
    /// Without one the rule, or a part of it, has no answer.
    Needed,
}

/// A rule: what it is called, what it means, how it checks.
#[derive(Debug)]
pub struct Rule {
    /// `WT101`; for ever.
    pub code: &'static str,
    /// `shared-connected-socket`.
    pub name: &'static str,
    /// The worst that its findings can be.
    pub severity: Severity,
    /// The version that had it first.
    pub since: &'static str,
    /// What an earlier capture is to it.
    pub past: Earlier,
    /// Its documentation, in Markdown, under [`HEADINGS`].
    pub doc: &'static str,
    /// The check.
    check: fn(&Facts<'_>, &mut RuleOutput),
    /// Scenes where it says something, and where it is quiet.
    #[cfg(test)]
    cases: &'static [fixture::Case],
}

impl Rule {
    /// The rule of a code or name, in any case.
    pub fn find(word: &str) -> Option<&'static Self> {
        let is = |text: &str| text.eq_ignore_ascii_case(word);
        RULES
            .iter()
            .copied()
            .find(|rule| is(rule.code) || is(rule.name))
    }

    /// What it is about: the first sentence of its documentation.
    pub fn summary(&self) -> &'static str {
        let first = self.doc.lines().find(|line| !line.trim().is_empty());
        first.unwrap_or_default()
    }
}

/// What is asked of the rules.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Codes of the rules to run; empty: all.
    pub rules: Vec<&'static str>,
    /// Who may talk to whom.
    pub policy: Option<crate::policy::Policy>,
}

/// Why no rule is sure of a damaged snapshot.
const DAMAGED: &str = "the snapshot is damaged";

/// Why a rule over time has no answer.
const ONE_CAPTURE: &str = "what stays or grows needs a second capture of the same boot";

/// Runs the rules over facts.
///
/// Findings are sorted: worst first, then by code, then by subject. The same facts give the same
/// report.
///
/// One capture is not a question about time, so rules over time are unknown then only where they
/// were asked for by name.
pub fn run(facts: &Facts<'_>, options: &Options) -> Report {
    let mut report = Report::default();
    let asked = |rule: &&Rule| options.rules.is_empty() || options.rules.contains(&rule.code);
    let mut found = Vec::new();
    for rule in RULES.iter().copied().filter(asked) {
        let mut said = RuleOutput::default();
        (rule.check)(facts, &mut said);
        // What is lost may be just what this rule looks for, whatever it looks at.
        if facts.is_damaged() {
            said.unknown(DAMAGED);
        }
        let by_name = !options.rules.is_empty();
        if by_name && rule.past == Earlier::Needed && facts.past().is_none() {
            said.unknown(ONE_CAPTURE);
        }
        found.extend(said.found.into_iter().map(|one| (rule, one)));
        said.unknown.sort();
        said.unknown.dedup();
        let code = rule.code;
        let unknown = said.unknown.into_iter();
        report
            .unknown
            .extend(unknown.map(|why| Unknown { code, why }));
    }
    found.sort_by(|(rule, one), (other_rule, other)| {
        let worst = other.severity.cmp(&one.severity);
        let code = rule.code.cmp(other_rule.code);
        let subject = one.subject.cmp(&other.subject);
        worst.then(code).then(subject).then_with(|| one.cmp(other))
    });
    let finished = found
        .into_iter()
        .map(|(rule, one)| one.finish(facts, rule.code, rule.name));
    report.findings.extend(finished);
    number(&mut report.findings);
    report
}

/// Of findings that nothing lasting tells apart, the second and later get a number: each key is one
/// finding's.
fn number(findings: &mut [Finding]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        let count = seen.entry(finding.key.clone()).or_default();
        *count += 1;
        if *count > 1 {
            finding.key = format!("{} #{count}", finding.key);
        }
    }
}

/// Which captures of the files are needed whole to [`judge`]: of each series the one that is meant, and
/// the one that it is compared with. Of the others [`load_summary`](crate::load::load_summary) is enough.
pub fn needed(files: &[Loaded], at: At) -> Vec<Vec<bool>> {
    let mut whole: Vec<&Capture> = Vec::new();
    for one in series(files) {
        if let Some(place) = one.index_of(at) {
            let (past, now) = (&one.captures()[..place], one.captures()[place].capture);
            whole.push(now);
            whole.extend(facts::compared(now, past).map(|taken| taken.capture));
        }
    }
    let is_whole = |capture: &Capture| whole.iter().any(|one| std::ptr::eq(*one, capture));
    let of_file = |file: &Loaded| file.captures.iter().map(is_whole).collect();
    files.iter().map(of_file).collect()
}

/// What the rules say about one capture of each boot among the files, and the map they looked at.
/// `None` when `at` names a capture that a series does not have.
///
/// Of a series the rules over time compare that capture with an earlier one.
pub fn judge(files: &[Loaded], at: At, options: &Options) -> Option<(Map, Report)> {
    let series = series(files);
    let mut now: Vec<TimedCapture<'_>> = Vec::new();
    let mut past: Vec<Vec<TimedCapture<'_>>> = Vec::new();
    for one in &series {
        let place = one.index_of(at)?;
        now.push(one.captures()[place]);
        past.push(one.captures()[..place].to_vec());
    }
    let map = join_whole(&now);
    let report = {
        let captures = now.iter().map(|taken| taken.capture).collect();
        let facts = Facts::new(&map, captures)
            .with_past(past)
            .with_policy(options.policy.as_ref());
        run(&facts, options)
    };
    Some((map, report))
}
