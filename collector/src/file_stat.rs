//! Reads file attributes without asking a file server to revalidate them.

use std::os::fd::AsFd;
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statat, statx};
use rustix::io::Errno;
use rustix::path::Arg;

/// The fields of stat(2) that are recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileStat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    /// The device that a device file stands for.
    pub(crate) rdev: u64,
    pub(crate) size: u64,
    pub(crate) nlink: u32,
    /// Type and permissions.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl FileStat {
    /// Reads the attributes of a path with statx(2) and `AT_STATX_DONT_SYNC`. Before Linux 4.11 it
    /// uses stat(2), which may ask the file server.
    pub(crate) fn of(at: impl AsFd, path: impl Arg + Copy, flags: AtFlags) -> Result<Self, Errno> {
        let at = at.as_fd();
        let wanted = StatxFlags::BASIC_STATS;
        match statx(at, path, flags | AtFlags::STATX_DONT_SYNC, wanted) {
            Ok(file) => Ok(Self {
                dev: makedev(file.stx_dev_major, file.stx_dev_minor),
                ino: file.stx_ino,
                rdev: makedev(file.stx_rdev_major, file.stx_rdev_minor),
                size: file.stx_size,
                nlink: file.stx_nlink,
                mode: u32::from(file.stx_mode),
                uid: file.stx_uid,
                gid: file.stx_gid,
            }),
            // The kernel does not have the call, or a seccomp filter refuses it.
            Err(Errno::NOSYS | Errno::PERM) => {
                let file = statat(at, path, flags)?;
                Ok(Self {
                    dev: file.st_dev,
                    ino: file.st_ino,
                    rdev: file.st_rdev,
                    size: u64::try_from(file.st_size).unwrap_or(0),
                    nlink: u32::try_from(file.st_nlink).unwrap_or(u32::MAX),
                    mode: file.st_mode,
                    uid: file.st_uid,
                    gid: file.st_gid,
                })
            }
            Err(errno) => Err(errno),
        }
    }

    /// Reads the attributes of an open file.
    pub(crate) fn of_fd(file: impl AsFd) -> Result<Self, Errno> {
        Self::of(file, c"", AtFlags::EMPTY_PATH)
    }
}

/// Returns the device of nsfs, the file system of namespaces; `None` if not known.
pub(crate) fn nsfs_device() -> Option<u64> {
    static DEVICE: OnceLock<Option<u64>> = OnceLock::new();
    *DEVICE.get_or_init(|| {
        let own = FileStat::of(CWD, c"/proc/self/ns/mnt", AtFlags::empty());
        own.ok().map(|file| file.dev)
    })
}
