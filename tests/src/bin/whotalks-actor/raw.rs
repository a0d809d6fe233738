//! The three things a process can do only without Rust's protection. Nothing else belongs here.
#![allow(
    unsafe_code,
    reason = "the states under test (a zombie leader, a private table, an inherited number) are \
              exactly those that safe code cannot make"
)]

use std::os::fd::{FromRawFd, OwnedFd};

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
