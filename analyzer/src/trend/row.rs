//! The rows of a trend: one metric of one group, with its value in each capture.

use std::sync::Arc;

use super::growth::{Growth, Sample, growth, rate_per_hour};
use crate::query::{LinkKind, Via};

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Processes of a group.
    Processes,
    /// Descriptors of a kind in all processes of a group.
    Descriptors(Box<str>),
    /// Conversations over a listener of a group, by all clients.
    Listener(Via, LinkKind),
    /// Conversations waiting to be accepted at a listener of a group.
    Pending(Via, LinkKind),
    /// Conversations of a client's group (the first field) with a group, over a listener or none.
    Link(String, Via, LinkKind),
}

/// One metric in every capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is counted.
    pub what: Metric,
    /// The label of the group, printable; of conversations the server's.
    pub role: String,
    /// The value in each capture; `None`: not known.
    pub values: Vec<Option<u64>>,
    /// When each capture began, in nanoseconds since 1970; `None`: it is lost.
    pub times: Arc<[Option<u64>]>,
    /// Descriptors whose number did not change significantly.
    pub is_small: bool,
}

impl Row {
    /// The first and the last known value.
    pub fn ends(&self) -> Option<(u64, u64)> {
        let mut known = self.values.iter().flatten();
        let first = *known.next()?;
        Some((first, known.next_back().copied().unwrap_or(first)))
    }

    /// The last known value minus the first.
    pub fn growth(&self) -> i64 {
        let (first, last) = self.ends().unwrap_or_default();
        let size = i64::try_from(first.abs_diff(last)).unwrap_or(i64::MAX);
        if last < first { -size } else { size }
    }

    /// Whether the known values rise and never fall.
    pub fn is_rising(&self) -> bool {
        self.known().is_sorted() && self.growth() > 0
    }

    /// How the known values grow, as the rules over time define growth.
    pub fn grows(&self) -> Option<Growth> {
        growth(&self.samples().unwrap_or_else(|| self.evenly_spaced()))
    }

    /// The robust rate of change; `None`: the times are not known, or there are none.
    pub fn per_hour(&self) -> Option<f64> {
        rate_per_hour(&self.samples()?)
    }

    /// The known values with their times; `None`: a time is lost.
    fn samples(&self) -> Option<Vec<Sample>> {
        let both = self.times.iter().zip(&self.values);
        let known = both.filter_map(|(at_ns, count)| Some((*at_ns, (*count)?)));
        let samples = known.map(|(at_ns, count)| {
            Some(Sample {
                at_ns: at_ns?,
                count,
            })
        });
        samples.collect()
    }

    /// The known values, as if the captures were a second apart.
    fn evenly_spaced(&self) -> Vec<Sample> {
        let values = (0..).zip(&self.values);
        let known = values.filter_map(|(second, count)| {
            let (at_ns, count) = (second * 1_000_000_000, (*count)?);
            Some(Sample { at_ns, count })
        });
        known.collect()
    }

    /// Whether the known values differ.
    pub fn moves(&self) -> bool {
        let mut known = self.values.iter().flatten();
        let first = known.next();
        known.any(|value| Some(value) != first)
    }

    fn known(&self) -> Vec<u64> {
        self.values.iter().copied().flatten().collect()
    }
}
