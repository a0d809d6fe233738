//! Policies as files.

use serde::Deserialize;

use super::{Entry, Policy};
use crate::query::{Glob, LinkKind};

/// The file's kind and version.
pub(super) const SCHEMA: &str = "whotalks-policy/1";

/// Why a file is no policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is no TOML, or has something in it that a policy has not.
    #[error("{0}")]
    Toml(String),
    /// Another version.
    #[error("schema is {found:?}, expected \"{SCHEMA}\"")]
    Schema {
        /// What stands there.
        found: String,
    },
    /// A kind of conversation that is none.
    #[error("kind is {found:?}, expected unix, inet, netlink or vsock")]
    Kind {
        /// What stands there.
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

fn entry(row: Row) -> Result<Entry, PolicyError> {
    let via = row.via.unwrap_or_else(|| "*".to_owned());
    let kind = match row.kind.as_deref() {
        None => None,
        Some("unix") => Some(LinkKind::Unix),
        Some("inet") => Some(LinkKind::Inet),
        Some("netlink") => Some(LinkKind::Netlink),
        Some("vsock") => Some(LinkKind::Vsock),
        Some(other) => {
            return Err(PolicyError::Kind {
                found: other.to_owned(),
            });
        }
    };
    let mut text = format!("{} → {}", row.client, row.server);
    if !via.is_empty() {
        text.push_str(&format!(" via {via}"));
    }
    Ok(Entry {
        client: Glob::new(&row.client),
        server: Glob::new(&row.server),
        via: Glob::new(&via),
        kind,
        expected: row.expected,
        text: crate::text::escape::display(text.as_bytes()),
    })
}

/// An error of the TOML parser in one line: its messages show the place on lines of their own.
pub fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let told: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('|') && !line.contains(" | "))
        .collect();
    told.join(": ")
}
