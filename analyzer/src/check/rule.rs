//! What a rule consists of. Its documentation is Markdown with the same five headings in every rule.

use super::facts::Facts;
use super::finding::{RuleOutput, Severity};

/// What an earlier capture of the same boot adds to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: the rule reads one capture.
    Unused,
    /// More certain findings.
    Helpful,
    /// Without it the rule, or a part of it, has no answer.
    Needed,
}

/// A rule: its metadata, documentation and check.
#[derive(Debug)]
pub struct Rule {
    /// `WT101`; never changes and is never reused.
    pub code: &'static str,
    /// `shared-connected-socket`.
    pub name: &'static str,
    /// The highest severity of its findings.
    pub severity: Severity,
    /// The first version with this rule.
    pub since: &'static str,
    /// What an earlier capture adds.
    pub earlier: Earlier,
    /// Documentation in Markdown, under [`HEADINGS`].
    pub doc: &'static str,
    /// Adds findings, and reasons for missing answers, to the output.
    pub(super) check: fn(&Facts<'_>, &mut RuleOutput),
    /// Scenes with findings, and scenes without.
    #[cfg(test)]
    pub(super) cases: &'static [super::test_scene::Case],
}

impl Rule {
    /// The first sentence of the documentation.
    pub fn summary(&self) -> &'static str {
        let first = self.doc.lines().find(|line| !line.trim().is_empty());
        first.unwrap_or_default()
    }
}

/// The headings, in order.
pub const HEADINGS: [&str; 5] = [
    "What it finds",
    "Why it matters",
    "Example",
    "What to do",
    "References",
];

/// One section of a rule's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    /// One of [`HEADINGS`].
    pub heading: &'a str,
    /// The text below the heading, without blank lines around it.
    pub text: &'a str,
}

/// Splits a rule's documentation at its headings.
pub fn sections(doc: &str) -> Vec<Section<'_>> {
    let parts = doc.split("\n## ").skip(1);
    parts
        .map(|part| {
            let (heading, text) = part.split_once('\n').unwrap_or((part, ""));
            Section {
                heading: heading.trim(),
                text: text.trim_matches('\n'),
            }
        })
        .collect()
}
