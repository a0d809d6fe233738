//! Which changes in the number of descriptors are significant.

/// A process opens and closes fewer than this of a kind all the time.
const MIN_PROCESS_CHANGE: u64 = 3;
/// Two processes of one role never have quite the same number: they must differ by at least this, and
/// by half of the smaller number.
const MIN_REPLACED_CHANGE: u64 = 16;

/// Whether the same processes changed significantly: one of them (by `largest`), or all together (by
/// `total`) by at least their number. In a large pool some process has a few more at any time.
pub(crate) fn is_significant(largest: u64, total: u64, processes: usize) -> bool {
    largest >= MIN_PROCESS_CHANGE || total >= MIN_PROCESS_CHANGE.max(processes as u64)
}

/// Whether processes and the others of their role that replaced them differ significantly.
pub(crate) fn is_significant_replacement(old: u64, new: u64) -> bool {
    let (less, more) = (old.min(new), old.max(new));
    more - less >= MIN_REPLACED_CHANGE && 2 * more >= 3 * less
}
