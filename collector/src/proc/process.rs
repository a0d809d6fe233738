//! Reads the files of one process below `/proc/PID`, and records which of them could not be read.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, openat};
use rustix::io::Errno;
use whotalks_snapshot::records::{Process, ReadError};

use super::{
    errno_number, namespace_inode, numeric_entries, open_directory, read_link, read_single_open,
};
use crate::clock;
use crate::file_stat::FileStat;

/// `stat`, `status`, `cgroup` and `limits` are far shorter than this on any kernel.
const TEXT_LIMIT_BYTES: usize = 64 << 10;
/// A command line may have megabytes. The rest is not needed to identify the program.
const CMDLINE_LIMIT_BYTES: usize = 64 << 10;
/// The longest link that the kernel returns: one page.
pub(crate) const LINK_BYTES: usize = 4097;

/// A process that is being read.
pub(crate) struct OpenProcess {
    /// `/proc/PID`. While it is open, a new process with the same pid cannot be taken for this one.
    directory: Result<OwnedFd, Errno>,
    /// `/proc/PID/task/TID`, if the main thread has exited.
    thread: Option<OwnedFd>,
    /// The record of the process.
    pub(crate) record: Process,
    /// Its IPC namespace (inode); 0 if unreadable.
    pub(crate) ipcns: u64,
}

/// Index in `stat` of the start time, in ticks since boot.
const START_TICKS: usize = 22;

impl OpenProcess {
    /// Returns the open directory of the process.
    pub(crate) fn directory(&self) -> Result<BorrowedFd<'_>, Errno> {
        let directory = self.directory.as_ref().map_err(|errno| *errno)?;
        Ok(directory.as_fd())
    }

    /// Opens a directory below it.
    pub(crate) fn open(&self, path: &str) -> Result<OwnedFd, Errno> {
        open_directory(self.directory()?, path)
    }

    /// Opens a directory below it for lookups only, which takes less time.
    pub(crate) fn open_path(&self, path: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(self.directory()?, path, flags, Mode::empty())
    }

    /// Returns the directory whose `mem` is the memory of the process: that of a running thread.
    pub(crate) fn memory_directory(&self) -> Result<BorrowedFd<'_>, Errno> {
        match &self.thread {
            Some(thread) => Ok(thread.as_fd()),
            None => self.directory(),
        }
    }

    /// Opens the descriptors of a thread; 0 for those of the process, through a running thread.
    pub(crate) fn descriptors(&self, tid: u32) -> Result<OwnedFd, Errno> {
        match (tid, &self.thread) {
            (0, Some(thread)) => open_directory(thread, c"fd"),
            (0, None) => open_directory(self.directory()?, c"fd"),
            (tid, _) => self.open(&["task/", Decimal::new(tid).as_str(), "/fd"].concat()),
        }
    }
}

/// Returns the start time in ticks since boot. With the pid it identifies the process.
pub(crate) fn start_ticks(record: &Process) -> u64 {
    stat_field(&record.stat, START_TICKS).unwrap_or(0)
}

/// Opens a process to read its descriptors again. Its record stays empty.
pub(crate) fn reopen(root: &OwnedFd, pid: u32) -> OpenProcess {
    let directory = open_path(root, pid);
    let thread = directory.as_ref().ok().and_then(|directory| {
        // Only if the main thread has exited.
        let mut stat = Vec::new();
        read_single_open(directory, c"stat", TEXT_LIMIT_BYTES, &mut stat).ok()?;
        Some(living_thread(directory, pid, &stat)?.1)
    });
    let record = Process {
        pid,
        ..Process::default()
    };
    OpenProcess {
        directory,
        thread,
        record,
        ipcns: 0,
    }
}

fn open_path(root: &OwnedFd, pid: u32) -> Result<OwnedFd, Errno> {
    // `O_PATH`: with hidepid the directory of another user's process cannot be opened for reading.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(root, Decimal::new(pid).as_str(), flags, Mode::empty())
}

/// Reads a process. Returns `None` if it exited before anything was read. `cmdline` is the reason
/// for not reading the arguments, if any: they are in the process's memory, and reading them may
/// block.
pub(crate) fn read(root: &OwnedFd, pid: u32, cmdline: Result<(), Errno>) -> Option<OpenProcess> {
    let mut record = Process {
        pid,
        at_boottime_ns: clock::read_time_ns(),
        ..Process::default()
    };
    let directory = match open_path(root, pid) {
        Ok(directory) => directory,
        Err(errno) if is_gone(errno) => return None,
        // The process exists and cannot be read, for example because no descriptors are left.
        Err(errno) => {
            record.errors = read_error("directory", errno);
            return Some(OpenProcess {
                directory: Err(errno),
                thread: None,
                record,
                ipcns: 0,
            });
        }
    };
    let main = directory.as_fd();
    let mut errors = Vec::new();
    let mut text = |at: BorrowedFd<'_>, name: &'static str, limit, into: &mut Vec<u8>| {
        if let Err(errno) = read_single_open(at, name, limit, into) {
            errors.push((name, errno));
        }
    };
    text(main, "stat", TEXT_LIMIT_BYTES, &mut record.stat);
    text(main, "status", TEXT_LIMIT_BYTES, &mut record.status);
    text(main, "cgroup", TEXT_LIMIT_BYTES, &mut record.cgroup);
    text(main, "limits", TEXT_LIMIT_BYTES, &mut record.limits);
    match cmdline {
        Ok(()) => text(main, "cmdline", CMDLINE_LIMIT_BYTES, &mut record.cmdline),
        Err(errno) => errors.push(("cmdline", errno)),
    }
    if record.stat.is_empty() && errors.iter().any(|(_, errno)| is_gone(*errno)) {
        return None;
    }
    let thread = living_thread(&directory, pid, &record.stat);
    if let Some((tid, _)) = &thread {
        record.via_tid = *tid;
    }
    let thread = thread.map(|(_, directory)| directory);
    if let Some(thread) = thread.as_ref().filter(|_| cmdline.is_ok()) {
        // The main thread has released its memory, which contains the arguments.
        let into = &mut record.cmdline;
        if let Err(errno) = read_single_open(thread, "cmdline", CMDLINE_LIMIT_BYTES, into) {
            errors.push(("cmdline", errno));
        }
    }
    let living = thread.as_ref().unwrap_or(&directory).as_fd();
    let ipcns = read_links(living, &mut record, &mut errors);
    record.errors = errors
        .into_iter()
        .flat_map(|(what, errno)| read_error(what, errno))
        .collect();
    Some(OpenProcess {
        directory: Ok(directory),
        thread,
        record,
        ipcns,
    })
}

/// Returns the entry for something that could not be read.
pub(crate) fn read_error(what: &str, errno: Errno) -> Vec<ReadError> {
    vec![ReadError {
        what: what.as_bytes().to_vec(),
        errno: errno_number(errno),
    }]
}

/// Whether an error means that the process has exited.
pub(crate) fn is_gone(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::SRCH)
}

/// Reads the links of a process into its record. Returns its IPC namespace.
fn read_links(
    at: BorrowedFd<'_>,
    record: &mut Process,
    errors: &mut Vec<(&'static str, Errno)>,
) -> u64 {
    let mut buffer = [0; LINK_BYTES];
    let mut link =
        |name: &'static str, take: &mut dyn FnMut(&[u8])| match read_link(at, name, &mut buffer) {
            Ok(target) => take(target),
            Err(errno) => errors.push((name, errno)),
        };
    link("exe", &mut |target| record.exe = target.to_vec());
    link("cwd", &mut |target| record.cwd = target.to_vec());
    link("root", &mut |target| record.root = target.to_vec());
    let mut namespace = |name, into: &mut u64| {
        link(name, &mut |target| {
            *into = namespace_inode(target).unwrap_or(0)
        });
    };
    namespace("ns/net", &mut record.netns);
    namespace("ns/mnt", &mut record.mntns);
    namespace("ns/pid", &mut record.pidns);
    namespace("ns/user", &mut record.userns);
    namespace("ns/cgroup", &mut record.cgroupns);
    let mut ipcns = 0;
    namespace("ns/ipc", &mut ipcns);
    if !record.exe.is_empty() {
        match FileStat::of(at, c"exe", AtFlags::empty()) {
            Ok(file) => {
                record.exe_dev = file.dev;
                record.exe_ino = file.ino;
                record.exe_nlink = Some(file.nlink);
            }
            Err(errno) => errors.push(("exe:stat", errno)),
        }
    }
    ipcns
}

/// Returns the command name in `stat`, unless it contains escapes.
pub(crate) fn unescaped_comm(stat: &[u8]) -> Option<&[u8]> {
    let start = stat.iter().position(|byte| *byte == b'(')? + 1;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let name = stat.get(start..end)?;
    (!name.contains(&b'\\')).then_some(name)
}

/// Returns the state letter in `stat`. It follows the last `)`, because the command name may
/// contain any character.
fn state(stat: &[u8]) -> Option<u8> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(end + 2).copied()
}

/// Returns a numeric field of `stat`, by its index in proc_pid_stat(5), from 3 on.
pub(crate) fn stat_field(stat: &[u8], index: usize) -> Option<u64> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut words = stat.get(end + 2..)?.split(|byte| *byte == b' ');
    let word = words.nth(index.checked_sub(3)?)?;
    std::str::from_utf8(word).ok()?.trim_end().parse().ok()
}

/// Returns a running thread if the main thread has exited: it still has the descriptors and memory.
fn living_thread(directory: &OwnedFd, pid: u32, stat: &[u8]) -> Option<(u32, OwnedFd)> {
    if state(stat)? != b'Z' {
        return None;
    }
    let tasks = open_directory(directory, c"task").ok()?;
    let mut stat = Vec::new();
    for tid in numeric_entries(&tasks).ok()? {
        if tid == pid {
            continue;
        }
        let Ok(task) = open_directory(&tasks, Decimal::new(tid).as_str()) else {
            continue;
        };
        let read = read_single_open(&task, c"stat", TEXT_LIMIT_BYTES, &mut stat);
        if read.is_ok() && !matches!(state(&stat), None | Some(b'Z' | b'X')) {
            return Some((tid, task));
        }
    }
    None
}

/// A number formatted as a path, without an allocation.
pub(crate) struct Decimal {
    text: [u8; 10],
    start: usize,
}

impl Decimal {
    pub(crate) fn new(mut number: u32) -> Self {
        let mut text = [b'0'; 10];
        let mut start = text.len();
        loop {
            start -= 1;
            text[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Self { text, start };
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[self.start..]).unwrap_or_default()
    }
}

/// Returns the user ids in `status`: real, effective, saved, file system.
pub(crate) fn user_ids(status: &[u8]) -> impl Iterator<Item = u32> {
    status_numbers(status, b"Uid:")
}

/// Returns the numbers of the line of `status` that begins with a key.
pub(crate) fn status_numbers<'a>(status: &'a [u8], key: &[u8]) -> impl Iterator<Item = u32> + 'a {
    let mut lines = status.split(|byte| *byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(key));
    let words = line.unwrap_or_default().split(|byte| *byte == b'\t');
    words.filter_map(super::parse_decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_name_cannot_imitate_the_state() {
        assert_eq!(state(b"12 (a) Z (x) S 1 12"), Some(b'S'));
        assert_eq!(stat_field(b"12 (a) Z (x) S 1 12", 4), Some(1));
        assert_eq!(stat_field(b"12 (a) Z (x) S 1 12\n", 5), Some(12));
        assert_eq!(stat_field(b"12 (a) S", 22), None);
        assert_eq!(state(b"12 (a"), None);
        assert_eq!(state(b"12 (a)"), None);
        assert_eq!(
            unescaped_comm(b"12 (a) Z (x) S 1 12"),
            Some(&b"a) Z (x"[..])
        );
        assert_eq!(unescaped_comm(b"12 (a\\nb) S 1"), None);
        assert_eq!(unescaped_comm(b"12 )("), None);
    }

    #[test]
    fn numbers_and_users() {
        for number in [0, 7, 10, 4_194_304, u32::MAX] {
            assert_eq!(Decimal::new(number).as_str(), number.to_string());
        }
        let status = b"Name:\tx\nUid:\t0\t1000\t4294967295\t7\nGid:\t9\n";
        assert!(user_ids(status).eq([0, 1000, u32::MAX, 7]));
        assert_eq!(user_ids(b"Name:\tx\n").count(), 0);
        assert!(status_numbers(b"Name:\tx\nNSpid:\t812\t7\n", b"NSpid:").eq([812, 7]));
    }
}
