//! What reading processes discovers about other things to read: namespaces, users, cgroups,
//! sockets.

use std::collections::{BTreeMap, BTreeSet};

use crate::insert_each::insert_each;
use crate::proc::retained_table::RetainedTable;
use crate::shared_files::FileSystem;

/// How a network namespace was discovered. Sorted by preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NetnsSource {
    /// A process is in it.
    Process,
    /// It is bind-mounted.
    Mount,
    /// A process holds a descriptor of it.
    Descriptor,
    /// A socket belongs to it, and nothing else refers to it.
    Socket,
}

impl NetnsSource {
    /// Returns the value of [`Netns::found_by`](whotalks_snapshot::records::Netns).
    pub(crate) fn name(self) -> &'static [u8] {
        match self {
            Self::Process => b"process",
            Self::Mount => b"mount",
            Self::Descriptor => b"descriptor",
            Self::Socket => b"socket",
        }
    }
}

/// Where a network namespace can be opened. The least is preferred: processes, then mounts, then
/// descriptors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NetnsLocation {
    pub(crate) source: NetnsSource,
    /// The process that leads to it.
    pub(crate) pid: u32,
    /// The thread of that process whose private table has the descriptor, else 0.
    pub(crate) tid: u32,
    /// The descriptor in that process, for [`NetnsSource::Descriptor`] and [`NetnsSource::Socket`].
    pub(crate) fd: u32,
    /// The mount point as that process sees it, for [`NetnsSource::Mount`].
    pub(crate) path: Vec<u8>,
}

impl NetnsLocation {
    /// Returns the path of the descriptor below `/proc`.
    pub(crate) fn descriptor(&self) -> String {
        match self.tid {
            0 => format!("{}/fd/{}", self.pid, self.fd),
            tid => format!("{}/task/{tid}/fd/{}", self.pid, self.fd),
        }
    }
}

/// Counts for the summary line and the `End` block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Processes in `/proc`.
    pub(crate) processes: u64,
    /// Of these, kernel threads, which have no descriptors.
    pub(crate) kernel_threads: u64,
    /// Of these, processes that exited before anything was read.
    pub(crate) vanished: u64,
    /// Of these, processes whose descriptors could not be listed, or not completely.
    pub(crate) denied: u64,
    /// Of these, processes with links that could not be read.
    pub(crate) partial: u64,
    /// Descriptors recorded.
    pub(crate) descriptors: u64,
}

/// What one reader, or all readers together, discovered.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    /// Network namespaces by inode, each with the preferred location.
    pub(crate) netns: BTreeMap<u64, NetnsLocation>,
    /// Mount namespaces by inode, each with a process: whether its root differs from the
    /// namespace's, and its pid.
    pub(crate) mntns: BTreeMap<u64, (bool, u32)>,
    /// IPC namespaces by inode, each with a process.
    pub(crate) ipcns: BTreeMap<u64, u32>,
    /// Mounted file systems by device.
    pub(crate) file_systems: BTreeMap<u64, FileSystem>,
    /// Mount namespace and former path of deleted executables.
    pub(crate) deleted: BTreeSet<(u64, Vec<u8>)>,
    /// User ids.
    pub(crate) uids: BTreeSet<u32>,
    /// Paths in the unified cgroup hierarchy, without the leading slash.
    pub(crate) cgroups: BTreeSet<Vec<u8>>,
    /// Ids of containers in the paths of cgroups.
    pub(crate) containers: BTreeSet<Vec<u8>>,
    /// Directories that Docker was told to use.
    pub(crate) docker_roots: BTreeSet<Vec<u8>>,
    /// Processes that were read.
    pub(crate) seen: BTreeSet<u32>,
    /// The retained part of each descriptor table.
    pub(crate) retained: Vec<RetainedTable>,
    /// Processes that did not respond in time.
    pub(crate) stuck: BTreeSet<u32>,
    /// Whether the second look found a changed table.
    pub(crate) changed: bool,
    /// Whether the scan stopped at its deadline.
    pub(crate) cut: bool,
    pub(crate) tally: Tally,
}

impl Discovered {
    /// Adds a network namespace, or a better location of a known one.
    pub(crate) fn network(&mut self, inode: u64, location: NetnsLocation) {
        let best = self.netns.entry(inode).or_insert_with(|| location.clone());
        if location < *best {
            *best = location;
        }
    }

    /// Adds a process of a mount namespace. A process with the namespace's own root is preferred.
    pub(crate) fn mount(&mut self, inode: u64, pid: u32, rooted_elsewhere: bool) {
        let best = self.mntns.entry(inode).or_insert((rooted_elsewhere, pid));
        *best = (rooted_elsewhere, pid).min(*best);
    }

    /// Adds a process of an IPC namespace. The lowest pid stays, whatever the order of the readers.
    pub(crate) fn ipc(&mut self, inode: u64, pid: u32) {
        let first = self.ipcns.entry(inode).or_insert(pid);
        *first = pid.min(*first);
    }

    /// Adds the results of a later scan: its tables replace those of the same processes.
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

    /// Sorts the tables. Readers finish in any order, and later choices must not depend on it.
    pub(crate) fn sort(&mut self) {
        self.retained
            .sort_unstable_by_key(|retained| (retained.pid, retained.tid));
    }

    /// Adds the results of another reader.
    pub(crate) fn merge(&mut self, other: Self) {
        for (inode, location) in other.netns {
            self.network(inode, location);
        }
        for (inode, (rooted_elsewhere, pid)) in other.mntns {
            self.mount(inode, pid, rooted_elsewhere);
        }
        for (inode, pid) in other.ipcns {
            self.ipc(inode, pid);
        }
        self.deleted.extend(other.deleted);
        self.uids.extend(other.uids);
        self.cgroups.extend(other.cgroups);
        self.containers.extend(other.containers);
        self.docker_roots.extend(other.docker_roots);
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
