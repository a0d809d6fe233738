//! Parses policy files (TOML).

use serde::Deserialize;
use toml::Spanned;

use super::allow::{Policy, PolicyEntry};
use crate::query::{Glob, LinkKind};

/// The schema that policy files state.
pub(super) const SCHEMA: &str = "whotalks-policy/1";

/// Why a file is not a policy. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not TOML, or a key that policies do not have.
    #[error("{0}")]
    Toml(String),
    /// No schema.
    #[error("schema is missing, expected schema = \"{SCHEMA}\" at the beginning")]
    NoSchema,
    /// Another schema.
    #[error("line {line}: schema is {found:?}, expected \"{SCHEMA}\"")]
    Schema {
        /// Where.
        line: usize,
        /// The value in the file.
        found: String,
    },
    /// An unknown kind of conversation.
    #[error("line {line}: kind is {found:?}, expected unix, inet, netlink or vsock")]
    Kind {
        /// Where.
        line: usize,
        /// The value in the file.
        found: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: Option<Spanned<String>>,
    #[serde(default)]
    allow: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    client: String,
    server: String,
    via: Option<String>,
    kind: Option<Spanned<String>>,
    #[serde(default)]
    expected: bool,
}

impl std::str::FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let file: File =
            toml::from_str(text).map_err(|error| PolicyError::Toml(toml_error(text, &error)))?;
        let schema = file.schema.ok_or(PolicyError::NoSchema)?;
        if schema.get_ref() != SCHEMA {
            return Err(PolicyError::Schema {
                line: line(text, schema.span().start),
                found: schema.into_inner(),
            });
        }
        let entries = file.allow.into_iter().map(|row| entry(text, row));
        Ok(Self::new(entries.collect::<Result<_, _>>()?))
    }
}

fn entry(file: &str, row: Row) -> Result<PolicyEntry, PolicyError> {
    let via = row.via.unwrap_or_else(|| "*".to_owned());
    let kind = row.kind.map(|found| {
        let kinds = [
            LinkKind::Unix,
            LinkKind::Inet,
            LinkKind::Netlink,
            LinkKind::Vsock,
        ];
        let mut kinds = kinds.into_iter();
        let kind = kinds.find(|kind| kind.as_str() == found.get_ref());
        kind.ok_or_else(|| PolicyError::Kind {
            line: line(file, found.span().start),
            found: found.into_inner(),
        })
    });
    let mut text = format!("{} → {}", row.client, row.server);
    if !via.is_empty() {
        text.push_str(&format!(" via {via}"));
    }
    Ok(PolicyEntry {
        client: Glob::new(&row.client),
        server: Glob::new(&row.server),
        via: Glob::new(&via),
        kind: kind.transpose()?,
        expected: row.expected,
        text: crate::text::escape::display(text.as_bytes()),
    })
}

/// The number of the line that a byte is in.
fn line(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    1 + before.filter(|byte| *byte == b'\n').count()
}

/// An error of the TOML parser as one line: `line 3: …`.
pub fn toml_error(text: &str, error: &toml::de::Error) -> String {
    let lines: Vec<&str> = error.message().lines().map(str::trim).collect();
    let message = lines.join(": ");
    match error.span() {
        Some(span) => format!("line {}: {message}", line(text, span.start)),
        None => message,
    }
}
