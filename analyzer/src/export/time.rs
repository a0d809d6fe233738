//! Times as RFC 3339 in UTC, with nine digits of the second's fraction.

use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

/// `2026-11-22T17:00:00.123456789Z`. Not `well_known::Rfc3339`, which drops trailing zeros.
pub fn rfc3339(unix_ns: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(unix_ns.into())
        .ok()
        .and_then(|time| time.format(&Iso8601::DEFAULT).ok())
        .unwrap_or_else(|| format!("@{}", unix_ns / 1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_digits_in_utc() {
        assert_eq!(
            rfc3339(1_795_366_800_123_456_789),
            "2026-11-22T17:00:00.123456789Z"
        );
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(u64::MAX), "2554-07-21T23:34:33.709551615Z");
    }
}
