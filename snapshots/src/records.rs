//! The records of a capture: what the collector saw, uninterpreted.
//!
//! Text of the kernel is kept as the bytes that were read. A field that could not be read is empty
//! *and* named in the record's `errors`: missing is not empty. All times are nanoseconds; *boot
//! clock* is `CLOCK_BOOTTIME`.

use crate::record;

record! {
    /// The machine, and how the capture was begun. First block of a capture.
    pub struct Host {
        /// `nodename` of uname(2).
        pub hostname: Vec<u8>,
        /// `/proc/sys/kernel/random/boot_id`, without the line end.
        pub boot_id: Vec<u8>,
        /// A keyed hash of `/etc/machine-id` in hexadecimal, never the id itself; empty: none.
        pub machine_id: Vec<u8>,
        /// `sysname`, `release`, `version`, `machine` of uname(2), each ended by a NUL.
        pub uname: Vec<u8>,
        /// `/etc/os-release`, whole (bounded).
        pub os_release: Vec<u8>,
        /// 1 little-endian, 2 big-endian.
        pub byte_order: u8,
        /// Bits of a pointer.
        pub pointer_bits: u8,
        /// `sysconf(_SC_PAGESIZE)`, bytes.
        pub page_bytes: u32,
        /// `sysconf(_SC_CLK_TCK)`: ticks a second of `stat`'s start times.
        pub ticks_per_second: u32,
        /// `CLOCK_REALTIME` when the capture began.
        pub started_realtime_ns: u64,
        /// Boot clock at the same moment.
        pub started_boottime_ns: u64,
        /// Effective user id of the collector.
        pub euid: u32,
        /// Effective group id of the collector.
        pub egid: u32,
        /// Effective capabilities of the collector (`CapEff`).
        pub capabilities: u64,
        /// The collector's version.
        pub collector: Vec<u8>,
        /// Its arguments, each ended by a NUL.
        pub arguments: Vec<u8>,
        /// `--note`.
        pub note: Option<Vec<u8>>,
        /// Inode of the collector's pid namespace; 4026531836 is the initial one. 0: unknown.
        pub pidns: u64,
        /// Inode of the collector's network namespace. 0: unknown.
        pub netns: u64,
        /// Inode of the collector's mount namespace. 0: unknown.
        pub mntns: u64,
        /// Inode of the collector's user namespace. 0: unknown.
        pub userns: u64,
        /// The collector's own pid, in its pid namespace.
        pub collector_pid: u32,
    }
}

record! {
    /// The end of a capture that ran to its end. Last block of a capture.
    pub struct CaptureEnd {
        /// `CLOCK_REALTIME` when the last thing was read.
        pub ended_realtime_ns: u64,
        /// Boot clock at the same moment.
        pub ended_boottime_ns: u64,
        /// Entries of `/proc` that were processes at the first look.
        pub processes_seen: u64,
        /// Processes that were gone before anything of them could be read.
        pub processes_vanished: u64,
        /// Descriptors recorded.
        pub descriptors: u64,
        /// Messages of the Unix dumps.
        pub unix_sockets: u64,
        /// Processes whose descriptors could not be listed (permission).
        pub processes_denied: u64,
        /// Processes some of whose descriptors' links were refused.
        pub processes_partial: u64,
        /// What the second look covered: 0 nothing, 1 processes that had appeared, 2 also every
        /// table that was read at first: one without records of pass 2 had not changed; 3 begun and
        /// ended by its deadline.
        pub second_look: u8,
        /// Boot clock when the first look at the descriptors was over.
        pub descriptors_boottime_ns: u64,
        /// Boot clock when the first look at the tables was over.
        pub tables_boottime_ns: u64,
        /// `Host.started_realtime_ns`, for those who look for a capture of a series by its time.
        pub started_realtime_ns: u64,
    }
}

record! {
    /// Something that could not be read.
    pub struct ReadError {
        /// What, as a file name below `/proc/PID` (`fd`, `exe`, `cmdline`, `ns/net`, …).
        pub what: Vec<u8>,
        /// `errno`: EACCES 13, EPERM 1, ENOENT 2, ESRCH 3, …
        pub errno: u16,
    }
}

record! {
    /// One process (thread group).
    pub struct Process {
        /// Thread group id, in the collector's pid namespace.
        pub pid: u32,
        /// The thread through which it was read where the main one has exited, else 0.
        pub via_tid: u32,
        /// `/proc/PID/stat`, whole.
        pub stat: Vec<u8>,
        /// `/proc/PID/status`, whole.
        pub status: Vec<u8>,
        /// `/proc/PID/cgroup`, whole.
        pub cgroup: Vec<u8>,
        /// `/proc/PID/cmdline` (bounded): arguments, each ended by a NUL.
        pub cmdline: Vec<u8>,
        /// Target of the link `/proc/PID/exe`, with the kernel's ` (deleted)` if it is there.
        pub exe: Vec<u8>,
        /// Link count of the executable (`st_nlink`): 0 proves that it was deleted.
        pub exe_nlink: Option<u32>,
        /// Device and inode of the executable, as stat(2) has them.
        pub exe_dev: u64,
        /// See `exe_dev`.
        pub exe_ino: u64,
        /// Target of the link `/proc/PID/cwd`.
        pub cwd: Vec<u8>,
        /// Target of the link `/proc/PID/root`.
        pub root: Vec<u8>,
        /// Namespace inodes, from the links in `/proc/PID/ns`; 0: could not be read.
        pub netns: u64,
        /// See `netns`.
        pub mntns: u64,
        /// See `netns`.
        pub pidns: u64,
        /// See `netns`.
        pub userns: u64,
        /// See `netns`.
        pub cgroupns: u64,
        /// `/proc/PID/limits`: soft and hard RLIMIT_NOFILE as text, or empty.
        pub limits: Vec<u8>,
        /// Boot clock when it was read.
        pub at_boottime_ns: u64,
        /// What could not be read.
        pub errors: Vec<ReadError>,
    }
}

record! {
    /// Text of `/proc/PID/fdinfo/FD`.
    pub struct DescriptorInfo {
        /// Thread group id.
        pub pid: u32,
        /// The thread, where its table is private; else 0.
        pub tid: u32,
        /// The descriptor.
        pub fd: u32,
        /// The text, whole (bounded).
        pub text: Vec<u8>,
        /// `errno` when it could not be read, else 0.
        pub errno: u16,
    }
}

record! {
    /// What a thread is blocked in.
    pub struct Wait {
        /// Thread group id.
        pub pid: u32,
        /// Thread id.
        pub tid: u32,
        /// `/proc/PID/task/TID/syscall`: number, arguments, or `running`.
        pub syscall: Vec<u8>,
        /// `errno` when `syscall` could not be read, else 0.
        pub syscall_errno: u16,
        /// `/proc/PID/task/TID/wchan`.
        pub wchan: Vec<u8>,
        /// `errno` when `wchan` could not be read, else 0.
        pub wchan_errno: u16,
        /// `/proc/PID/task/TID/comm`, without the line end.
        pub comm: Vec<u8>,
    }
}

record! {
    /// A network namespace.
    pub struct Netns {
        /// Its inode.
        pub inode: u64,
        /// `SO_NETNS_COOKIE`, which is never reused in a boot; `None`: not known.
        pub cookie: Option<u64>,
        /// How it was found: `process`, `mount`, `descriptor` or `socket`.
        pub found_by: Vec<u8>,
        /// The process that it was found through; 0 for a mount.
        pub pid: u32,
        /// The file that it was found through, where it was a mount or a descriptor.
        pub path: Vec<u8>,
        /// Whether it is the collector's own.
        pub own: bool,
        /// `errno` of entering it; 0: entered (or own).
        pub enter_errno: u16,
    }
}

record! {
    /// What a raw block holds; the kernel's bytes follow it.
    pub struct RawHeader {
        /// The source's name: FORMAT.md lists them (`diag/unix`, `net/unix`, `mountinfo`, …).
        pub source: Vec<u8>,
        /// Network namespace that the source belongs to, 0: none.
        pub netns: u64,
        /// Mount namespace that the source belongs to, 0: none.
        pub mntns: u64,
        /// Process that it was read through or belongs to, 0: none.
        pub pid: u32,
        /// Which look it belongs to: 1, or 2 for the second.
        pub pass: u8,
        /// Counts the blocks of one source from 0.
        pub part: u32,
        /// Whether this is the source's last part. Without one the source is cut.
        pub last: bool,
        /// `errno` that ended the source, in its last part: 0 for a whole one.
        pub errno: u16,
        /// Bits [`RawHeader::INTERRUPTED`], [`RawHeader::TRUNCATED`], [`RawHeader::NO_MODULE`].
        pub flags: u32,
        /// Boot clock when reading began.
        pub at_boottime_ns: u64,
        /// What narrows the source down (a listener's inode for `diag/unix-exact`), or 0.
        pub key: u64,
        /// Counts the attempts at one source from 0: a dump that the kernel flagged as interrupted
        /// is asked for again. All attempts are kept, since each may have rows that others lack.
        pub attempt: u8,
    }
}

impl RawHeader {
    /// The kernel flagged the dump as inconsistent (`NLM_F_DUMP_INTR`), and repeating did not help.
    pub const INTERRUPTED: u32 = 1;
    /// The source is known to be incomplete: a bound was reached, or a dump stopped short.
    pub const TRUNCATED: u32 = 2;
    /// Not asked, since asking would make the kernel load a module (`--passive`).
    pub const NO_MODULE: u32 = 4;
}

record! {
    /// The name of a user id that occurs in the capture.
    pub struct User {
        /// User id in the collector's user namespace.
        pub uid: u32,
        /// Name in the machine's `/etc/passwd`.
        pub name: Vec<u8>,
    }
}

record! {
    /// A file system path that a socket is or may be bound to, as one mount namespace sees it.
    pub struct BoundPath {
        /// Mount namespace.
        pub mntns: u64,
        /// Process through whose root it was looked at; 0: the collector's own.
        pub pid: u32,
        /// The path, as bound (may be relative to the binder's working directory). Empty: what follows
        /// is of the whole mount namespace, which gave no answer, or not all (`found_by` empty), or
        /// where the search in the usual places stopped at its limits (`walk`).
        pub path: Vec<u8>,
        /// Why it was looked at: `bound` (a listener's name), `walk` (found in the usual places) or
        /// `exe` (where a deleted executable was).
        pub found_by: Vec<u8>,
        /// `errno` of looking; 0: what follows is known.
        pub errno: u16,
        /// Device as stat(2) has it.
        pub dev: u64,
        /// Inode.
        pub ino: u64,
        /// Type and permissions (`st_mode`).
        pub mode: u32,
        /// Owner.
        pub uid: u32,
        /// Group.
        pub gid: u32,
        /// Link count.
        pub nlink: u32,
        /// `st_mode` of each parent directory from the root down, as 32-bit little-endian integers.
        pub parent_modes: Vec<u8>,
    }
}
