//! The captures of a series as a table, with times as precise as needed to tell them apart.

use std::io::Write;

use anyhow::Result;

use super::file_summary::{CaptureSummary, FileSummary};
use crate::terminal::{self, count};

/// Writes a row for each capture, if there are several.
pub(super) fn write(out: &mut dyn Write, file: &FileSummary) -> Result<()> {
    if file.series.len() < 2 {
        return Ok(());
    }
    let captures = file.series.iter();
    let times = captures.clone();
    let times = times.filter_map(|capture| capture.started_at.as_deref());
    let digits = digits_needed(&times.collect::<Vec<_>>());
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    let row = |capture: &CaptureSummary| {
        let started_at = capture.started_at.as_deref();
        let note = match (capture.whole, capture.based) {
            (false, _) => "LOST, at least in part",
            (true, true) => "",
            (true, false) => "stands alone",
        };
        vec![
            capture.number.to_string(),
            or_unknown(started_at.map(|time| truncate(time, digits))),
            count(capture.stored_bytes),
            or_unknown(capture.pids.map(count)),
            or_unknown(capture.descriptors.map(count)),
            or_unknown(capture.unix_sockets.map(count)),
            note.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = captures.map(row).collect();
    let heading = "CAPTURE>|STARTED|BYTES>|PIDS>|FDS>|UNIX SOCKETS>|NOTE";
    writeln!(out)?;
    terminal::print_marked(out, heading, &rows, |column, cell| {
        column == 6 && cell.starts_with("LOST")
    })
}

/// A time to the second: `2026-11-22 17:00:00Z`.
pub(super) fn seconds(time: &str) -> String {
    truncate(time, 0)
}

/// A time of RFC 3339 with so many digits of its fraction.
fn truncate(time: &str, digits: usize) -> String {
    let time = time.replace('T', " ");
    let time = time.trim_end_matches('Z');
    match time.split_once('.') {
        Some((whole, fraction)) if digits > 0 => {
            let fraction: String = fraction.chars().take(digits).collect();
            format!("{whole}.{fraction}Z")
        }
        Some((whole, _)) => format!("{whole}Z"),
        None => format!("{time}Z"),
    }
}

/// Digits of the fraction that distinguish successive times: 0, 3, 6 or 9.
fn digits_needed(times: &[&str]) -> usize {
    let distinguish = |digits: &usize| {
        let mut pairs = times.windows(2);
        pairs.all(|pair| {
            pair[0] == pair[1] || truncate(pair[0], *digits) != truncate(pair[1], *digits)
        })
    };
    [0, 3, 6].into_iter().find(distinguish).unwrap_or(9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_as_many_digits_as_needed() {
        let (first, second) = (
            "2026-11-22T17:00:00.123456789Z",
            "2026-11-22T17:00:01.123456789Z",
        );
        let (tenth_later, next_ns) = (
            "2026-11-22T17:00:00.223456789Z",
            "2026-11-22T17:00:00.123456790Z",
        );
        assert_eq!(digits_needed(&[first, second]), 0);
        assert_eq!(digits_needed(&[first, tenth_later, second]), 3);
        assert_eq!(digits_needed(&[first, next_ns]), 9);
        assert_eq!(digits_needed(&[first, first]), 0);
        assert_eq!(truncate(first, 0), "2026-11-22 17:00:00Z");
        assert_eq!(truncate(first, 3), "2026-11-22 17:00:00.123Z");
        assert_eq!(truncate("@99999999999", 3), "@99999999999Z");
    }
}
