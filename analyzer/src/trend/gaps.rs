//! Gaps: which values of a capture are not known because something was not read.

use std::collections::BTreeSet;

use super::row::Metric;
use crate::model::{HostCoverage, Map};

/// What may be missing in a capture.
#[derive(Debug, Clone)]
pub(super) struct Gaps {
    /// Anything: the file is damaged.
    pub(super) all: bool,
    /// Processes.
    processes: bool,
    /// Holders of sockets and pipes.
    holders: bool,
    /// Labels of groups with a process that was not read.
    unread: BTreeSet<String>,
}

impl Gaps {
    /// The gaps of a capture in which some process of these groups was not read.
    pub(super) fn new(map: &Map, unread: BTreeSet<String>) -> Self {
        let any = |gap: fn(&HostCoverage) -> bool| map.hosts.iter().any(|host| gap(&host.coverage));
        Self {
            all: map.hosts.is_empty() || any(|coverage| !coverage.damage.is_empty()),
            processes: any(|coverage| coverage.hidepid),
            holders: any(|coverage| !coverage.all_holders_known()),
            unread,
        }
    }

    /// The value of a metric that was not counted: zero, unless a gap may hide it.
    pub(super) fn uncounted(&self, role: &str, metric: &Metric) -> Option<u64> {
        (!self.hide(role, metric, false)).then_some(0)
    }

    /// Whether the value of a metric that was counted is not known.
    pub(super) fn hide_counted(&self, role: &str, metric: &Metric) -> bool {
        self.hide(role, metric, true)
    }

    fn hide(&self, role: &str, metric: &Metric, counted: bool) -> bool {
        // `(unreadable)`, `(none)`: no group is known.
        let unnamed = |role: &str| self.holders && !counted && role.starts_with('(');
        let unread = |role: &str| self.unread.contains(role) || unnamed(role);
        let unknown = match metric {
            Metric::Processes => false,
            Metric::Descriptors(_) => self.unread.contains(role),
            Metric::Listener(..) | Metric::Pending(..) => unread(role),
            Metric::Link(client, ..) => unread(role) || unread(client),
        };
        self.all || unknown || self.processes && !counted
    }
}
