//! What a process can do only without Rust's protection. Nothing else belongs here.
#![allow(
    unsafe_code,
    reason = "the states under test (a zombie leader, a private table, an inherited number) are \
              exactly those that safe code cannot make; getrusage(2) and seccomp(2) have no safe \
              wrapper in rustix"
)]

use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Result;
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Ends the calling thread alone, as `pthread_exit` would, but runs nothing on the way.
pub(crate) fn leave_thread() -> ! {
    loop {
        // SAFETY: `exit(2)` touches no memory; the caller's frames are never returned to, and own
        // nothing that another thread borrows.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
}

/// Gives the calling thread a descriptor table of its own, a copy of the process's.
pub(crate) fn unshare_table() -> Result<()> {
    // SAFETY: the caller is a thread that was made for this; it uses only descriptors that it makes
    // afterwards, and gives none away.
    unsafe { unshare_unsafe(UnshareFlags::FILES) }
}

/// A descriptor that the parent left open for us under this number.
pub(crate) fn adopt(fd: i32) -> OwnedFd {
    // SAFETY: called once for each number, at the start of main, for numbers that are open and
    // above standard error; nobody else in this process knows of them.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// What the children that were waited for have used: as user, in the kernel; and the largest one's
/// peak of resident memory in kilobytes.
pub(crate) fn children_usage() -> (Duration, Duration, u64) {
    // SAFETY: the structure is plain integers, for which zeros are valid, and getrusage(2) writes
    // no more than it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let time = |time: libc::timeval| {
        let part = u64::try_from(time.tv_usec).unwrap_or(0);
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0)) + Duration::from_micros(part)
    };
    (
        time(usage.ru_utime),
        time(usage.ru_stime),
        u64::try_from(usage.ru_maxrss).unwrap_or(0),
    )
}

/// Lets the kernel ask this program about every system call from now on; for ever, and for whatever
/// this process becomes.
pub(crate) fn install_filter(program: &[libc::sock_filter]) -> Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| rustix::io::Errno::INVAL)?,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies `len` instructions, which are there, and checks each of them.
    let done = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(rustix::io::Errno::PERM)
    }
}
