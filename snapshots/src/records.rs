//! The records of a capture: what the collector read, not interpreted.
//!
//! Kernel text is stored as the bytes that were read. A field that could not be read is empty *and*
//! listed in the record's `errors`, so that missing differs from empty. All times are in
//! nanoseconds; *boot clock* is `CLOCK_BOOTTIME`.

use crate::record;

record! {
    /// The machine, and how the collector was started. First block of a capture.
    pub struct Host {
        /// `nodename` of uname(2).
        pub hostname: Vec<u8>,
        /// `/proc/sys/kernel/random/boot_id`, without the line end.
        pub boot_id: Vec<u8>,
        /// A keyed hash of `/etc/machine-id` in hexadecimal, never the id itself; empty if there is
        /// none.
        pub machine_id: Vec<u8>,
        /// `sysname`, `release`, `version`, `machine` of uname(2), each ended by a NUL.
        pub uname: Vec<u8>,
        /// `/etc/os-release` (bounded).
        pub os_release: Vec<u8>,
        /// 1: little-endian. 2: big-endian.
        pub byte_order: u8,
        /// Size of a pointer in bits.
        pub pointer_bits: u8,
        /// `sysconf(_SC_PAGESIZE)`, bytes.
        pub page_bytes: u32,
        /// `sysconf(_SC_CLK_TCK)`: ticks per second of the times in `stat`.
        pub ticks_per_second: u32,
        /// `CLOCK_REALTIME` at the start of the capture.
        pub started_realtime_ns: u64,
        /// Boot clock at the same time.
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
        /// The collector's pid, in its pid namespace.
        pub collector_pid: u32,
    }
}

record! {
    /// The end of a complete capture. Last block of a capture.
    pub struct CaptureEnd {
        /// `CLOCK_REALTIME` at the end of the capture.
        pub ended_realtime_ns: u64,
        /// Boot clock at the same time.
        pub ended_boottime_ns: u64,
        /// Processes in `/proc` at the first look.
        pub processes_seen: u64,
        /// Processes that exited before anything of them was read.
        pub processes_vanished: u64,
        /// Descriptors recorded.
        pub descriptors: u64,
        /// Messages in the Unix dumps.
        pub unix_sockets: u64,
        /// Processes whose descriptors could not be listed (permission).
        pub processes_denied: u64,
        /// Processes with descriptors whose links could not be read.
        pub processes_partial: u64,
        /// What the second look covered. 0: nothing. 1: new processes. 2: also all tables of the
        /// first look; those without records of pass 2 are unchanged. 3: stopped at its deadline.
        pub second_look: u8,
        /// Boot clock at the end of the first look at descriptors.
        pub descriptors_boottime_ns: u64,
        /// Boot clock at the end of the first look at tables.
        pub tables_boottime_ns: u64,
        /// `Host.started_realtime_ns`, to find a capture of a series by its time.
        pub started_realtime_ns: u64,
    }
}

record! {
    /// Something that could not be read.
    pub struct ReadError {
        /// A file name below `/proc/PID` (`fd`, `exe`, `cmdline`, `ns/net`, …).
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
        /// The thread through which the process was read if its main thread had exited, else 0.
        pub via_tid: u32,
        /// `/proc/PID/stat`.
        pub stat: Vec<u8>,
        /// `/proc/PID/status`.
        pub status: Vec<u8>,
        /// `/proc/PID/cgroup`.
        pub cgroup: Vec<u8>,
        /// `/proc/PID/cmdline` (bounded): arguments, each ended by a NUL.
        pub cmdline: Vec<u8>,
        /// Target of the link `/proc/PID/exe`, with the kernel's suffix ` (deleted)` if present.
        pub exe: Vec<u8>,
        /// Link count of the executable (`st_nlink`): 0 if it was deleted.
        pub exe_nlink: Option<u32>,
        /// Device and inode of the executable, as stat(2) has them.
        pub exe_dev: u64,
        /// See `exe_dev`.
        pub exe_ino: u64,
        /// Target of the link `/proc/PID/cwd`.
        pub cwd: Vec<u8>,
        /// Target of the link `/proc/PID/root`.
        pub root: Vec<u8>,
        /// Namespace inodes, from the links in `/proc/PID/ns`; 0 if unreadable.
        pub netns: u64,
        /// See `netns`.
        pub mntns: u64,
        /// See `netns`.
        pub pidns: u64,
        /// See `netns`.
        pub userns: u64,
        /// See `netns`.
        pub cgroupns: u64,
        /// `/proc/PID/limits`, or empty.
        pub limits: Vec<u8>,
        /// Boot clock when the process was read.
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
        /// The thread, if its table is private; else 0.
        pub tid: u32,
        /// The descriptor.
        pub fd: u32,
        /// The text (bounded).
        pub text: Vec<u8>,
        /// `errno` if the text could not be read, else 0.
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
        /// `errno` if `syscall` could not be read, else 0.
        pub syscall_errno: u16,
        /// `/proc/PID/task/TID/wchan`.
        pub wchan: Vec<u8>,
        /// `errno` if `wchan` could not be read, else 0.
        pub wchan_errno: u16,
        /// `/proc/PID/task/TID/comm`, without the line end.
        pub comm: Vec<u8>,
        /// What the arguments of the call point to: [`MemoryRead`] records, one after the other.
        pub memory: Vec<u8>,
        /// `errno` if memory was to be read and could not be, else 0; EAGAIN: the thread continued
        /// meanwhile, and what was read was dropped.
        pub memory_errno: u16,
        /// Thread id in the innermost pid namespace of the process; 0: not read.
        pub ns_tid: u32,
    }
}

record! {
    /// A part of the memory of a process.
    pub struct MemoryRead {
        /// Address of its first byte in the process.
        pub address: u64,
        /// The bytes.
        pub bytes: Vec<u8>,
        /// `errno` that ended reading; 0 if complete. E2BIG: the collector reads no more.
        pub errno: u16,
    }
}

record! {
    /// A network namespace.
    pub struct Netns {
        /// Its inode.
        pub inode: u64,
        /// `SO_NETNS_COOKIE`, unique until the next boot; `None` if unknown.
        pub cookie: Option<u64>,
        /// How it was discovered: `process`, `mount`, `descriptor` or `socket`.
        pub found_by: Vec<u8>,
        /// The process through which it was discovered; 0 for a mount.
        pub pid: u32,
        /// The path of the mount point or descriptor through which it was discovered, else empty.
        pub path: Vec<u8>,
        /// Whether it is the collector's own namespace.
        pub own: bool,
        /// `errno` of entering it; 0 if entered or own.
        pub enter_errno: u16,
    }
}

record! {
    /// The header of a raw block. Bytes of the kernel follow it.
    pub struct RawHeader {
        /// Name of the source, from the list in FORMAT.md (`diag/unix`, `net/unix`, `mountinfo`,
        /// …).
        pub source: Vec<u8>,
        /// Network namespace of the source; 0 if none.
        pub netns: u64,
        /// Mount namespace of the source; 0 if none.
        pub mntns: u64,
        /// Process that the source belongs to or was read through; 0 if none.
        pub pid: u32,
        /// The pass: 1, or 2 for the second look.
        pub pass: u8,
        /// Number of the block in its source, from 0.
        pub part: u32,
        /// Whether this is the last block of the source. A source without a last block is
        /// truncated.
        pub last: bool,
        /// `errno` that ended the source, in its last block; 0 if complete.
        pub errno: u16,
        /// Bits [`RawHeader::INTERRUPTED`], [`RawHeader::TRUNCATED`], [`RawHeader::NO_MODULE`].
        pub flags: u32,
        /// Boot clock when reading began.
        pub at_boottime_ns: u64,
        /// Selects a part of the source (a listener's inode for `diag/unix-exact`), or 0.
        pub key: u64,
        /// Number of the attempt, from 0: a dump that the kernel flagged as interrupted is
        /// repeated. All attempts are stored, since each may have rows that the others lack.
        pub attempt: u8,
    }
}

impl RawHeader {
    /// The kernel flagged the dump as inconsistent (`NLM_F_DUMP_INTR`).
    pub const INTERRUPTED: u32 = 1;
    /// The source is incomplete: a limit was reached, or a dump was truncated.
    pub const TRUNCATED: u32 = 2;
    /// Not requested, because the kernel would load a module (`--passive`).
    pub const NO_MODULE: u32 = 4;
}

record! {
    /// The name of a user id in the capture.
    pub struct User {
        /// User id in the collector's user namespace.
        pub uid: u32,
        /// Name in the machine's `/etc/passwd`.
        pub name: Vec<u8>,
    }
}

record! {
    /// A path that a socket is or may be bound to, in one mount namespace.
    pub struct BoundPath {
        /// Mount namespace.
        pub mntns: u64,
        /// Process through whose root it was looked up; 0: the collector's own.
        pub pid: u32,
        /// The path as bound. A relative path was looked up from the working directory of `pid`.
        /// Empty: the record is about the whole mount namespace, whose lookups failed or are
        /// incomplete (`found_by` empty), or whose walk stopped at its limits (`walk`).
        pub path: Vec<u8>,
        /// Why it was looked up: `bound` (name of a listener), `walk` (found in the usual
        /// directories) or `exe` (former path of a deleted executable).
        pub found_by: Vec<u8>,
        /// `errno` of the lookup; 0 if the following fields are known.
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
