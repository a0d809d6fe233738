//! Defines growth of a count over time, for `trend` and for the rules over time.

/// Minimum rise between two captures; it must also be half of the first count.
const MIN_JUMP: u64 = 100;
/// Minimum rise over several captures.
const MIN_STEADY_RISE: u64 = 24;

/// How a count grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// From capture to capture up to the end, as a leak does.
    Steady,
    /// Between the only two captures, by much; a start and a leak look alike.
    Jump,
}

impl Growth {
    /// The word for it in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Jump => "jump",
        }
    }
}

/// Classifies the counts of consecutive captures. A rise that levels off is a start, no growth.
pub fn growth(counts: &[u64]) -> Option<Growth> {
    let (first, last) = (*counts.first()?, *counts.last()?);
    let rise = last.saturating_sub(first);
    let steps = counts.len() - 1;
    if steps < 2 {
        return (rise >= MIN_JUMP && rise * 2 >= first).then_some(Growth::Jump);
    }
    let rising = counts.windows(2).filter(|two| two[1] > two[0]).count();
    let falling = counts.windows(2).any(|two| two[1] < two[0]);
    // It must still be rising at the end.
    let still_rising = counts[steps] > counts[steps - 1] || counts[steps - 1] > counts[steps - 2];
    let steady = rising >= 2 && rising * 2 >= steps && !falling && still_rising;
    (steady && rise >= MIN_STEADY_RISE).then_some(Growth::Steady)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_not_a_start() {
        for (course, expected) in [
            (&[20, 60, 90, 120][..], Some(Growth::Steady)),
            (&[20, 120, 120, 120], None),
            (&[20, 60, 30, 70], None),
            (&[20, 22, 24, 26], None),
            (&[20, 300], Some(Growth::Jump)),
            (&[1_000, 1_100], None),
            (&[7], None),
            (&[], None),
        ] {
            assert_eq!(growth(course), expected, "{course:?}");
        }
    }
}
