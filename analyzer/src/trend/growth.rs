//! What is growth, in a course of counts: the same for `trend` and for the rules over time.

/// A rise between two captures that is worth a line: so many more, and half as many again.
const RISE: u64 = 100;
/// A rise over several captures, in every step but one.
const STEADY_RISE: u64 = 24;

/// How counts grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// From capture to capture, up to the end: what a leak looks like.
    Steady,
    /// Between two captures, by much; nothing tells a start from a leak.
    Jump,
}

/// Whether a course of counts is growth. Once up and then level is a start.
pub fn growth(course: &[u64]) -> Option<Growth> {
    let (first, last) = (*course.first()?, *course.last()?);
    let more = last.saturating_sub(first);
    let steps = course.len() - 1;
    if steps < 2 {
        return (more >= RISE && more * 2 >= first).then_some(Growth::Jump);
    }
    let rising = course.windows(2).filter(|two| two[1] > two[0]).count();
    let falling = course.windows(2).any(|two| two[1] < two[0]);
    // It must still be rising at the end.
    let still = course[steps] > course[steps - 1] || course[steps - 1] > course[steps - 2];
    let steady = rising >= 2 && rising * 2 >= steps && !falling && still;
    (steady && more >= STEADY_RISE).then_some(Growth::Steady)
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
