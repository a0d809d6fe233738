//! Reads the threads of a process: what each is blocked in, and whether its descriptor table is
//! private.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, pread};
use whotalks_snapshot::records::{Process, Wait};

use super::memory::{self, Memory, Operands};
use super::process::{Decimal, OpenProcess, stat_field, status_numbers, unescaped_comm};
use super::{errno_number, numeric_entries, read_single_open};
use crate::sys;

/// `syscall`, `wchan` and `comm` have one line each.
const LINE_BYTES: usize = 512;
/// `status` is far shorter.
const STATUS_BYTES: usize = 64 << 10;
/// Indices in `stat`, from 1, of the flags and the number of threads.
const FLAGS: usize = 9;
const THREADS: usize = 20;
/// `PF_KTHREAD`: a kernel thread.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// Whether the process is a kernel thread.
pub(crate) fn is_kernel_thread(process: &OpenProcess) -> bool {
    let flags = stat_field(&process.record.stat, FLAGS);
    flags.is_some_and(|flags| flags & KERNEL_THREAD != 0)
}

/// Returns the thread ids with the main thread, ascending; none for kernel threads.
pub(crate) fn thread_ids(process: &OpenProcess) -> Vec<u32> {
    let stat = &process.record.stat;
    let pid = process.record.pid;
    if is_kernel_thread(process) {
        return Vec::new();
    }
    if stat_field(stat, THREADS) == Some(1) {
        return vec![pid];
    }
    let tasks = process.open("task");
    let mut listed = tasks.and_then(numeric_entries).unwrap_or_default();
    listed.sort_unstable();
    if listed.is_empty() {
        listed.push(pid);
    }
    listed
}

/// What is not read of a thread, because it may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skip {
    /// The system call, which the kernel reads from the stopped thread.
    pub(crate) call: bool,
    /// Why memory is not read, if it is not.
    pub(crate) memory: Option<Errno>,
}

/// Reads what a thread is blocked in, and what the arguments of its call point to.
pub(super) fn read_wait(process: &OpenProcess, tid: u32, skip: Skip, memory: &mut Memory) -> Wait {
    let mut wait = Wait {
        pid: process.record.pid,
        tid,
        ..Wait::default()
    };
    // The files of the main thread are also in the directory of the process.
    let opened: OwnedFd;
    let task = if tid == wait.pid {
        process.directory()
    } else {
        match process.open_path(&task_path(tid)) {
            Ok(task) => {
                opened = task;
                Ok(opened.as_fd())
            }
            Err(errno) => Err(errno),
        }
    };
    let task = match task {
        Ok(task) => task,
        Err(errno) => {
            wait.syscall_errno = errno_number(errno);
            wait.wchan_errno = wait.syscall_errno;
            return wait;
        }
    };
    if skip.call {
        wait.syscall_errno = errno_number(Errno::TIMEDOUT);
    } else {
        read_call(process, task, skip, &mut wait, memory);
    }
    let read = |name, into: &mut Vec<u8>| {
        let read = read_single_open(task, name, LINE_BYTES, into);
        while into.last() == Some(&b'\n') {
            into.pop();
        }
        read.err().map_or(0, errno_number)
    };
    wait.wchan_errno = read(c"wchan", &mut wait.wchan);
    match unescaped_comm(&process.record.stat).filter(|_| tid == wait.pid) {
        Some(name) => wait.comm.extend_from_slice(name),
        None => _ = read(c"comm", &mut wait.comm),
    }
    wait
}

/// Reads the call of a thread, then what its arguments point to, then the call again: if it has
/// changed, the memory may be that of another call.
fn read_call(
    process: &OpenProcess,
    task: BorrowedFd<'_>,
    skip: Skip,
    wait: &mut Wait,
    memory: &mut Memory,
) {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let opened = openat(task, c"syscall", flags, Mode::empty());
    let mut line = [0; LINE_BYTES];
    let read = opened.and_then(|file| {
        wait.syscall.extend_from_slice(read_line(&file, &mut line)?);
        Ok(file)
    });
    let file = match read {
        Ok(file) => file,
        Err(errno) => {
            wait.syscall_errno = errno_number(errno);
            return;
        }
    };
    let Some(operands) = Operands::of(&wait.syscall) else {
        return;
    };
    let read = match skip.memory {
        Some(errno) => Err(errno),
        None => process
            .memory_directory()
            .and_then(|process| memory.read(process, operands, &mut wait.memory)),
    };
    if let Err(errno) = read {
        wait.memory_errno = errno_number(errno);
        return;
    }
    if read_line(&file, &mut line) != Ok(&wait.syscall) {
        wait.memory.clear();
        wait.memory_errno = errno_number(Errno::AGAIN);
    }
}

/// Reads the line of a file that the kernel writes anew for each read from its start.
fn read_line<'a>(file: &OwnedFd, line: &'a mut [u8; LINE_BYTES]) -> Result<&'a [u8], Errno> {
    let count = loop {
        match pread(file, &mut *line, 0) {
            Err(Errno::INTR) => {}
            read => break read?,
        }
    };
    Ok(line[..count].trim_ascii_end())
}

/// The directory of a thread below that of its process.
fn task_path(tid: u32) -> String {
    ["task/", Decimal::new(tid).as_str()].concat()
}

/// Whether the threads of a process have other ids in its own pid namespace.
pub(super) fn is_nested(record: &Process) -> bool {
    status_numbers(&record.status, b"NSpid:").count() > 1
}

/// Whether a thread may wait for a lock whose memory has the thread id of its owner.
pub(super) fn may_wait_for_lock(wait: &Wait) -> bool {
    !wait.memory.is_empty() && memory::is_futex(&wait.syscall)
}

/// Returns the id of a thread in its innermost pid namespace; 0 if it cannot be read.
pub(super) fn innermost_tid(process: &OpenProcess, tid: u32) -> u32 {
    let mut status = Vec::new();
    let path = [&task_path(tid), "/status"].concat();
    let read = process
        .directory()
        .and_then(|directory| read_single_open(directory, path, STATUS_BYTES, &mut status));
    let ids = read
        .ok()
        .and_then(|()| status_numbers(&status, b"NSpid:").last());
    ids.unwrap_or(0)
}

/// Whether a thread has a private descriptor table; `None` if the kernel does not tell.
pub(crate) fn has_private_table(main: u32, tid: u32) -> Option<bool> {
    match sys::same_descriptor_table(main, tid) {
        Ok(same) => Some(!same),
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Some(false),
        Err(_) => None,
    }
}
