//! JSON output of `trend`: `whotalks-trend/1`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::{object, rfc3339};
use whotalks::trend::{Row, Trend};

use super::row::{IgnoredCounts, json_row};
use crate::cli::{ComparisonArgs, value_name};
use crate::output;

pub(super) fn write(
    out: &mut dyn Write,
    trend: &Trend,
    rows: &[Row],
    ignored: IgnoredCounts,
    args: &ComparisonArgs,
) -> Result<()> {
    let captures = trend.captures().iter();
    let document = object()
        .field("schema", "whotalks-trend/1")
        .field("by", value_name(args.by))
        // Null if the time is lost.
        .list("captures", captures.map(|time| time.map(rfc3339)))
        .list("rows", rows.iter().map(json_row))
        .field("ignored", ignored)
        // Of the last capture.
        .field(
            "hidden",
            object().field("log", trend.hidden_logs().conversations),
        );
    output::json(out, &document)
}
