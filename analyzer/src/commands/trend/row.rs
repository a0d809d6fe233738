//! A row of the trend as documents have it.

use serde::Serialize;
use whotalks::export::{hex_of, hex_of_name, object};
use whotalks::query::Via;
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

/// What is counted, its client, name and kind.
pub(super) fn parts(
    metric: &Metric,
) -> (&'static str, Option<&String>, Option<&Via>, Option<&str>) {
    match metric {
        Metric::Processes => ("processes", None, None, None),
        Metric::Descriptors(kind) => ("descriptors", None, None, Some(kind)),
        Metric::Listener(via, kind) => ("listener", None, Some(via), Some(kind.as_str())),
        Metric::Pending(via, kind) => ("pending", None, Some(via), Some(kind.as_str())),
        Metric::Link(client, via, kind) => ("link", Some(client), Some(via), Some(kind.as_str())),
    }
}

/// A rate to a tenth.
pub(super) fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

pub(super) fn json_row(row: &Row) -> impl Serialize {
    let (what, client, via, kind) = parts(&row.what);
    let via = via.filter(|via| !via.text.is_empty());
    let ends = row.ends();
    object()
        .field("what", what)
        .escaped("role", &row.role)
        .exact("client", client, client.and_then(|client| hex_of(client)))
        .exact("via", via.map(|via| &via.text), via.and_then(hex_of_name))
        .field("kind", kind)
        .field("values", &row.values)
        // Null, as the next two, if no number is known.
        .field("first", ends.map(|(first, _)| first))
        .field("last", ends.map(|(_, last)| last))
        .field("growth", ends.map(|_| row.growth()))
        // Null if a time is lost, too.
        .field("per_hour", row.per_hour().map(rounded))
        .field("rising", row.is_rising())
        .field("grows", row.grows().map(Growth::as_str))
}
