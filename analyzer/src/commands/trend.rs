//! `whotalks trend`: what grew or shrank over a series of captures.

use std::io::{IsTerminal, Write};
use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use whotalks::export::csv::{self, Cell};
use whotalks::export::{hex_of, hex_of_name, rfc3339};
use whotalks::load::Loaded;
use whotalks::model::{At, Series, build_at, series};
use whotalks::query::LinkKind;
use whotalks::trend::{Growth, Metric, NoiseFilter, Row, SeriesFilter, Trend as Answer};

use super::near_names;
use crate::Outcome;
use crate::cli::{Comparison, TableFormat, Trend};
use crate::table::{self, Align, noise, plural, thousands};
use crate::{input, output};

/// Rows of text without `--all`.
const ROWS: usize = 40;
/// Characters of a sparkline.
const SPARKS: usize = 40;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    by: String,
    /// Null: when it was made is lost.
    captures: Vec<Option<String>>,
    rows: Vec<Line>,
    ignored: Ignored,
}

/// What is not told without `--all`.
#[derive(Debug, Default, Serialize)]
struct Ignored {
    /// Processes that live for a moment.
    short_lived: usize,
    /// Descriptors that moved by a few.
    small: usize,
    /// Rows that do not move.
    still: usize,
}

#[derive(Serialize)]
struct Line {
    what: &'static str,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_hex: Option<String>,
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_hex: Option<String>,
    via: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via_hex: Option<String>,
    kind: Option<String>,
    values: Vec<Option<u64>>,
    /// Null, as the next two: no number is known.
    first: Option<u64>,
    last: Option<u64>,
    growth: Option<i64>,
    rising: bool,
    /// `steady` or `jump`: what the rules over time take for growth.
    grows: Option<&'static str>,
}

pub(super) fn run(options: &Trend) -> Result<Outcome> {
    let options = &options.comparison;
    let files = options.selection.files();
    if files.is_empty() {
        bail!(
            "SNAPSHOT is missing: a series of captures (whotalks-collect --count 10 --interval 1s)"
        );
    }
    let snapshots = input::open(&files)?;
    let loaded: Vec<Loaded> = snapshots
        .into_iter()
        .map(|snapshot| snapshot.loaded)
        .collect();
    let numbers = match &series(&loaded)[..] {
        [one] => match wanted(one, options) {
            Some(wanted) => wanted,
            None => {
                eprintln!("whotalks: --since, --at: there is no such capture");
                return Ok(Outcome::Found);
            }
        },
        several => bail!("captures of {} boots; a trend is of one", several.len()),
    };
    if numbers.clone().count() < 2 {
        bail!("a trend needs two captures or more, found one");
    }
    let maps = || {
        numbers
            .clone()
            .filter_map(|number| build_at(&loaded, At::Number(number)))
    };
    let mut followed = SeriesFilter::new(options.selection.filter()?);
    if !followed.is_all() {
        maps().for_each(|map| followed.choose(&map));
        if !followed.found() {
            let near = maps()
                .next_back()
                .map(|map| near_names(&map, &options.selection));
            eprintln!("whotalks: nothing matches{}", near.unwrap_or_default());
            return Ok(Outcome::Found);
        }
        maps().for_each(|map| followed.keep(&map));
    }
    let mut trend = Answer::new(options.by.into());
    let mut quiet = NoiseFilter::new();
    for map in maps() {
        let known = match options.all {
            true => vec![map],
            false => quiet.add(map),
        };
        for map in known {
            trend.add(&followed.apply_filter(map));
        }
    }
    for map in quiet.finish() {
        trend.add(&followed.apply_filter(map));
    }
    let mut rows = trend.rows();
    let mut ignored = Ignored {
        short_lived: quiet.short_lived(),
        ..Ignored::default()
    };
    if !options.all {
        let all = rows.len();
        rows.retain(Row::moves);
        ignored.still = all - rows.len();
        rows.retain(|row| !row.is_small);
        ignored.small = all - ignored.still - rows.len();
    }
    output::stdout(|out| match options.format {
        TableFormat::Text => text(out, &trend, &rows, &ignored, options.all),
        TableFormat::Json => json(out, &trend, &rows, ignored, options),
        TableFormat::Csv => sheet(out, &rows),
    })?;
    Ok(Outcome::Done)
}

/// The numbers (from 1) of the captures from --since to --at.
fn wanted(series: &Series<'_>, options: &Comparison) -> Option<RangeInclusive<i64>> {
    let first = series.index_of(options.since.unwrap_or(At::Number(1)))?;
    // Not the latest of which enough is left to know its machine: all.
    let last = match options.selection.at {
        At::Last | At::All => series.captures().len().checked_sub(1)?,
        at => series.index_of(at)?,
    };
    let number = |place: usize| i64::try_from(place + 1).ok();
    Some(number(first)?..=number(last)?)
}

fn line(row: &Row) -> Line {
    let (what, client, via, kind) = match &row.what {
        Metric::Processes => ("processes", None, None, None),
        Metric::Descriptors(kind) => ("descriptors", None, None, Some(kind.to_string())),
        Metric::Listener(name, kind) => ("listener", None, Some(name), link_kind(*kind)),
        Metric::Pending(name, kind) => ("pending", None, Some(name), link_kind(*kind)),
        Metric::Link(client, name, kind) => ("link", Some(client), Some(name), link_kind(*kind)),
    };
    let via = via.filter(|via| !via.text.is_empty());
    let ends = row.ends();
    Line {
        what,
        role: row.role.clone(),
        role_hex: hex_of(&row.role),
        client: client.cloned(),
        client_hex: client.and_then(|client| hex_of(client)),
        via: via.map(|via| via.text.clone()),
        via_hex: via.and_then(hex_of_name),
        kind,
        values: row.values.clone(),
        first: ends.map(|(first, _)| first),
        last: ends.map(|(_, last)| last),
        growth: ends.map(|_| row.growth()),
        rising: row.is_rising(),
        grows: row.grows().map(word),
    }
}

fn word(growth: Growth) -> &'static str {
    match growth {
        Growth::Steady => "steady",
        Growth::Jump => "jump",
    }
}

fn link_kind(kind: LinkKind) -> Option<String> {
    Some(kind.as_str().to_owned())
}

fn json(
    out: &mut dyn Write,
    trend: &Answer,
    rows: &[Row],
    ignored: Ignored,
    options: &Comparison,
) -> Result<()> {
    let by = options.by.to_possible_value();
    let document = Document {
        schema: "whotalks-trend/1",
        by: by.map_or_else(String::new, |value| value.get_name().to_owned()),
        captures: trend.captures().iter().map(|at| at.map(rfc3339)).collect(),
        rows: rows.iter().map(line).collect(),
        ignored,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    Ok(writeln!(out)?)
}

const COLUMNS: [&str; 11] = [
    "what",
    "role",
    "client",
    "name_kind",
    "name",
    "kind",
    "first",
    "last",
    "growth",
    "rising",
    "values",
];

/// One row each; the numbers of all captures with spaces between, `?` where not known.
fn sheet(out: &mut dyn Write, rows: &[Row]) -> Result<()> {
    csv::row(out, &COLUMNS)?;
    for row in rows {
        let line = line(row);
        let (name_kind, name) = match &row.what {
            Metric::Listener(via, _) | Metric::Pending(via, _) | Metric::Link(_, via, _) => {
                csv::name(via)
            }
            Metric::Processes | Metric::Descriptors(_) => ("", ""),
        };
        let value = |value: &Option<u64>| value.map_or_else(|| "?".to_owned(), |v| v.to_string());
        let values: Vec<String> = line.values.iter().map(value).collect();
        let growth = line.growth.map_or(Cell::Text(""), Cell::Number);
        let cells = [
            Cell::Text(line.what),
            Cell::Text(&line.role),
            Cell::Text(line.client.as_deref().unwrap_or_default()),
            Cell::Text(name_kind),
            Cell::Text(name),
            Cell::Text(line.kind.as_deref().unwrap_or_default()),
            Cell::Text(
                &line
                    .first
                    .map_or_else(String::new, |first| first.to_string()),
            ),
            Cell::Text(&line.last.map_or_else(String::new, |last| last.to_string())),
            growth,
            Cell::Text(&line.rising.to_string()),
            Cell::Text(&values.join(" ")),
        ];
        csv::cells(out, &cells)?;
    }
    Ok(())
}

fn text(
    out: &mut dyn Write,
    trend: &Answer,
    rows: &[Row],
    ignored: &Ignored,
    all: bool,
) -> Result<()> {
    let all = all || !std::io::stdout().is_terminal();
    // A listener's row says what its only client's would.
    let mut rows: Vec<&Row> = rows.iter().filter(|row| !is_said(row, rows)).collect();
    // What never stops growing comes first, however slowly.
    let steady = |row: &Row| row.grows() == Some(Growth::Steady);
    rows.sort_by_key(|row| std::cmp::Reverse((steady(row), row.growth().unsigned_abs())));
    let shown = if all {
        rows.len()
    } else {
        rows.len().min(ROWS)
    };
    let cells: Vec<Vec<String>> = rows[..shown].iter().map(|row| cells(row)).collect();
    if !cells.is_empty() {
        let heading = [
            ("GROWTH", Align::Right),
            ("FIRST", Align::Right),
            ("LAST", Align::Right),
            ("TREND", Align::Left),
            ("WHAT", Align::Left),
        ];
        table::print(out, &heading, &cells)?;
    }
    let mut hidden = Vec::new();
    if shown < rows.len() {
        let more = plural(rows.len() - shown, "more row", "more rows");
        hidden.push(format!("{more} (--all)."));
    }
    let captures = plural(trend.captures().len(), "capture", "captures");
    let unknown = rows.iter().any(|row| row.values.contains(&None));
    let mut left_out = Vec::new();
    if ignored.still > 0 {
        let rows = plural(ignored.still, "row", "rows");
        left_out.push(format!("{rows} did not move"));
    }
    if ignored.small > 0 || ignored.short_lived > 0 {
        left_out.push(format!(
            "{} ignored",
            noise(ignored.short_lived, ignored.small)
        ));
    }
    hidden.push(match left_out.is_empty() {
        true => format!("{captures}."),
        false => format!("{captures}; {} (--all).", left_out.join(", ")),
    });
    let unknown = unknown.then(|| "A gap is a capture in which it could not be read.".to_owned());
    let unknown: Vec<String> = unknown.into_iter().collect();
    table::last(out, &hidden, &unknown)
}

/// Whether a link is all that there is to a listener that has a row of its own.
fn is_said(row: &Row, rows: &[Row]) -> bool {
    let Metric::Link(_, via, kind) = &row.what else {
        return false;
    };
    rows.iter().any(|other| {
        matches!(&other.what, Metric::Listener(name, of) if (name, of) == (via, kind))
            && other.role == row.role
            && other.values == row.values
    })
}

fn cells(row: &Row) -> Vec<String> {
    let number = |count: u64| thousands(usize::try_from(count).unwrap_or(usize::MAX));
    let size = number(row.growth().unsigned_abs());
    let growth = match (row.ends(), row.growth()) {
        (None, _) => "?".to_owned(),
        (_, 0) => "0".to_owned(),
        (_, 1..) => format!("+{size}"),
        _ => format!("-{size}"),
    };
    let end = |of: fn((u64, u64)) -> u64| {
        row.ends()
            .map_or_else(|| "?".to_owned(), |ends| number(of(ends)))
    };
    let role = &row.role;
    let what = match &row.what {
        Metric::Processes => format!("{role}: processes"),
        Metric::Descriptors(kind) => format!("{role}: {kind} descriptors"),
        Metric::Listener(via, _) => format!("{role}: connections over {}", via.text),
        Metric::Pending(via, _) => format!("{role}: waiting at {}", via.text),
        Metric::Link(client, via, _) if via.text.is_empty() => format!("{client} → {role}"),
        Metric::Link(client, via, _) => format!("{client} → {role} over {}", via.text),
    };
    vec![
        growth,
        end(|(first, _)| first),
        end(|(_, last)| last),
        match row.grows() {
            Some(growth) => format!("{} {}", sparkline(&row.values), word(growth)),
            None => sparkline(&row.values),
        },
        what,
    ]
}

/// A bar for each capture, or for the highest of several; a blank where nothing is known.
fn sparkline(values: &[Option<u64>]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let each = values.len().div_ceil(SPARKS).max(1);
    let values: Vec<Option<u64>> = values
        .chunks(each)
        .map(|some| some.iter().flatten().max().copied())
        .collect();
    let known = || values.iter().flatten();
    let low = known().min().copied().unwrap_or(0);
    let span = known().max().copied().unwrap_or(0) - low;
    let bar = |value: u64| match (u128::from(value - low) * 7).checked_div(span.into()) {
        Some(step) => BARS[usize::try_from(step).unwrap_or(7).min(7)],
        None => BARS[0],
    };
    values.iter().map(|value| value.map_or(' ', bar)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines() {
        let known =
            |values: &[u64]| sparkline(&values.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(known(&[0, 1, 2, 3, 4, 5, 6, 7]), "▁▂▃▄▅▆▇█");
        assert_eq!(known(&[5, 5]), "▁▁");
        assert_eq!(sparkline(&[Some(1), None, Some(u64::MAX)]), "▁ █");
        assert_eq!(known(&(0..400).collect::<Vec<_>>()).chars().count(), 40);
        assert_eq!(sparkline(&[]), "");
    }
}
