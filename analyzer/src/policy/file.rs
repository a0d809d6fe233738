//! Parses policy files (TOML).

use serde::Deserialize;

use super::allow::{Policy, PolicyEntry};
use crate::query::{Glob, LinkKind};

/// The schema that policy files state.
pub(super) const SCHEMA: &str = "whotalks-policy/1";

/// Why a file is not a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not TOML, or a key that policies do not have.
    #[error("{0}")]
    Toml(String),
    /// Another schema.
    #[error("schema is {found:?}, expected \"{SCHEMA}\"")]
    Schema {
        /// The value in the file.
        found: String,
    },
    /// An unknown kind of conversation.
    #[error("kind is {found:?}, expected unix, inet, netlink or vsock")]
    Kind {
        /// The value in the file.
        found: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: Option<String>,
    #[serde(default)]
    allow: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    client: String,
    server: String,
    via: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    expected: bool,
}

impl std::str::FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text)
            .map_err(|error| PolicyError::Toml(one_line(&error.to_string())))?;
        if let Some(found) = file.schema.filter(|schema| schema != SCHEMA) {
            return Err(PolicyError::Schema { found });
        }
        let entries = file.allow.into_iter().map(entry);
        Ok(Self::new(entries.collect::<Result<_, _>>()?))
    }
}

fn entry(row: Row) -> Result<PolicyEntry, PolicyError> {
    let via = row.via.unwrap_or_else(|| "*".to_owned());
    let kind = row.kind.map(|found| {
        let kinds = [
            LinkKind::Unix,
            LinkKind::Inet,
            LinkKind::Netlink,
            LinkKind::Vsock,
        ];
        let mut kinds = kinds.into_iter();
        let kind = kinds.find(|kind| kind.as_str() == found);
        kind.ok_or(PolicyError::Kind { found })
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

/// A message of the TOML parser as one line, without the lines that quote the file.
pub fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let text: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('|') && !line.contains(" | "))
        .collect();
    text.join(": ")
}
