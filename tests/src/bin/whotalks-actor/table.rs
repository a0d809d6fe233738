//! The descriptor table of the actor, from its own system calls.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType, OFlags};
use rustix::io::FdFlags;
use whotalks_tests::protocol::{Descriptor, What};

use crate::raw;

/// The open descriptors. Shared, because a blocked thread uses its descriptor too.
#[derive(Debug, Default)]
pub(crate) struct Table {
    open: BTreeMap<i32, Arc<OwnedFd>>,
}

impl Table {
    /// Adds a descriptor, and describes it.
    pub(crate) fn add(&mut self, fd: OwnedFd) -> Result<Descriptor> {
        let described = describe(fd.as_fd(), None)?;
        self.open.insert(fd.as_raw_fd(), Arc::new(fd));
        Ok(described)
    }

    pub(crate) fn get(&self, fd: i32) -> Result<Arc<OwnedFd>> {
        let missing = || Error::other(format!("this actor has no descriptor {fd}"));
        self.open.get(&fd).cloned().ok_or_else(missing)
    }

    /// Closes a descriptor.
    pub(crate) fn close(&mut self, fd: i32) -> Result<()> {
        let held = self.get(fd)?;
        self.open.remove(&fd);
        match Arc::into_inner(held) {
            Some(_) => Ok(()),
            None => Err(Error::other(format!("descriptor {fd} is in use"))),
        }
    }

    /// Describes all descriptors.
    pub(crate) fn rows(&self) -> Result<Vec<Descriptor>> {
        self.open
            .values()
            .map(|fd| describe(fd.as_fd(), None))
            .collect()
    }
}

/// Describes one descriptor.
pub(crate) fn describe(fd: BorrowedFd<'_>, tid: Option<u32>) -> Result<Descriptor> {
    let stat = rustix::fs::fstat(fd)?;
    let mode = rustix::fs::fcntl_getfl(fd)? & OFlags::RWMODE;
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Socket => What::Socket(rustix::net::sockopt::socket_cookie(fd)?),
        FileType::Fifo => What::Pipe,
        _ => What::Other,
    };
    Ok(Descriptor {
        tid,
        fd: fd.as_raw_fd(),
        what,
        inode: stat.st_ino,
        cloexec: rustix::io::fcntl_getfd(fd)?.contains(FdFlags::CLOEXEC),
        reads: mode != OFlags::WRONLY,
        writes: mode != OFlags::RDONLY,
    })
}

/// The descriptor numbers of the calling thread, from the kernel.
///
/// Contains the descriptor of the directory itself, which is closed again.
pub(crate) fn numbers() -> Result<Vec<i32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir("/proc/thread-self/fd")? {
        numbers.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok()),
        );
    }
    Ok(numbers)
}

/// Closes inherited descriptors that are not part of the scenario.
pub(crate) fn close_strays(adopted: &[i32]) {
    for fd in numbers().unwrap_or_default() {
        let open = std::fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok();
        if fd > 2 && open && !adopted.contains(&fd) {
            drop(raw::adopt(fd));
        }
    }
}
