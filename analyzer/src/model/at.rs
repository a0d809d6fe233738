//! Selection of a capture by number, time or time of day: the value of `--at`.

/// Nanoseconds of a day and of a minute.
pub(super) const DAY_NS: u64 = 86_400_000_000_000;
const MINUTE_NS: u64 = 60_000_000_000;

/// Selects a capture of a series: the value of `--at`. A series is all captures of one boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum At {
    /// The latest.
    #[default]
    Last,
    /// By number, from 1 in order of time; negative numbers count from the end (-1: the latest).
    Number(i64),
    /// The latest that started no later than this time: wall clock, nanoseconds since 1970.
    Time(u64),
    /// The same by time of day (UTC), nanoseconds since midnight: on the last day of the series, or on
    /// the day before if the series ends before that time.
    Day(u64),
    /// All of them, merged into one map; the latest where only one capture can be used.
    All,
}

impl At {
    /// The index of the selected capture, of captures that started at these times, in ascending order.
    pub fn pick(self, times: &[u64]) -> Option<usize> {
        // The latest that started no later than `ns`.
        let by = |ns: u64| times.iter().rposition(|time| *time <= ns);
        let index = match self {
            Self::Last | Self::All => times.len().checked_sub(1)?,
            Self::Number(number) => {
                let back = usize::try_from(number.unsigned_abs()).ok()?;
                if number > 0 {
                    back - 1
                } else {
                    times.len().checked_sub(back)?
                }
            }
            Self::Time(ns) => by(ns)?,
            Self::Day(ns) => {
                let last = *times.last()?;
                let midnight = last - last % DAY_NS;
                let time = midnight.saturating_add(ns);
                let before = || by(time.checked_sub(DAY_NS)?);
                // A time after the end of the series belongs to the day before, unless it is in the
                // minute of the last capture.
                let is_reached = time <= last.saturating_add(MINUTE_NS);
                let found = if is_reached { None } else { before() };
                found.or_else(|| by(time))?
            }
        };
        (index < times.len()).then_some(index)
    }
}
