//! Opens a network namespace: through a process in it, a descriptor of it, or its mount point.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::discovered::NetnsSource;
use crate::file_stat::{FileStat, nsfs_device};
use crate::netns::Namespace;
use crate::timeout::HelperThread;

/// Namespaces that could not be opened in time, by inode. They are not tried again.
#[derive(Default)]
pub(crate) struct UnresponsiveNetns(Mutex<BTreeSet<u64>>);

impl UnresponsiveNetns {
    fn namespaces(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a namespace.
    pub(crate) fn open(
        &self,
        root: &Arc<OwnedFd>,
        namespace: &Namespace,
        helper: &mut HelperThread,
    ) -> Result<Arc<OwnedFd>, Errno> {
        if self.namespaces().contains(&namespace.inode) {
            return Err(Errno::TIMEDOUT);
        }
        let file = open_verified(root, namespace, helper);
        if file.as_ref().err() == Some(&Errno::TIMEDOUT) {
            self.namespaces().insert(namespace.inode);
        }
        file
    }
}

/// Opens a namespace with a deadline, and checks its inode. The path may cross a file system that
/// does not respond.
fn open_verified(
    root: &Arc<OwnedFd>,
    namespace: &Namespace,
    helper: &mut HelperThread,
) -> Result<Arc<OwnedFd>, Errno> {
    if let Some(file) = &namespace.file {
        return Ok(file.clone());
    }
    let (root, wanted) = (root.clone(), namespace.clone());
    let file = helper.call(move || open(&root, &wanted))??;
    // The pid, descriptor or path may refer to another namespace by now.
    if fstat(&file)?.st_ino != namespace.inode {
        return Err(Errno::STALE);
    }
    Ok(Arc::new(file))
}

fn open(root: &OwnedFd, namespace: &Namespace) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let location = &namespace.location;
    let path = match location.source {
        NetnsSource::Process => {
            let path = format!("{}/ns/net", location.pid);
            return openat(root, path, flags, Mode::empty());
        }
        NetnsSource::Descriptor => location.descriptor().into_bytes(),
        NetnsSource::Mount => {
            let path = format!("{}/root", location.pid).into_bytes();
            [&path[..], &location.path].concat()
        }
        NetnsSource::Socket => return Err(Errno::BADF), // already open
    };
    // Another file may be there by now: opened with `O_PATH` first, and fully only if it is the
    // namespace.
    let place = openat(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let is = FileStat::of_fd(&place)?;
    if Some(is.dev) != nsfs_device() || is.ino != namespace.inode {
        return Err(Errno::STALE);
    }
    let again = format!("/proc/self/fd/{}", place.as_raw_fd());
    rustix::fs::open(again, flags, Mode::empty())
}
