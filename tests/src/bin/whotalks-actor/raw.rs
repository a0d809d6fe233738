//! System calls that need `unsafe`. Nothing else belongs here.
#![allow(
    unsafe_code,
    reason = "the states under test (a zombie leader, a private table, an inherited number, a fork) \
              are exactly those that safe code cannot make; getrusage(2), seccomp(2) and one socket \
              option have no safe wrapper in rustix"
)]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Result;
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Exits the calling thread only, as `pthread_exit`, but without running handlers.
pub(crate) fn leave_thread() -> ! {
    loop {
        // SAFETY: `exit(2)` touches no memory; the caller's frames are never returned to, and own
        // nothing that another thread borrows.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
}

/// Gives the calling thread a private descriptor table, a copy of the process's.
pub(crate) fn unshare_table() -> Result<()> {
    // SAFETY: the caller is a thread created for this; it uses only descriptors that it creates
    // afterwards, and passes none to others.
    unsafe { unshare_unsafe(UnshareFlags::FILES) }
}

/// A descriptor inherited under this number.
pub(crate) fn adopt(fd: i32) -> OwnedFd {
    // SAFETY: called once for each number, at the start of main, for numbers that are open and
    // above standard error; nothing else in this process uses them.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Forks this single-threaded process; the child runs a function and exits. Returns its process id.
pub(crate) fn fork(work: impl FnOnce() -> bool) -> Result<libc::pid_t> {
    // SAFETY: there is no other thread whose locks the child could miss; it leaves through _exit(2),
    // so that nothing of the parent's is flushed or dropped twice.
    match unsafe { libc::fork() } {
        -1 => Err(rustix::io::Errno::AGAIN),
        0 => {
            let code = i32::from(!work());
            // SAFETY: as above; it does not return.
            unsafe { libc::_exit(code) }
        }
        child => Ok(child),
    }
}

/// Waits for a child; fails if it failed.
pub(crate) fn wait(child: libc::pid_t) -> Result<()> {
    let mut status = 0;
    // SAFETY: the kernel writes one integer, which is there.
    let done = unsafe { libc::waitpid(child, &raw mut status, 0) };
    if done == child && status == 0 {
        Ok(())
    } else {
        Err(rustix::io::Errno::CHILD)
    }
}

/// The cookie of this process's network namespace: `SO_NETNS_COOKIE`.
pub(crate) fn netns_cookie(socket: BorrowedFd<'_>) -> Result<u64> {
    let mut cookie = 0_u64;
    let mut length = size_of::<u64>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to `cookie`, which has that many.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    if done == 0 {
        Ok(cookie)
    } else {
        Err(rustix::io::Errno::NOPROTOOPT)
    }
}

/// Resource usage of the children waited for: user time, system time, and the largest peak of
/// resident memory in kilobytes.
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

/// Installs a seccomp filter for all further system calls, of this process and all programs that it
/// executes.
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
