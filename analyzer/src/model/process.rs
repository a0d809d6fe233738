//! Hosts and processes: who they are.

use std::collections::BTreeMap;

use super::HostId;

/// A machine at the time of a capture.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// `uname -n`.
    pub hostname: Box<[u8]>,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: Box<[u8]>,
    /// Keyed hash of the machine id.
    pub machine_id: Box<[u8]>,
    /// `uname -r`.
    pub kernel: Box<[u8]>,
    /// `uname -m`.
    pub arch: Box<[u8]>,
    /// `PRETTY_NAME` of os-release without the code name, or its `NAME`.
    pub os: Box<[u8]>,
    /// Wall clock at the start of the capture, nanoseconds since 1970.
    pub started_at_ns: u64,
    /// Wall clock at its end; `None`: the capture has no end.
    pub ended_at_ns: Option<u64>,
    /// Version of the collector.
    pub collector: Box<[u8]>,
    /// Effective user id of the collector; `None`: not known.
    pub euid: Option<u32>,
    /// The collector's own pid, as it saw itself; `None`: not known.
    pub collector_pid: Option<u32>,
    /// The pid namespace (inode) in which the pids are; `None`: not known.
    pub pidns: Option<u64>,
    /// `--note`.
    pub note: Option<Box<[u8]>>,
    /// What was read, and what was not.
    pub coverage: HostCoverage,
}

/// What of a host was read.
#[derive(Debug, Clone, Default)]
pub struct HostCoverage {
    /// Processes whose descriptors were all read.
    pub read: usize,
    /// Processes some of whose descriptors were refused or lost.
    pub partial: usize,
    /// Processes whose descriptors were refused.
    pub denied: usize,
    /// Processes that ended meanwhile.
    pub vanished: usize,
    /// The network namespaces, by inode.
    pub netns: Vec<NetnsCoverage>,
    /// In the initial pid namespace, as far as is known.
    pub initial_pidns: bool,
    /// `/proc` hides other users' processes from the collector.
    pub hidepid: bool,
    /// Places of the file that are damaged, in words.
    pub damage: Vec<String>,
    /// Nothing that exists may be missing from the map.
    pub complete: bool,
}

impl HostCoverage {
    /// Whether nobody who holds a socket or pipe can have been missed: every process was seen and
    /// read, and nothing of it was lost since.
    pub fn all_holders_known(&self) -> bool {
        self.partial + self.denied == 0
            && self.damage.is_empty()
            && self.initial_pidns
            && !self.hidepid
    }
}

/// What of a network namespace was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetnsCoverage {
    /// Its inode.
    pub inode: u64,
    /// The Unix sock_diag dump.
    pub diag: Readable,
    /// `/proc/PID/net/unix`.
    pub proc_net: Readable,
}

/// Whether a table could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readable {
    /// Whole.
    Ok,
    /// In part.
    Truncated,
    /// Refused.
    Denied,
    /// The kernel lacks it, or the collector did not ask.
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
    /// The process ended meanwhile.
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

/// A container that a process runs in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Container {
    /// Its id, as the control group path has it.
    pub id: String,
    /// Its name, where the path has one.
    pub name: Option<String>,
    /// `docker`, `containerd`, `cri-o`, `podman`, `lxc`, `nspawn`, ….
    pub runtime: &'static str,
}

/// A process (thread group) with a user address space.
#[derive(Debug, Clone, Default)]
pub struct Process {
    /// Its host.
    pub host: HostId,
    /// Pid as the collector saw it.
    pub pid: u32,
    /// Pid in its innermost pid namespace.
    pub ns_pid: u32,
    /// Start, clock ticks since boot (`stat` field 22).
    pub start_ticks: u64,
    /// Start, boot clock, nanoseconds; rounded down to a tick.
    pub started_boottime_ns: u64,
    /// Start, wall clock, nanoseconds since 1970.
    pub started_at_ns: u64,
    /// Parent's pid.
    pub ppid: u32,
    /// The main thread's state, a letter (`stat` field 3); 0: not known.
    pub state: u8,
    /// `comm`: at most 15 bytes.
    pub comm: Box<[u8]>,
    /// Executable, without ` (deleted)` when it is; empty: not known.
    pub exe: Box<[u8]>,
    /// The executable's link count is 0.
    pub exe_deleted: bool,
    /// Arguments, each ended by a NUL; empty: none or not captured.
    pub cmdline: Box<[u8]>,
    /// Effective user id; `None`: not known.
    pub uid: Option<u32>,
    /// User's name, where the capture has it.
    pub user: Option<Box<[u8]>>,
    /// systemd unit.
    pub unit: Option<String>,
    /// Container.
    pub container: Option<Container>,
    /// Control group path (v2, else systemd's v1 hierarchy).
    pub cgroup: Box<[u8]>,
    /// Network namespace (inode); `None`: not known.
    pub netns: Option<u64>,
    /// Mount namespace.
    pub mntns: Option<u64>,
    /// Pid namespace.
    pub pidns: Option<u64>,
    /// User namespace.
    pub userns: Option<u64>,
    /// Whether its descriptors were read.
    pub fds_status: FdsStatus,
    /// Descriptors by kind: `socket`, `pipe`, `file`, `eventfd`, ….
    pub fd_counts: BTreeMap<Box<str>, u32>,
}

impl Process {
    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.cmdline.strip_suffix(b"\0").unwrap_or(&self.cmdline);
        let some = (!self.cmdline.is_empty()).then(|| whole.split(|byte| *byte == 0));
        some.into_iter().flatten()
    }
}
