//! Which changes in the number of descriptors are significant, and how many descriptors noise and
//! conversations account for.

use std::collections::HashMap;

use super::link_key::is_compared;
use crate::graph::{Conversation, conversations};
use crate::model::{Map, ProcessId};

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

/// Descriptors by process and kind: `socket` or `pipe`.
#[derive(Debug, Default)]
pub(crate) struct DescriptorCounts(HashMap<(ProcessId, &'static str), u64>);

/// Descriptors that something else accounts for.
#[derive(Debug, Default)]
pub(crate) struct Explained {
    /// Their other ends are held by noise alone: those that the parent of a capture holds for it.
    pub(crate) noise: DescriptorCounts,
    /// Ends of conversations, which are compared as links.
    pub(crate) conversations: DescriptorCounts,
}

impl DescriptorCounts {
    pub(super) fn add(&mut self, process: ProcessId, kind: &'static str) {
        *self.0.entry((process, kind)).or_default() += 1;
    }

    /// The descriptors of a process and kind.
    pub(crate) fn get(&self, process: ProcessId, kind: &str) -> u64 {
        let kinds = ["socket", "pipe"].into_iter();
        let mut counts = kinds.filter(|known| *known == kind);
        let count = counts.next().and_then(|kind| self.0.get(&(process, kind)));
        count.copied().unwrap_or_default()
    }
}

/// Counts the explained descriptors of a map. `is_process_compared` is false for noise.
pub(crate) fn explained(map: &Map, is_process_compared: impl Fn(ProcessId) -> bool) -> Explained {
    let mut explained = Explained::default();
    for ends in conversations(map) {
        let kind = match ends.conversation {
            Conversation::Connection(_) => "socket",
            Conversation::Pipe(_) => "pipe",
            Conversation::Channel(_) => "channel",
        };
        let is_compared = is_compared(map, &ends);
        for (own, others) in [(&ends.from, &ends.to), (&ends.to, &ends.from)] {
            let noise = !others.is_empty() && !others.iter().any(|id| is_process_compared(*id));
            for id in own.iter().filter(|id| is_process_compared(**id)) {
                if noise {
                    explained.noise.add(*id, kind);
                } else if is_compared {
                    explained.conversations.add(*id, kind);
                }
            }
        }
    }
    explained
}
