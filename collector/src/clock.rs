//! Reads the clocks of a capture, and formats a time for a file name.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::time::{ClockId, Timespec, clock_gettime};

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let part = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(part)
}

/// Whether [`read_time_ns`] is rounded.
static ROUND_READ_TIMES: AtomicBool = AtomicBool::new(false);
/// The unit of rounded times, about 17 ms. Multiples of a power of two compress well.
const READ_TIME_UNIT_NS: u64 = 1 << 24;

/// Rounds the times of single reads from now on. In a series of an idle machine these times are
/// most of what differs between two captures.
pub(crate) fn round_read_times() {
    ROUND_READ_TIMES.store(true, Ordering::Relaxed);
}

/// Returns the boot clock for the time of a read. If rounded, it is rounded up, so that no read
/// appears to precede the start of the capture.
pub(crate) fn read_time_ns() -> u64 {
    let now = boottime_ns();
    if ROUND_READ_TIMES.load(Ordering::Relaxed) {
        now.next_multiple_of(READ_TIME_UNIT_NS)
    } else {
        now
    }
}

/// Reads `CLOCK_BOOTTIME`, in nanoseconds. It counts time in suspend, as the start times in `stat`
/// do.
pub(crate) fn boottime_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Boottime))
}

/// Reads `CLOCK_REALTIME`, in nanoseconds since 1970.
pub(crate) fn realtime_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Realtime))
}

/// Formats a time of `CLOCK_REALTIME` as `YYYYMMDDTHHMMSSZ`.
pub(crate) fn compact_utc(realtime_ns: u64) -> String {
    let seconds = realtime_ns / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01 in eras of 400 years, so that leap days come last
    // (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_utc_matches_date() {
        // Each from `date -u -d @N +%Y%m%dT%H%M%SZ`.
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_795_374_052, "20261122T190052Z"),
            (4_107_542_399, "21000228T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(compact_utc(seconds * 1_000_000_000), expected);
        }
    }
}
