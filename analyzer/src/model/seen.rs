//! In which captures of a series each item of the map was present.

/// Numbers of captures, from 0 in order of time, as runs of adjacent ones: the latest run first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captures(Vec<(u32, u32)>);

impl Captures {
    /// Adds a capture that is not later than those added before.
    pub(crate) fn add_earlier(&mut self, capture: u32) {
        match self.0.last_mut() {
            Some((first, _)) if *first <= capture + 1 => *first = capture.min(*first),
            _ => self.0.push((capture, capture)),
        }
    }

    /// Adds all captures of another set.
    pub fn merge(&mut self, other: &Self) {
        if self.0 == other.0 {
            return;
        }
        let mut runs: Vec<(u32, u32)> = self.0.iter().chain(&other.0).copied().collect();
        runs.sort_unstable_by_key(|(_, last)| std::cmp::Reverse(*last));
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(runs.len());
        for (first, last) in runs {
            match merged.last_mut() {
                Some((before, _)) if *before <= last + 1 => *before = first.min(*before),
                _ => merged.push((first, last)),
            }
        }
        self.0 = merged;
    }

    /// How many they are.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// The first and the last one.
    pub fn span(&self) -> Option<(u32, u32)> {
        let ((first, _), (_, last)) = self.0.last().zip(self.0.first())?;
        Some((*first, *last))
    }
}

/// The captures of each item, by index into the map's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// By host: when its captures started, wall clock, nanoseconds since 1970; 0: not known.
    pub started_at_ns: Vec<Vec<u64>>,
    /// By process.
    pub processes: Vec<Captures>,
    /// By socket.
    pub sockets: Vec<Captures>,
    /// By connection.
    pub connections: Vec<Captures>,
    /// By pipe.
    pub pipes: Vec<Captures>,
}

impl Seen {
    /// The number of captures of the longest series.
    pub fn captures(&self) -> usize {
        self.started_at_ns.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The captures of the rows whose flag is set.
    #[must_use]
    pub(crate) fn retain(
        &self,
        processes: &[bool],
        sockets: &[bool],
        connections: &[bool],
        pipes: &[bool],
    ) -> Self {
        let retain = |captures: &[Captures], keep: &[bool]| -> Vec<Captures> {
            let kept = captures.iter().zip(keep).filter(|(_, keep)| **keep);
            kept.map(|(captures, _)| captures.clone()).collect()
        };
        Self {
            started_at_ns: self.started_at_ns.clone(),
            processes: retain(&self.processes, processes),
            sockets: retain(&self.sockets, sockets),
            connections: retain(&self.connections, connections),
            pipes: retain(&self.pipes, pipes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(numbers: &[u32]) -> Captures {
        let mut captures = Captures::default();
        for number in numbers.iter().rev() {
            captures.add_earlier(*number);
        }
        captures
    }

    #[test]
    fn unions_count_each_capture_once() {
        let check = |one: &[u32], other: &[u32], count: u32, span: Option<(u32, u32)>| {
            let mut union = captures(one);
            union.merge(&captures(other));
            assert_eq!((union.count(), union.span()), (count, span));
            let mut mirrored = captures(other);
            mirrored.merge(&captures(one));
            assert_eq!(mirrored, union);
        };
        check(&[], &[], 0, None);
        check(&[3], &[], 1, Some((3, 3)));
        check(&[0, 1, 2], &[4], 4, Some((0, 4)));
        check(&[0, 1, 2], &[3, 7, 8], 6, Some((0, 8)));
        check(&[0, 2, 4], &[1, 3], 5, Some((0, 4)));
        check(&[5, 6, 7], &[6], 3, Some((5, 7)));
        assert_eq!(captures(&[2, 2, 3]), captures(&[2, 3]));
    }
}
