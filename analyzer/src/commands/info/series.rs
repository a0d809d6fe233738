//! The captures of a series, and times as long as tells them apart.

use std::io::Write;

use anyhow::Result;

use super::File;
use crate::table::{self, Align, thousands};

/// The captures of a series, one on a line.
pub(super) fn series(out: &mut dyn Write, file: &File) -> Result<()> {
    if file.series.len() < 2 {
        return Ok(());
    }
    let heading = [
        ("CAPTURE", Align::Right),
        ("STARTED", Align::Left),
        ("BYTES", Align::Right),
        ("PIDS", Align::Right),
        ("FDS", Align::Right),
        ("UNIX SOCKETS", Align::Right),
        ("NOTE", Align::Left),
    ];
    let times: Vec<&str> = file
        .series
        .iter()
        .filter_map(|capture| capture.started_at.as_deref())
        .collect();
    let digits = digits(&times);
    let some = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), grouped);
    let rows: Vec<Vec<String>> = file
        .series
        .iter()
        .map(|capture| {
            let note = match (capture.whole, capture.based) {
                (false, _) => "LOST, at least in part",
                (true, true) => "",
                (true, false) => "stands alone",
            };
            vec![
                capture.number.to_string(),
                capture
                    .started_at
                    .as_deref()
                    .map_or_else(|| "?".to_owned(), |time| until(time, digits)),
                grouped(capture.stored_bytes),
                some(capture.pids),
                some(capture.descriptors),
                some(capture.unix_sockets),
                note.to_owned(),
            ]
        })
        .collect();
    writeln!(out)?;
    table::print_marked(out, &heading, &rows, |column, cell| {
        column == 6 && cell.starts_with("LOST")
    })
}

fn grouped(number: u64) -> String {
    thousands(usize::try_from(number).unwrap_or(usize::MAX))
}

/// A time to the second: what people compare; the document has the rest.
pub(super) fn seconds(time: &str) -> String {
    until(time, 0)
}

/// A time with so many digits of its fraction.
fn until(time: &str, digits: usize) -> String {
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

/// How many digits of a second tell times apart that follow each other: none, 3, 6 or 9.
fn digits(times: &[&str]) -> usize {
    let tells = |digits: &usize| {
        let mut pairs = times.windows(2);
        pairs.all(|pair| pair[0] == pair[1] || until(pair[0], *digits) != until(pair[1], *digits))
    };
    [0, 3, 6].into_iter().find(tells).unwrap_or(9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_long_as_tells_them_apart() {
        let (one, two) = (
            "2026-11-22T17:00:00.123456789Z",
            "2026-11-22T17:00:01.123456789Z",
        );
        let (soon, at_once) = (
            "2026-11-22T17:00:00.223456789Z",
            "2026-11-22T17:00:00.123456790Z",
        );
        assert_eq!(digits(&[one, two]), 0);
        assert_eq!(digits(&[one, soon, two]), 3);
        assert_eq!(digits(&[one, at_once]), 9);
        assert_eq!(digits(&[one, one]), 0);
        assert_eq!(until(one, 0), "2026-11-22 17:00:00Z");
        assert_eq!(until(one, 3), "2026-11-22 17:00:00.123Z");
        assert_eq!(until("@99999999999", 3), "@99999999999Z");
    }
}
