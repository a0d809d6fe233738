//! Reads the threads of a process: what each is blocked in, and whether its descriptor table is
//! private.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use whotalks_snapshot::records::Wait;

use super::process::{Decimal, OpenProcess, stat_field, unescaped_comm};
use super::{errno_number, numeric_entries, read_single_open};
use crate::sys;

/// `syscall`, `wchan` and `comm` have one line each.
const LINE_BYTES: usize = 512;
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

/// Returns the thread ids with the main thread; none for kernel threads.
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
    let listed = tasks.and_then(numeric_entries);
    listed
        .ok()
        .filter(|tids| !tids.is_empty())
        .unwrap_or_else(|| vec![pid])
}

/// Reads what a thread is blocked in. `skip_blocking` leaves out the system call, which the kernel
/// reads from the stopped thread.
pub(crate) fn read_wait(process: &OpenProcess, tid: u32, skip_blocking: bool) -> Wait {
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
        let path = ["task/", Decimal::new(tid).as_str()].concat();
        match process.open(&path) {
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
    let read = |name, into: &mut Vec<u8>| {
        let read = read_single_open(task, name, LINE_BYTES, into);
        while into.last() == Some(&b'\n') {
            into.pop();
        }
        read.err().map_or(0, errno_number)
    };
    wait.syscall_errno = if skip_blocking {
        errno_number(Errno::TIMEDOUT)
    } else {
        read(c"syscall", &mut wait.syscall)
    };
    wait.wchan_errno = read(c"wchan", &mut wait.wchan);
    match unescaped_comm(&process.record.stat).filter(|_| tid == wait.pid) {
        Some(name) => wait.comm.extend_from_slice(name),
        None => _ = read(c"comm", &mut wait.comm),
    }
    wait
}

/// Whether a thread has a private descriptor table; `None` if the kernel does not tell.
pub(crate) fn has_private_table(main: u32, tid: u32) -> Option<bool> {
    match sys::same_descriptor_table(main, tid) {
        Ok(same) => Some(!same),
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Some(false),
        Err(_) => None,
    }
}
