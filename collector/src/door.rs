//! Opening a network namespace: through a process that lives in it, a descriptor of it, or where it is
//! mounted.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags, fstat, openat, stat};
use rustix::io::Errno;

use crate::found::Source;
use crate::netns::Space;
use crate::patience::Asker;

/// Namespaces that could not be opened in time: they are not waited for again.
#[derive(Default)]
pub(crate) struct Silent(Mutex<BTreeSet<u64>>);

impl Silent {
    fn spaces(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a namespace.
    pub(crate) fn open(
        &self,
        root: &Arc<OwnedFd>,
        space: &Space,
        asker: &mut Asker,
    ) -> Result<Arc<OwnedFd>, Errno> {
        if self.spaces().contains(&space.inode) {
            return Err(Errno::TIMEDOUT);
        }
        let door = door(root, space, asker);
        if door.as_ref().err() == Some(&Errno::TIMEDOUT) {
            self.spaces().insert(space.inode);
        }
        door
    }
}

/// The namespace itself, opened. The way to it may lead along a path that nobody serves any more.
fn door(root: &Arc<OwnedFd>, space: &Space, asker: &mut Asker) -> Result<Arc<OwnedFd>, Errno> {
    if let Some(file) = &space.file {
        return Ok(file.clone());
    }
    let (root, wanted) = (root.clone(), space.clone());
    let file = asker.ask(move || open(&root, &wanted))??;
    // Its number may belong to another namespace by now: the process ended, the mount moved.
    if fstat(&file)?.st_ino != space.inode {
        return Err(Errno::STALE);
    }
    Ok(Arc::new(file))
}

fn open(root: &OwnedFd, space: &Space) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let (pid, fd) = (space.way.pid, space.way.fd);
    match space.way.source {
        Source::Process => openat(root, format!("{pid}/ns/net"), flags, Mode::empty()),
        Source::Descriptor => openat(root, format!("{pid}/fd/{fd}"), flags, Mode::empty()),
        Source::Mount => {
            let mut path = format!("{pid}/root").into_bytes();
            path.extend_from_slice(&space.way.path);
            // Something else may lie there: it is only opened when it is a namespace.
            let place = openat(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
            let (place_is, own) = (fstat(&place)?, stat("/proc/self/ns/net")?);
            if place_is.st_dev != own.st_dev || place_is.st_ino != space.inode {
                return Err(Errno::STALE);
            }
            let again = format!("/proc/self/fd/{}", place.as_raw_fd());
            rustix::fs::open(again, flags, Mode::empty())
        }
        Source::Socket => Err(Errno::BADF), // is held open instead
    }
}
