//! What reading one thing tells of others still to be read: namespaces, users, sockets held.

use std::collections::{BTreeMap, BTreeSet};

use crate::insert_each::insert_each;
use crate::proc::retained_table::RetainedTable;

/// How a network namespace was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NetnsSource {
    /// A process lives in it.
    Process,
    /// It is mounted somewhere.
    Mount,
    /// A process holds a descriptor of it.
    Descriptor,
    /// A socket lives in it, and nothing else shows it.
    Socket,
}

impl NetnsSource {
    /// As [`Netns::found_by`](whotalks_snapshot::records::Netns) has it.
    pub(crate) fn name(self) -> &'static [u8] {
        match self {
            Self::Process => b"process",
            Self::Mount => b"mount",
            Self::Descriptor => b"descriptor",
            Self::Socket => b"socket",
        }
    }
}

/// A location to a network namespace. The least one is the best: processes before mounts before others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NetnsLocation {
    pub(crate) source: NetnsSource,
    /// The process that it was found through.
    pub(crate) pid: u32,
    /// The descriptor in that process, where it was found by one.
    pub(crate) fd: u32,
    /// The mount point as that process sees it, where it was found by one.
    pub(crate) path: Vec<u8>,
}

/// Numbers for the summary and the end of the capture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Entries of `/proc` that were processes.
    pub(crate) processes: u64,
    /// Of these, threads of the kernel's own, which hold nothing.
    pub(crate) kernel_threads: u64,
    /// Of these, gone before anything could be read.
    pub(crate) vanished: u64,
    /// Of these, descriptors not even listed, or not to the end.
    pub(crate) denied: u64,
    /// Of these, descriptors listed, some of their links refused.
    pub(crate) partial: u64,
    /// Descriptors recorded.
    pub(crate) descriptors: u64,
}

/// What one reader, or all of them, came across.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    /// Network namespaces, and the best location to each.
    pub(crate) netns: BTreeMap<u64, NetnsLocation>,
    /// Mount namespaces, and a process in each: whether its root is another, its pid.
    pub(crate) mntns: BTreeMap<u64, (bool, u32)>,
    /// Mount namespaces, and the paths that executables in them had before they were deleted.
    pub(crate) deleted: BTreeSet<(u64, Vec<u8>)>,
    /// User ids.
    pub(crate) uids: BTreeSet<u32>,
    /// Paths in the unified hierarchy of cgroups, without their first slash.
    pub(crate) cgroups: BTreeSet<Vec<u8>>,
    /// Processes that were looked at.
    pub(crate) seen: BTreeSet<u32>,
    /// What is retained of each table.
    pub(crate) retained: Vec<RetainedTable>,
    /// Processes that did not answer in time.
    pub(crate) stuck: BTreeSet<u32>,
    /// Whether a table was different in the second look.
    pub(crate) changed: bool,
    /// Whether the look was ended by its deadline.
    pub(crate) cut: bool,
    pub(crate) tally: Tally,
}

impl Discovered {
    /// Notes a location to a network namespace.
    pub(crate) fn network(&mut self, inode: u64, location: NetnsLocation) {
        let best = self.netns.entry(inode).or_insert_with(|| location.clone());
        if location < *best {
            *best = location;
        }
    }

    /// Notes a process of a mount namespace; one that sees its root is better.
    pub(crate) fn mount(&mut self, inode: u64, pid: u32, rooted_elsewhere: bool) {
        let best = self.mntns.entry(inode).or_insert((rooted_elsewhere, pid));
        *best = (rooted_elsewhere, pid).min(*best);
    }

    /// Takes over what a later look found: its tables replace those of the same processes.
    pub(crate) fn renew(&mut self, later: Self) {
        let newer: BTreeSet<_> = insert_each(
            later
                .retained
                .iter()
                .map(|retained| (retained.pid, retained.tid)),
        );
        self.retained
            .retain(|retained| !newer.contains(&(retained.pid, retained.tid)));
        self.merge(later);
        self.sort();
    }

    /// Sorts the tables: readers finish in any order, what is chosen must not depend on it.
    pub(crate) fn sort(&mut self) {
        self.retained
            .sort_unstable_by_key(|retained| (retained.pid, retained.tid));
    }

    /// Takes over what another reader found.
    pub(crate) fn merge(&mut self, other: Self) {
        for (inode, location) in other.netns {
            self.network(inode, location);
        }
        for (inode, (rooted_elsewhere, pid)) in other.mntns {
            self.mount(inode, pid, rooted_elsewhere);
        }
        self.deleted.extend(other.deleted);
        self.uids.extend(other.uids);
        self.cgroups.extend(other.cgroups);
        self.seen.extend(other.seen);
        self.stuck.extend(other.stuck);
        self.retained.extend(other.retained);
        self.changed |= other.changed;
        self.cut |= other.cut;
        self.tally.processes += other.tally.processes;
        self.tally.kernel_threads += other.tally.kernel_threads;
        self.tally.vanished += other.tally.vanished;
        self.tally.denied += other.tally.denied;
        self.tally.partial += other.tally.partial;
        self.tally.descriptors += other.tally.descriptors;
    }
}
