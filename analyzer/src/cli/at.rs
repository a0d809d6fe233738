//! The value of `--at` and `--since`: which capture of a series.

use anyhow::{Result, anyhow};
use time::format_description::parse_borrowed;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, Time};
use whotalks::model::At;

/// Parses a number, `last`, `all`, a time of day in UTC or a time as in RFC 3339.
pub(crate) fn parse(text: &str) -> Result<At> {
    if text == "last" {
        return Ok(At::Last);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Ok(At::Number(number));
    }
    if text == "all" {
        return Ok(At::All);
    }
    if let Some(ns) = time_of_day(text) {
        return Ok(At::Day(ns));
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        anyhow!("expected a number, last, all, or a time as 17:05 or 2026-11-22T17:05:00Z")
    })?;
    // A time in whole seconds includes the captures that began within its second.
    let rest = if time.nanosecond() == 0 {
        999_999_999
    } else {
        0
    };
    let ns = time.unix_timestamp_nanos() + rest;
    // A time beyond 64 bits is after all captures.
    Ok(At::Time(u64::try_from(ns.max(0)).unwrap_or(u64::MAX)))
}

/// `17:05` or `17:05:30` as nanoseconds since midnight. A capture that began within that minute or
/// second counts, so the result is the last nanosecond of it.
fn time_of_day(text: &str) -> Option<u64> {
    let formats = [("[hour]:[minute]", 60), ("[hour]:[minute]:[second]", 1)];
    formats.into_iter().find_map(|(format, unit_seconds)| {
        let format = parse_borrowed::<2>(format).ok()?;
        let (hour, minute, second) = Time::parse(text, &format).ok()?.as_hms();
        let seconds = (u64::from(hour) * 60 + u64::from(minute)) * 60 + u64::from(second);
        Some((seconds + unit_seconds) * 1_000_000_000 - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let minute = |minutes: u64| Some(minutes * 60_000_000_000 - 1);
        assert_eq!(time_of_day("00:00"), minute(1));
        assert_eq!(time_of_day("17:05"), minute(17 * 60 + 6));
        assert_eq!(time_of_day("17:05:59"), minute(17 * 60 + 6));
        for bad in [
            "24:00",
            "17:60",
            "7:05",
            "17:05:",
            "17:05:61",
            "17:05:60",
            "+7:05",
            " 7:05",
            "17",
            "-1:00",
            "17:05:00:00",
        ] {
            assert_eq!(time_of_day(bad), None, "{bad}");
        }
    }
}
