//! What reading one thing tells of others still to be read: namespaces, users, sockets held.

use std::collections::{BTreeMap, BTreeSet};

/// How a network namespace was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// A process lives in it.
    Process,
    /// It is mounted somewhere.
    Mount,
    /// A process holds a descriptor of it.
    Descriptor,
    /// A socket lives in it, and nothing else shows it.
    Socket,
}

impl Source {
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

/// A way to a network namespace. The least one is the best: processes before mounts before others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) source: Source,
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
    /// Of these, gone before anything could be read.
    pub(crate) vanished: u64,
    /// Of these, descriptors not even listed.
    pub(crate) denied: u64,
    /// Of these, descriptors listed, some of their links refused.
    pub(crate) partial: u64,
    /// Descriptors recorded.
    pub(crate) descriptors: u64,
}

/// What one reader, or all of them, came across.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Network namespaces, and the best way to each.
    pub(crate) netns: BTreeMap<u64, Way>,
    /// Mount namespaces, and the lowest process in each.
    pub(crate) mntns: BTreeMap<u64, u32>,
    /// User ids.
    pub(crate) uids: BTreeSet<u32>,
    pub(crate) tally: Tally,
}

impl Found {
    /// Notes a way to a network namespace.
    pub(crate) fn network(&mut self, inode: u64, way: Way) {
        let best = self.netns.entry(inode).or_insert_with(|| way.clone());
        if way < *best {
            *best = way;
        }
    }

    /// Notes a process of a mount namespace.
    pub(crate) fn mount(&mut self, inode: u64, pid: u32) {
        let lowest = self.mntns.entry(inode).or_insert(pid);
        *lowest = pid.min(*lowest);
    }

    /// Takes over what another reader found.
    pub(crate) fn merge(&mut self, other: Self) {
        for (inode, way) in other.netns {
            self.network(inode, way);
        }
        for (inode, pid) in other.mntns {
            self.mount(inode, pid);
        }
        self.uids.extend(other.uids);
        self.tally.processes += other.tally.processes;
        self.tally.vanished += other.tally.vanished;
        self.tally.denied += other.tally.denied;
        self.tally.partial += other.tally.partial;
        self.tally.descriptors += other.tally.descriptors;
    }
}
