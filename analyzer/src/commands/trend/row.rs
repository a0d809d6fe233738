//! A row of the trend as documents have it.

use serde::Serialize;
use whotalks::export::{hex_of, hex_of_name};
use whotalks::trend::{Growth, Metric, Row};

/// What is left out without `--all`.
#[derive(Debug, Default, Serialize)]
pub(super) struct IgnoredCounts {
    /// Short-lived processes.
    pub(super) short_lived: usize,
    /// Small changes in the number of descriptors.
    pub(super) small: usize,
    /// Rows without a change.
    pub(super) still: usize,
}

/// A row, with names made printable.
#[derive(Serialize)]
pub(super) struct DocumentRow {
    pub(super) what: &'static str,
    pub(super) role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role_hex: Option<String>,
    pub(super) client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_hex: Option<String>,
    pub(super) via: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) via_hex: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) values: Vec<Option<u64>>,
    /// Null, as the next two, if no number is known.
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
    pub(super) growth: Option<i64>,
    pub(super) rising: bool,
    /// `steady` or `jump`, as the rules over time define growth.
    pub(super) grows: Option<&'static str>,
}

impl DocumentRow {
    pub(super) fn new(row: &Row) -> Self {
        let (what, client, via, kind) = match &row.what {
            Metric::Processes => ("processes", None, None, None),
            Metric::Descriptors(kind) => ("descriptors", None, None, Some(&**kind)),
            Metric::Listener(name, kind) => ("listener", None, Some(name), Some(kind.as_str())),
            Metric::Pending(name, kind) => ("pending", None, Some(name), Some(kind.as_str())),
            Metric::Link(client, name, kind) => {
                ("link", Some(client), Some(name), Some(kind.as_str()))
            }
        };
        let via = via.filter(|via| !via.text.is_empty());
        let ends = row.ends();
        Self {
            what,
            role: row.role.clone(),
            role_hex: hex_of(&row.role),
            client: client.cloned(),
            client_hex: client.and_then(|client| hex_of(client)),
            via: via.map(|via| via.text.clone()),
            via_hex: via.and_then(hex_of_name),
            kind: kind.map(str::to_owned),
            values: row.values.clone(),
            first: ends.map(|(first, _)| first),
            last: ends.map(|(_, last)| last),
            growth: ends.map(|_| row.growth()),
            rising: row.is_rising(),
            grows: row.grows().map(growth_word),
        }
    }
}

pub(super) fn growth_word(growth: Growth) -> &'static str {
    match growth {
        Growth::Steady => "steady",
        Growth::Jump => "jump",
    }
}
