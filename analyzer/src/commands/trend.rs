//! `whotalks trend`: what grew or shrank over a series of captures.

use std::io::{IsTerminal, Write};

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use whotalks::export::{csv, rfc3339};
use whotalks::load::Loaded;
use whotalks::model::{At, build_at, series};
use whotalks::query::{Via, restrict};
use whotalks::trend::{Row, Trend as Answer, What};

use crate::Outcome;
use crate::cli::{TableFormat, Trend};
use crate::style;
use crate::table::{self, Align, plural, thousands};
use crate::{input, output};

/// Rows of text without `--all`.
const ROWS: usize = 40;
/// Characters of a sparkline.
const SPARKS: usize = 40;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    by: String,
    captures: Vec<String>,
    rows: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    what: &'static str,
    role: String,
    client: Option<String>,
    via: Option<String>,
    kind: Option<String>,
    values: Vec<Option<u64>>,
    first: u64,
    last: u64,
    growth: i64,
    rising: bool,
}

pub(super) fn run(options: &Trend) -> Result<Outcome> {
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
    let captures = match &series(&loaded)[..] {
        [one] if one.captures().len() > 1 => one.captures().len(),
        [_] => bail!("a trend needs two captures or more, found one"),
        several => bail!("captures of {} boots; a trend is of one", several.len()),
    };
    let restriction = options.selection.restriction()?;
    let mut trend = Answer::new(options.by.into());
    let mut found = false;
    for number in 1..=captures {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let Some(map) = build_at(&loaded, At::Number(number)) else {
            continue;
        };
        let (map, matched) = restrict(map, &restriction);
        found |= matched;
        trend.add(&map);
    }
    if !found {
        eprintln!("whotalks: nothing matches");
        return Ok(Outcome::Found);
    }
    let mut rows = trend.rows();
    let all = rows.len();
    if !options.all {
        rows.retain(Row::moves);
    }
    let still = all - rows.len();
    output::stdout(|out| match options.format {
        TableFormat::Text => text(out, &trend, &rows, still, options.all),
        TableFormat::Json => json(out, &trend, &rows, options),
        TableFormat::Csv => sheet(out, &rows),
    })?;
    Ok(Outcome::Done)
}

fn line(row: &Row) -> Line {
    let via = |via: &Via| (!via.text.is_empty()).then(|| via.text.clone());
    let (what, client, via, kind) = match &row.what {
        What::Processes => ("processes", None, None, None),
        What::Descriptors(kind) => ("descriptors", None, None, Some(kind.to_string())),
        What::Listener(name) => ("listener", None, via(name), None),
        What::Pending(name) => ("pending", None, via(name), None),
        What::Link(client, name) => ("link", Some(client.clone()), via(name), None),
    };
    let (first, last) = row.ends().unwrap_or_default();
    Line {
        what,
        role: row.role.clone(),
        client,
        via,
        kind,
        values: row.values.clone(),
        first,
        last,
        growth: row.growth(),
        rising: row.is_rising(),
    }
}

fn json(out: &mut dyn Write, trend: &Answer, rows: &[Row], options: &Trend) -> Result<()> {
    let by = options.by.to_possible_value();
    let document = Document {
        schema: "whotalks-trend/1",
        by: by.map_or_else(String::new, |value| value.get_name().to_owned()),
        captures: trend.captures().iter().map(|at| rfc3339(*at)).collect(),
        rows: rows.iter().map(line).collect(),
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
            What::Listener(via) | What::Pending(via) | What::Link(_, via) => csv::name(via),
            What::Processes | What::Descriptors(_) => ("", ""),
        };
        let value = |value: &Option<u64>| value.map_or_else(|| "?".to_owned(), |v| v.to_string());
        let values: Vec<String> = line.values.iter().map(value).collect();
        let cells = [
            line.what,
            &line.role,
            line.client.as_deref().unwrap_or_default(),
            name_kind,
            name,
            line.kind.as_deref().unwrap_or_default(),
            &line.first.to_string(),
            &line.last.to_string(),
            &line.growth.to_string(),
            &line.rising.to_string(),
            &values.join(" "),
        ];
        csv::row(out, &cells)?;
    }
    Ok(())
}

fn text(out: &mut dyn Write, trend: &Answer, rows: &[Row], still: usize, all: bool) -> Result<()> {
    let all = all || !std::io::stdout().is_terminal();
    // A listener's row says what its only client's would.
    let mut rows: Vec<&Row> = rows.iter().filter(|row| !is_said(row, rows)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.growth().unsigned_abs()));
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
    let mut last = Vec::new();
    if shown < rows.len() {
        let hidden = plural(rows.len() - shown, "more row", "more rows");
        last.push(format!("{hidden} (--all)."));
    }
    let captures = plural(trend.captures().len(), "capture", "captures");
    let unknown = rows.iter().any(|row| row.values.contains(&None));
    last.push(match still {
        0 => format!("{captures}."),
        _ => format!(
            "{captures}; {} did not move (--all).",
            plural(still, "row", "rows")
        ),
    });
    if unknown {
        last.push(style::note(
            "A gap is a capture in which it could not be read.",
        ));
    }
    Ok(writeln!(out, "{}", last.join(" "))?)
}

/// Whether a link is all that there is to a listener that has a row of its own.
fn is_said(row: &Row, rows: &[Row]) -> bool {
    let What::Link(_, via) = &row.what else {
        return false;
    };
    rows.iter().any(|other| {
        matches!(&other.what, What::Listener(name) if name == via)
            && other.role == row.role
            && other.values == row.values
    })
}

fn cells(row: &Row) -> Vec<String> {
    let number = |count: u64| thousands(usize::try_from(count).unwrap_or(usize::MAX));
    let (first, last) = row.ends().unwrap_or_default();
    let growth = row.growth();
    let size = number(growth.unsigned_abs());
    let growth = match growth {
        0 => "0".to_owned(),
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    };
    let role = &row.role;
    let what = match &row.what {
        What::Processes => format!("{role}: processes"),
        What::Descriptors(kind) => format!("{role}: {kind} descriptors"),
        What::Listener(via) => format!("{role}: connections over {}", via.text),
        What::Pending(via) => format!("{role}: waiting at {}", via.text),
        What::Link(client, via) if via.text.is_empty() => format!("{client} → {role}"),
        What::Link(client, via) => format!("{client} → {role} over {}", via.text),
    };
    vec![
        growth,
        number(first),
        number(last),
        sparkline(&row.values),
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
