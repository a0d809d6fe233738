//! When the conversations of a link were seen, in a union of captures.

use crate::model::Captures;

/// The captures of a series in which at least one conversation of a link was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkSeen {
    captures: Captures,
    /// The number of captures of the series.
    pub of: u32,
    /// Start of the first of the captures, wall clock, nanoseconds since 1970; `None`: not known.
    pub first_ns: Option<u64>,
    /// Start of the last one.
    pub last_ns: Option<u64>,
}

impl LinkSeen {
    /// How many captures they are.
    pub fn count(&self) -> u32 {
        self.captures.count()
    }

    /// Adds the captures of a conversation, given when the captures of its host started.
    pub(super) fn add(&mut self, captures: &Captures, started_at_ns: &[u64]) {
        self.captures.merge(captures);
        let start = |number: u32| {
            let start = started_at_ns.get(number as usize).copied();
            start.filter(|ns| *ns != 0)
        };
        let span = captures.span();
        let (first, last) = span.map_or((None, None), |(first, last)| (start(first), start(last)));
        self.of = self.of.max(started_at_ns.len() as u32);
        self.first_ns = [self.first_ns, first].into_iter().flatten().min();
        self.last_ns = self.last_ns.max(last);
    }
}
