//! Documentation of rules: Markdown with the same five headings in every rule.

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
