//! Whether the number of descriptors changed significantly over a series: `diff`'s rule for two
//! captures, applied to many.

use std::collections::BTreeMap;

use crate::diff::{is_significant, is_significant_replacement};

/// The number of descriptors of one kind in all processes of a group, without conversations.
#[derive(Debug, Clone, Default)]
pub(super) struct Significance {
    /// By pid and start in clock ticks.
    processes: BTreeMap<(u32, u64), Span>,
    /// The number of processes and of descriptors in each capture.
    sizes: Vec<(usize, u64)>,
}

/// The number of descriptors of one process.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: u64,
    last: u64,
    least: u64,
    most: u64,
}

impl Significance {
    /// Adds the processes (pid, start) of one more capture with their descriptors.
    pub(super) fn add(&mut self, counts: &[((u32, u64), u64)]) {
        for (process, count) in counts {
            let span = self.processes.entry(*process).or_insert(Span {
                first: *count,
                last: *count,
                least: *count,
                most: *count,
            });
            span.last = *count;
            span.least = span.least.min(*count);
            span.most = span.most.max(*count);
        }
        let sum = counts.iter().map(|(_, count)| count).sum();
        self.sizes.push((counts.len(), sum));
    }

    /// Whether one process or all together changed significantly, or were replaced by others with
    /// significantly more.
    pub(super) fn is_significant(&self) -> bool {
        let spans = || self.processes.values();
        let largest = spans().map(|span| span.most - span.least).max();
        let (first, last) = (
            spans().map(|span| span.first),
            spans().map(|span| span.last),
        );
        let total = first.sum::<u64>().abs_diff(last.sum());
        let same_size = self.sizes.windows(2).all(|two| two[0].0 == two[1].0);
        let sums = || self.sizes.iter().map(|(_, sum)| *sum);
        let (least, most) = (sums().min().unwrap_or(0), sums().max().unwrap_or(0));
        is_significant(largest.unwrap_or_default(), total, self.processes.len())
            || same_size && is_significant_replacement(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_changes_are_noise_and_leaks_are_not() {
        let is_significant = |captures: &[&[(u32, u64)]]| {
            let mut significance = Significance::default();
            for capture in captures {
                let all: Vec<_> = capture.iter().map(|(pid, n)| ((*pid, 1), *n)).collect();
                significance.add(&all);
            }
            significance.is_significant()
        };
        assert!(!is_significant(&[&[(1, 10)], &[(1, 12)], &[(1, 10)]]));
        assert!(is_significant(&[
            &[(1, 10)],
            &[(1, 11)],
            &[(1, 12)],
            &[(1, 13)]
        ]));
        // Rise and fall between the first and the last capture.
        assert!(is_significant(&[&[(1, 10)], &[(1, 15)], &[(1, 10)]]));
        // A pool: one more in each process, or in some only.
        assert!(is_significant(&[
            &[(1, 5), (2, 5), (3, 5)],
            &[(1, 6), (2, 6), (3, 6)]
        ]));
        assert!(!is_significant(&[
            &[(1, 5), (2, 5), (3, 5)],
            &[(1, 6), (2, 6), (3, 5)]
        ]));
        // A new process starts with descriptors of its own.
        assert!(!is_significant(&[&[(1, 20)], &[(1, 20), (2, 20)]]));
        assert!(is_significant(&[&[(1, 20)], &[(2, 60)]]));
        assert!(!is_significant(&[&[(1, 20)], &[(2, 25)]]));
    }
}
