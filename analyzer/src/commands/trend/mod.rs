//! `whotalks trend`: shows what grows or shrinks over a series of captures.

mod args;
mod csv;
mod json;
mod row;
mod text;

pub(super) use args::TrendArgs;

use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use whotalks::load::Loaded;
use whotalks::model::{At, Map, Series, build_at, series};
use whotalks::trend::{NoiseFilter, Row, SeriesFilter, Trend};

use super::map::take_loaded;
use super::outcome::Outcome;
use super::suggest::{report_no_match, similar_names};
use crate::cli::{ComparisonArgs, TableFormat};
use crate::messages::message;
use crate::{input, output};
use row::IgnoredCounts;

pub(super) fn run(args: &TrendArgs) -> Result<Outcome> {
    let args = &args.comparison;
    let files = args.selection.files();
    if files.is_empty() {
        bail!(
            "SNAPSHOT is missing: a series of captures (whotalks-collect --count 10 --interval 1s)"
        );
    }
    let mut snapshots = input::open(&files)?;
    let loaded: Vec<Loaded> = take_loaded(&mut snapshots);
    let numbers = match &series(&loaded)[..] {
        [series] => match selected_captures(series, args) {
            Some(numbers) => numbers,
            None => {
                message!("--since, --at: there is no such capture");
                return Ok(Outcome::Found);
            }
        },
        several => bail!("captures of {} boots; a trend is of one", several.len()),
    };
    if numbers.clone().count() < 2 {
        bail!("a trend needs two captures or more, found one");
    }
    // Each pass builds the maps again, one at a time: a series may be long.
    let maps = || {
        let numbers = numbers.clone();
        numbers.filter_map(|number| build_at(&loaded, At::Number(number)))
    };
    let mut filter = SeriesFilter::new(args.selection.filter()?);
    if !filter.is_all() {
        maps().for_each(|map| filter.choose(&map));
        if !filter.found() {
            let similar = maps()
                .next_back()
                .map(|map| similar_names(&map, &args.selection));
            report_no_match(&similar.unwrap_or_default());
            return Ok(Outcome::Found);
        }
        maps().for_each(|map| filter.keep(&map));
    }
    let mut trend = Trend::new(args.by);
    let short_lived = count_all(&mut trend, maps(), &mut filter, args.all);
    let (rows, ignored) = significant_rows(&trend, short_lived, args.all);
    output::stdout(|out| match args.format {
        TableFormat::Text => text::write(out, &trend, &rows, &ignored, args.all),
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

/// Adds all maps to the trend. Returns the number of short-lived processes that were ignored.
fn count_all(
    trend: &mut Trend,
    maps: impl Iterator<Item = Map>,
    filter: &mut SeriesFilter,
    all: bool,
) -> usize {
    let mut noise = NoiseFilter::new();
    for map in maps {
        let ready = match all {
            true => vec![map],
            false => noise.add(map),
        };
        for map in ready {
            trend.add(&filter.apply_filter(map));
        }
    }
    for map in noise.finish() {
        trend.add(&filter.apply_filter(map));
    }
    noise.short_lived()
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
