//! Defines growth of a count over time, for `trend` and for the rules over time.
//!
//! The slope is that of Theil and Sen (the median of the slopes between all pairs), which a few dips or
//! peaks do not move. It counts as growth if it is large against the noise around it, if it goes on to
//! the end, and if most of what was gained was never given back: a start levels off, a cache or a
//! collector of garbage falls again.

use std::cmp::Ordering;

/// Minimum rise between two captures; it must also be half of the first count.
const MIN_JUMP: u64 = 100;
/// Minimum rise over several captures, and over many.
const MIN_STEADY_RISE: f64 = 24.0;
const MIN_LONG_RISE: f64 = 12.0;
/// So many captures are many.
const LONG: usize = 10;
/// A longer series is reduced to at most so many medians, which also removes most of its jitter.
const MAX_POINTS: usize = 32;
/// How many standard errors of a slope a rise must have.
const MIN_ERRORS: f64 = 3.5;
/// At most this part of a rise may be given back in between.
const MAX_FALL: f64 = 0.3;
/// The slope of the last half must be at least this part of the whole slope.
const LAST_HALF: f64 = 0.25;

/// A count and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When it was counted, in nanoseconds of any one clock.
    pub at_ns: u64,
    /// The count.
    pub count: u64,
}

/// How a count grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Over several captures up to the end, as a leak does.
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

/// Classifies the counts of consecutive captures, in order of time.
pub fn growth(samples: &[Sample]) -> Option<Growth> {
    if let [first, last] = samples {
        let rise = last.count.saturating_sub(first.count);
        let is_jump = rise >= MIN_JUMP && rise.saturating_mul(2) >= first.count;
        return is_jump.then_some(Growth::Jump);
    }
    let points = points(samples);
    let (first, last) = (points.first()?, points.last()?);
    let slope = slope(&points).filter(|slope| *slope > 0.0)?;
    let rise = slope * (last.0 - first.0);
    let min_rise = match samples.len() < LONG {
        true => MIN_STEADY_RISE,
        false => MIN_LONG_RISE,
    };
    // The standard error of the slope of a line through evenly spaced points, as a rise.
    let error = noise(&points, slope) * (12.0 / points.len() as f64).sqrt();
    let is_steady = rise >= min_rise
        && rise >= MIN_ERRORS * error
        && drawdown(&points) <= MAX_FALL * rise
        && goes_on(&points, slope);
    is_steady.then_some(Growth::Steady)
}

/// The robust rate of change of a count; `None`: no time passes.
pub fn rate_per_hour(samples: &[Sample]) -> Option<f64> {
    Some(slope(&points(samples))? * 3600.0)
}

/// Seconds since the first sample, and a count.
type Point = (f64, f64);

/// At most [`MAX_POINTS`] points: the samples, or medians of as many consecutive ones each.
fn points(samples: &[Sample]) -> Vec<Point> {
    let start_ns = samples.first().map_or(0, |first| first.at_ns);
    let per_point = samples.len().div_ceil(MAX_POINTS).max(1);
    let chunks = samples.chunks(per_point);
    let points = chunks.map(|chunk| {
        let middle_ns = chunk[chunk.len() / 2].at_ns.saturating_sub(start_ns);
        let counts = chunk.iter().map(|sample| sample.count as f64);
        (middle_ns as f64 / 1e9, median(counts.collect()))
    });
    points.collect()
}

/// The slope of Theil and Sen, per second.
fn slope(points: &[Point]) -> Option<f64> {
    let mut slopes = Vec::new();
    for (index, (time, count)) in points.iter().enumerate() {
        let later = points[index + 1..].iter();
        let later = later.filter(|(later, _)| later > time);
        slopes.extend(later.map(|(later, other)| (other - count) / (later - time)));
    }
    (!slopes.is_empty()).then(|| median(slopes))
}

/// The standard deviation of the points around their line, estimated from the median of the distances;
/// of few points, half of which the line may touch, from their mean if that is larger.
fn noise(points: &[Point], slope: f64) -> f64 {
    const FEW: usize = 8;
    let heights: Vec<f64> = points.iter().map(|(time, y)| y - slope * time).collect();
    let intercept = median(heights.clone());
    let distances: Vec<f64> = heights.iter().map(|y| (y - intercept).abs()).collect();
    let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    // Of a normal distribution.
    let of_median = 1.4826 * median(distances);
    match points.len() < FEW {
        true => of_median.max(1.2533 * mean),
        false => of_median,
    }
}

/// The largest fall from any point to a later one. A single point is no fall.
fn drawdown(points: &[Point]) -> f64 {
    let threes = points.windows(3);
    let smooth = threes.map(|three| median(three.iter().map(|(_, count)| *count).collect()));
    let (mut highest, mut fall) = (f64::NEG_INFINITY, 0.0_f64);
    for count in smooth {
        highest = highest.max(count);
        fall = fall.max(highest - count);
    }
    fall
}

/// Whether a rise goes on to the end: the last half rises too, and the last highest count is not so
/// long ago that it would be by far the longest pause.
fn goes_on(points: &[Point], whole: f64) -> bool {
    let last_half = slope(&points[points.len() / 2..]);
    let mut highest = f64::NEG_INFINITY;
    let mut highest_at = 0.0;
    let mut longest_pause = 0.0_f64;
    for (time, count) in points {
        if *count > highest {
            longest_pause = longest_pause.max(time - highest_at);
            (highest, highest_at) = (*count, *time);
        }
    }
    let pause = points.last().map_or(0.0, |(time, _)| time - highest_at);
    last_half.is_some_and(|slope| slope >= LAST_HALF * whole)
        && pause < 2.0 * longest_pause * (1.0 - f64::EPSILON)
}

/// The median; 0 of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    let compare = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
    values.sort_unstable_by(compare);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A count each minute.
    fn minutes(counts: impl IntoIterator<Item = u64>) -> Vec<Sample> {
        let counts = (0..).zip(counts);
        let samples = counts.map(|(minute, count)| Sample {
            at_ns: minute * 60_000_000_000,
            count,
        });
        samples.collect()
    }

    /// Pseudorandom numbers below a limit.
    fn jitter(below: u64) -> impl FnMut() -> u64 {
        let mut state = 42_u64;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        }
    }

    #[test]
    fn few_captures() {
        for (course, expected) in [
            (&[20, 60, 90, 120][..], Some(Growth::Steady)),
            (&[20, 120, 120, 120], None),
            (&[20, 120, 125], None),
            (&[20, 60, 100], Some(Growth::Steady)),
            (&[20, 60, 30, 70], None),
            (&[20, 22, 24, 26], None),
            // In steps.
            (&[20, 20, 50, 50, 80, 80, 110, 110], Some(Growth::Steady)),
            (&[20, 20, 20, 50, 50, 50, 80, 80, 80], Some(Growth::Steady)),
            // One capture saw a dip.
            (&[20, 50, 80, 30, 140, 170, 200], Some(Growth::Steady)),
            (&[20, 300], Some(Growth::Jump)),
            (&[1_000, 1_100], None),
            (&[u64::MAX, 0, u64::MAX], None),
            (&[0, u64::MAX], Some(Growth::Jump)),
            (&[7], None),
            (&[], None),
        ] {
            let found = growth(&minutes(course.iter().copied()));
            assert_eq!(found, expected, "{course:?}");
        }
    }

    #[test]
    fn a_leak_shows_through_jitter_and_dips() {
        for count in [12, 20, 100, 1_440] {
            // A rise by 100 under jitter of 40 peak to peak.
            let mut noise = jitter(40);
            let leak = (0..count).map(|at| 50 + 100 * at / count + noise());
            assert_eq!(growth(&minutes(leak)), Some(Growth::Steady), "{count}");
            // Each seventh capture falls into a restart.
            let dips = (0..count).map(|at| match at % 7 {
                5 => 3,
                _ => 50 + 100 * at / count,
            });
            assert_eq!(growth(&minutes(dips)), Some(Growth::Steady), "{count}");
        }
        // Slow, in steps of one.
        let slow = (0..40).map(|at| 50 + at / 2);
        assert_eq!(growth(&minutes(slow)), Some(Growth::Steady));
        // Faster and faster.
        let doubling = (0..9).map(|at| 20 + (1 << at));
        assert_eq!(growth(&minutes(doubling)), Some(Growth::Steady));
    }

    #[test]
    fn what_levels_off_or_comes_back_is_no_growth() {
        for count in [12, 20, 100, 1_440_u64] {
            let none = |course: &dyn Fn(u64) -> u64, what: &str| {
                let samples = minutes((0..count).map(course));
                assert_eq!(growth(&samples), None, "{what}, {count}");
            };
            none(&|at| 50 + (600 * at / count).min(200), "a ramp of a third");
            none(
                &|at| 50 + (300 * at / count).min(200),
                "a ramp of two thirds",
            );
            none(
                &|at| 50 + 200 * (at % (count / 4)) / count,
                "teeth of a saw",
            );
            none(&|at| 50 + 200 * (at % (count / 2)) / count, "two teeth");
            none(
                &|at| {
                    let phase = at as f64 / count as f64 * 3.0 * std::f64::consts::TAU;
                    (100.0 + 50.0 * phase.sin()) as u64
                },
                "three days",
            );
            none(&|_| 70, "a level");
            none(&|at| if at < count / 2 { 50 } else { 150 }, "one step");
            let mut noise = jitter(60);
            let jitters = minutes((0..count).map(|_| 50 + noise()));
            assert_eq!(growth(&jitters), None, "jitter, {count}");
        }
    }

    #[test]
    fn rates() {
        let rate = |counts: &[u64]| rate_per_hour(&minutes(counts.iter().copied()));
        assert_eq!(rate(&[20, 22, 24, 26]), Some(120.0));
        assert_eq!(rate(&[20, 22, 0, 26, 28]), Some(120.0));
        assert_eq!(rate(&[5, 4]), Some(-60.0));
        assert_eq!(rate(&[5]), None);
        assert_eq!(rate(&[]), None);
        let same_time = [Sample { at_ns: 1, count: 5 }; 3];
        assert_eq!(rate_per_hour(&same_time), None);
        assert_eq!(growth(&same_time), None);
    }
}
