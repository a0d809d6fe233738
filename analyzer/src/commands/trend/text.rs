//! Text output of `trend`: a table with sparklines.

use std::io::Write;

use anyhow::Result;
use whotalks::export::rfc3339;
use whotalks::trend::{Growth, Metric, Row, Trend};

use super::row::IgnoredCounts;
use crate::terminal::{self, count, noise, plural, visible_rows};

/// Characters of a sparkline.
const SPARKLINE_CHARS: usize = 40;

pub(super) fn write(
    out: &mut dyn Write,
    trend: &Trend,
    rows: &[Row],
    ignored: &IgnoredCounts,
    logs: Option<String>,
    all: bool,
) -> Result<()> {
    // A link is left out if the row of its listener has the same numbers.
    let mut rows: Vec<&Row> = rows.iter().filter(|row| !is_redundant(row, rows)).collect();
    // Steady growth comes first, however slow.
    let steady = |row: &Row| row.grows() == Some(Growth::Steady);
    rows.sort_by_key(|row| std::cmp::Reverse((steady(row), row.growth().unsigned_abs())));
    let visible = visible_rows(rows.len(), all);
    writeln!(out, "{}", heading(trend))?;
    let cells: Vec<Vec<String>> = rows[..visible].iter().map(|row| cells(row)).collect();
    if !cells.is_empty() {
        terminal::print(out, "GROWTH>|RATE>|FIRST>|LAST>|TREND|WHAT", &cells)?;
    }
    write_footer(out, trend, &rows, rows.len() - visible, ignored, logs)
}

/// `web1, 2026-11-22T20:26:59–20:27:37Z, 20 captures`
fn heading(trend: &Trend) -> String {
    let captures = plural(trend.captures().len(), "capture", "captures");
    let time = |ns: u64| {
        let text = rfc3339(ns);
        match text.split_once('.') {
            Some((seconds, _)) => format!("{seconds}Z"),
            None => text,
        }
    };
    let mut known = trend.captures().iter().flatten().copied();
    let Some(first) = known.next() else {
        return format!("{}, {captures}", trend.host());
    };
    let (first, last) = (time(first), time(known.next_back().unwrap_or(first)));
    let times = match (first.split_once('T'), last.split_once('T')) {
        (Some((day, from)), Some((last_day, to))) if day == last_day => {
            format!("{day}T{}–{to}", from.trim_end_matches('Z'))
        }
        _ => format!("{first}–{last}"),
    };
    format!("{}, {times}, {captures}", trend.host())
}

/// The usual time between two captures, in seconds; `None`: not known.
fn interval_seconds(trend: &Trend) -> Option<u64> {
    let known: Vec<u64> = trend.captures().iter().copied().flatten().collect();
    let steps = known.windows(2).map(|two| two[1].saturating_sub(two[0]));
    let mut steps: Vec<u64> = steps.collect();
    steps.sort_unstable();
    Some(steps.get(steps.len() / 2)? / 1_000_000_000)
}

/// A rate of change: `+58/min`, `+4/h`.
fn rate(row: &Row) -> String {
    const PER_MINUTE: f64 = 60.0;
    let Some(per_hour) = row.per_hour() else {
        return "?".to_owned();
    };
    let (rate, unit) = match per_hour.abs() >= 2.0 * PER_MINUTE {
        true => (per_hour / PER_MINUTE, "min"),
        false => (per_hour, "h"),
    };
    match rate.round() {
        0.0 => "0".to_owned(),
        rate => format!("{rate:+}/{unit}"),
    }
}

/// Writes what the rows leave out.
fn write_footer(
    out: &mut dyn Write,
    trend: &Trend,
    rows: &[&Row],
    more: usize,
    ignored: &IgnoredCounts,
    logs: Option<String>,
) -> Result<()> {
    let mut hidden = Vec::new();
    if more > 0 {
        let more = plural(more, "more row", "more rows");
        hidden.push(format!("{more} (--all)."));
    }
    let captures = plural(trend.captures().len(), "capture", "captures");
    let has_gap = rows.iter().any(|row| row.values.contains(&None));
    let mut left_out = Vec::new();
    if ignored.still > 0 {
        let rows = plural(ignored.still, "row", "rows");
        left_out.push(format!("{rows} did not move"));
    }
    if ignored.small > 0 || ignored.short_lived > 0 {
        let noise = noise(ignored.short_lived, ignored.small);
        left_out.push(format!("{noise} ignored"));
    }
    hidden.push(match left_out.is_empty() {
        true => format!("{captures}."),
        false => format!("{captures}; {} (--all).", left_out.join(", ")),
    });
    hidden.extend(logs);
    const LONG_SECONDS: u64 = 10;
    if let Some(seconds) = interval_seconds(trend).filter(|s| *s >= LONG_SECONDS) {
        hidden.push(format!(
            "What came and went within the {seconds} s between two captures is not seen."
        ));
    }
    let gap = "A gap is a capture in which it could not be read.";
    let unknown = has_gap.then(|| gap.to_owned());
    terminal::print_footer(out, &hidden, unknown.as_slice())
}

/// Whether a row is of the only link of a listener that has a row itself.
fn is_redundant(row: &Row, rows: &[Row]) -> bool {
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
    let size = count(row.growth().unsigned_abs());
    let growth = match (row.ends(), row.growth()) {
        (None, _) => "?".to_owned(),
        (_, 0) => "0".to_owned(),
        (_, 1..) => format!("+{size}"),
        _ => format!("-{size}"),
    };
    let (first, last) = match row.ends() {
        Some((first, last)) => (count(first), count(last)),
        None => ("?".to_owned(), "?".to_owned()),
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
        rate(row),
        first,
        last,
        match row.grows() {
            Some(growth) => format!("{} {}", sparkline(&row.values), growth.as_str()),
            None => sparkline(&row.values),
        },
        what,
    ]
}

/// A bar for each capture, or for the highest of several; a space if the value is unknown.
fn sparkline(values: &[Option<u64>]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let captures_per_bar = values.len().div_ceil(SPARKLINE_CHARS).max(1);
    let chunks = values.chunks(captures_per_bar);
    let values = chunks.map(|chunk| chunk.iter().flatten().max().copied());
    let values: Vec<Option<u64>> = values.collect();
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
