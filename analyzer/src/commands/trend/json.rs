//! JSON output of `trend`: `whotalks-trend/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::rfc3339;
use whotalks::trend::{Row, Trend};

use super::row::{DocumentRow, IgnoredCounts};
use crate::cli::{ComparisonArgs, value_name};
use crate::output;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    by: String,
    /// Times; null if the time is lost.
    captures: Vec<Option<String>>,
    rows: Vec<DocumentRow>,
    ignored: IgnoredCounts,
}

pub(super) fn write(
    out: &mut dyn Write,
    trend: &Trend,
    rows: &[Row],
    ignored: IgnoredCounts,
    args: &ComparisonArgs,
) -> Result<()> {
    let captures = trend.captures().iter();
    let document = Document {
        schema: "whotalks-trend/1",
        by: value_name(args.by),
        captures: captures.map(|time| time.map(rfc3339)).collect(),
        rows: rows.iter().map(DocumentRow::new).collect(),
        ignored,
    };
    output::json(out, &document)
}
