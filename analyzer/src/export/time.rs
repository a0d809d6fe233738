//! Times as RFC 3339 with nanoseconds, in UTC.

use time::OffsetDateTime;

/// `2026-11-22T17:00:00.123456789Z`; a time beyond the year 9999 as its number of seconds.
pub fn rfc3339(unix_ns: u64) -> String {
    match OffsetDateTime::from_unix_timestamp_nanos(unix_ns.into()) {
        Ok(at) if at.year() <= 9999 => format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.nanosecond()
        ),
        _ => format!("@{}", unix_ns / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_stay() {
        assert_eq!(
            rfc3339(1_795_366_800_123_456_789),
            "2026-11-22T17:00:00.123456789Z"
        );
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(u64::MAX), "2554-07-21T23:34:33.709551615Z");
    }
}
