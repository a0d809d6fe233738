//! `whotalks trend`: shows what grows or shrinks over a series of captures.

mod csv;
mod json;
mod row;
mod text;

use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use clap::Args;
use whotalks::model::{At, Map, Series, series};
use whotalks::query::hide_logs;
use whotalks::trend::{NoiseFilter, Row, SeriesFilter, Trend};

use super::coverage::hidden_logs;
use super::outcome::{NothingFound, Outcome};
use super::suggest::{no_match, similar_names};
use crate::cli::{ComparisonArgs, TableFormat};
use crate::input::Stream;
use crate::output;
use row::IgnoredCounts;

const AFTER_HELP: &str = "\
Several files of one boot form a series, and so do the captures of one file (whotalks-collect \
--count 10 --interval 1m). --since and --at select a part of it. What matches a selector in one \
capture is counted in all captures. A damaged capture leaves a gap.

Examples:
  whotalks trend series.whotalks        show what grows
  whotalks trend --since 17:00 --at 17:30 series.whotalks
  whotalks trend --by process 9am.whotalks 10am.whotalks 11am.whotalks
  whotalks trend --format json series.whotalks | jq '.rows[0].growth'";

/// `whotalks trend`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct TrendArgs {
    #[command(flatten)]
    pub(crate) comparison: ComparisonArgs,
}

pub(super) fn run(args: &TrendArgs) -> Result<Outcome> {
    let args = &args.comparison;
    let files = args.selection.files();
    if files.is_empty() {
        bail!(
            "SNAPSHOT is missing: a series of captures (whotalks-collect --count 10 --interval 1s)"
        );
    }
    // A series may be long: one capture at a time is in memory.
    let mut stream = Stream::open(&files)?;
    let missing = "--since, --at: there is no such capture";
    let numbers = match &series(stream.outline())[..] {
        [series] => {
            selected_captures(series, args).ok_or_else(|| NothingFound(missing.to_owned()))?
        }
        several => bail!("captures of {} boots; a trend is of one", several.len()),
    };
    if numbers.clone().count() < 2 {
        bail!("a trend needs two captures or more, found one");
    }
    let talk = args.selection.talk_filter()?;
    // Each pass builds the maps again.
    let mut each = |next: &mut dyn FnMut(Map)| {
        stream.each(numbers.clone(), |mut map| {
            hide_logs(&mut map, &talk);
            next(map);
        })
    };
    let mut filter = SeriesFilter::new(talk.clone());
    if !filter.is_all() {
        let mut last = None;
        each(&mut |map| {
            filter.choose(&map);
            last = Some(map);
        })?;
        if !filter.found() {
            let similar = last.map(|map| similar_names(&map, &args.selection));
            return Err(no_match(&similar.unwrap_or_default()));
        }
        each(&mut |map| filter.keep(&map))?;
    }
    let mut trend = Trend::new(args.by);
    let mut noise = NoiseFilter::new();
    each(&mut |map| {
        let ready = match args.all {
            true => vec![map],
            false => noise.add(map),
        };
        for map in ready {
            trend.add(&filter.apply_filter(map));
        }
    })?;
    for map in noise.finish() {
        trend.add(&filter.apply_filter(map));
    }
    let short_lived = noise.short_lived();
    let (rows, ignored) = significant_rows(&trend, short_lived, args.all);
    let logs = hidden_logs(trend.hidden_logs());
    output::stdout(|out| match args.format {
        TableFormat::Text => text::write(out, &trend, &rows, &ignored, logs, args.all),
        TableFormat::Json => json::write(out, &trend, &rows, ignored, args),
        TableFormat::Csv => csv::write(out, &rows),
    })?;
    Ok(Outcome::Success)
}

/// Numbers (from 1) of the captures from `--since` to `--at`.
fn selected_captures(series: &Series<'_>, args: &ComparisonArgs) -> Option<RangeInclusive<i64>> {
    let first = series.index_of(args.since.unwrap_or(At::Number(1)))?;
    // `last` is the last capture here, even if it is too damaged to name its host.
    let last = match args.selection.at {
        At::Last | At::All => series.captures().len().checked_sub(1)?,
        at => series.index_of(at)?,
    };
    let number = |index: usize| i64::try_from(index + 1).ok();
    Some(number(first)?..=number(last)?)
}

/// The rows that changed by more than a little, or `all`; and how many are left out.
fn significant_rows(trend: &Trend, short_lived: usize, all: bool) -> (Vec<Row>, IgnoredCounts) {
    let mut rows = trend.rows();
    let mut ignored = IgnoredCounts {
        short_lived,
        ..IgnoredCounts::default()
    };
    if !all {
        let count = rows.len();
        rows.retain(Row::moves);
        ignored.still = count - rows.len();
        rows.retain(|row| !row.is_small);
        ignored.small = count - ignored.still - rows.len();
    }
    (rows, ignored)
}
