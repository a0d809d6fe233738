//! Coverage: which processes, descriptors and tables of a host were read, and whether anything may
//! be missing.
//!
//! Judges completeness: unreadable processes, `hidepid` of `/proc`, the pid namespace of the
//! collector, truncated dumps, damage of the file. Holds no answer itself; an answer that depends
//! on missing data must state it.

use whotalks_snapshot::Damage;
use whotalks_snapshot::records::{Host, Netns, RawHeader};

use crate::load::{Capture, RawSource, mountinfo};

/// Inode of the initial pid namespace (`PROC_PID_INIT_INO` of `linux/proc_ns.h`).
const INITIAL_PIDNS: u64 = 0xEFFF_FFFC;
/// Inode of the initial user namespace (`PROC_USER_INIT_INO`).
const INITIAL_USERNS: u64 = 0xEFFF_FFFD;
/// `CAP_SYS_PTRACE`, as a bit of [`Host::capabilities`].
const CAP_SYS_PTRACE: u64 = 1 << 19;

const EPERM: u16 = 1;
const EACCES: u16 = 13;

/// What was read of a host.
#[derive(Debug, Clone, Default)]
pub struct HostCoverage {
    /// Processes whose descriptors were all read.
    pub read: usize,
    /// Processes some of whose descriptors were refused or lost.
    pub partial: usize,
    /// Processes whose descriptors were refused.
    pub denied: usize,
    /// Processes that ended during the capture.
    pub vanished: usize,
    /// The network namespaces, by inode.
    pub netns: Vec<NetnsCoverage>,
    /// Whether the capture was made in the initial pid namespace; false when not known.
    pub initial_pidns: bool,
    /// Whether `/proc` hides other users' processes from the collector.
    pub hidepid: bool,
    /// Descriptions of the damaged places of the file.
    pub damage: Vec<String>,
    /// Whether the map has everything that existed.
    pub complete: bool,
}

impl HostCoverage {
    /// Judges a capture. Holders of sockets in unread processes are unknown, so every condition
    /// that can hide a process or a socket clears [`complete`](Self::complete).
    pub(super) fn new(
        capture: &Capture,
        damages: &[Damage],
        netns: Vec<NetnsCoverage>,
        vanished: usize,
        statuses: impl Iterator<Item = FdsStatus>,
    ) -> Self {
        let host = capture.host.as_ref();
        let mut coverage = Self {
            vanished,
            netns,
            initial_pidns: host.is_some_and(|host| host.pidns == INITIAL_PIDNS),
            hidepid: hides_processes(capture),
            damage: damages.iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        coverage.count_processes(statuses);
        let entered = capture.namespaces.iter().all(|ns| ns.enter_errno == 0);
        coverage.complete = coverage.all_holders_known()
            && !coverage.netns.is_empty()
            && (entered && coverage.all_unix_dumps_complete())
            && !capture.raw.iter().any(is_truncated_dump);
        coverage
    }

    /// Adds processes to the counts, by the status of their descriptors.
    pub(super) fn count_processes(&mut self, statuses: impl Iterator<Item = FdsStatus>) {
        for status in statuses {
            match status {
                FdsStatus::Read => self.read += 1,
                FdsStatus::Partial => self.partial += 1,
                FdsStatus::Denied => self.denied += 1,
                FdsStatus::Vanished => self.vanished += 1,
            }
        }
    }

    /// Whether every holder of a socket or pipe is known: all processes were visible and read, and
    /// no part of the file is damaged.
    pub fn all_holders_known(&self) -> bool {
        self.partial + self.denied == 0
            && self.damage.is_empty()
            && self.initial_pidns
            && !self.hidepid
    }

    /// Whether the Unix sockets of every network namespace were dumped whole.
    pub(super) fn all_unix_dumps_complete(&self) -> bool {
        self.netns.iter().all(|netns| netns.diag == Readable::Ok)
    }

    /// Merges the coverage of an earlier capture of the same host: what either lacks may be missing
    /// from their union. The counts of processes are not merged.
    pub(super) fn merge_earlier(&mut self, earlier: &Self) {
        self.complete &= earlier.complete;
        self.initial_pidns &= earlier.initial_pidns;
        self.hidepid |= earlier.hidepid;
        // In the order of the file. Damage between two captures is in both lists.
        let mut damage = earlier.damage.clone();
        let later = std::mem::take(&mut self.damage).into_iter();
        damage.extend(later.filter(|text| !earlier.damage.contains(text)));
        self.damage = damage;
        for netns in &earlier.netns {
            let own = self.netns.binary_search_by_key(&netns.inode, |n| n.inode);
            match own {
                Ok(index) => {
                    let worst = &mut self.netns[index];
                    worst.diag = worst.diag.max(netns.diag);
                    worst.proc_net = worst.proc_net.max(netns.proc_net);
                }
                Err(index) => self.netns.insert(index, netns.clone()),
            }
        }
    }
}

/// What was read of a network namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetnsCoverage {
    /// Its inode.
    pub inode: u64,
    /// The Unix sock_diag dump.
    pub diag: Readable,
    /// `/proc/PID/net/unix`.
    pub proc_net: Readable,
}

impl NetnsCoverage {
    /// Judges the readings of a namespace's two Unix tables.
    pub(super) fn new<'a>(
        inode: u64,
        namespaces: &[Netns],
        diag: impl Iterator<Item = &'a RawSource>,
        proc_net: impl Iterator<Item = &'a RawSource>,
    ) -> Self {
        let mut diag = Readable::best(diag);
        let mut records = namespaces.iter().filter(|netns| netns.inode == inode);
        let refused = |netns: &Netns| [EPERM, EACCES].contains(&netns.enter_errno);
        if diag == Readable::Unavailable && records.any(refused) {
            diag = Readable::Denied;
        }
        Self {
            inode,
            diag,
            proc_net: Readable::best(proc_net),
        }
    }
}

/// Whether a table could be read; the better first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readable {
    /// Whole.
    Ok,
    /// In part.
    Truncated,
    /// Refused.
    Denied,
    /// Not supported by the kernel, or not captured.
    #[default]
    Unavailable,
}

impl Readable {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Truncated => "truncated",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
        }
    }

    /// The best of several readings of a source.
    pub(super) fn best<'a>(sources: impl Iterator<Item = &'a RawSource>) -> Self {
        const CUT: u32 = RawHeader::TRUNCATED | RawHeader::INTERRUPTED;
        let judge = |raw: &RawSource| match raw.header.errno {
            0 if raw.gaps || raw.header.flags & CUT != 0 => Self::Truncated,
            0 if raw.header.flags & RawHeader::NO_MODULE != 0 => Self::Unavailable,
            0 => Self::Ok,
            EPERM | EACCES => Self::Denied,
            _ if !raw.bytes.is_empty() => Self::Truncated,
            _ => Self::Unavailable,
        };
        sources.map(judge).min().unwrap_or_default()
    }

    /// Whether at least a part was read.
    pub(super) fn has_rows(self) -> bool {
        matches!(self, Self::Ok | Self::Truncated)
    }
}

/// Whether a process's descriptors could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FdsStatus {
    /// All of them.
    Read,
    /// Some, or only their numbers.
    #[default]
    Partial,
    /// None.
    Denied,
    /// The process ended during the capture.
    Vanished,
}

impl FdsStatus {
    /// The word for it in JSON, CSV and text output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Partial => "partial",
            Self::Denied => "denied",
            Self::Vanished => "vanished",
        }
    }
}

/// Whether a dump is known to have stopped early.
fn is_truncated_dump(raw: &RawSource) -> bool {
    let is_dump = raw.header.source.starts_with(b"diag/");
    is_dump && (raw.gaps || raw.header.flags & RawHeader::TRUNCATED != 0)
}

/// Whether the `hidepid` option of the collector's `/proc` hid processes from it (see proc(5)).
///
/// `CAP_SYS_PTRACE` in the initial user namespace overrides `hidepid`; the same capability in
/// another user namespace does not.
fn hides_processes(capture: &Capture) -> bool {
    let may_trace_all =
        |host: &&Host| host.capabilities & CAP_SYS_PTRACE != 0 && host.userns == INITIAL_USERNS;
    let Some(host) = capture.host.as_ref().filter(|host| !may_trace_all(host)) else {
        return false;
    };
    let hides = |mount: mountinfo::Mount<'_>| {
        let mut options = mount.super_options.split(|byte| *byte == b',');
        *mount.point == *b"/proc"
            && options.any(|option| {
                let value = option.strip_prefix(b"hidepid=");
                value.is_some_and(|value| value != b"0" && value != b"off")
            })
    };
    capture
        .sources("mountinfo")
        .filter(|raw| raw.header.mntns == host.mntns)
        .any(|raw| mountinfo::mounts(&raw.bytes).into_iter().any(hides))
}
