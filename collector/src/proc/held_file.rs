//! What is kept in memory of the files by path that a process holds: terminals, and files that it may
//! share with others or lock.

use rustix::fs::{FileType, major, minor};

use crate::file_stat::{FileStat, nsfs_device};

/// `TTYAUX_MAJOR`: `/dev/tty` is 5:0, `/dev/ptmx` 5:2. See `Documentation/admin-guide/devices.txt`.
const TTYAUX: u32 = 5;
/// `UNIX98_PTY_SLAVE_MAJOR`: `/dev/pts/N` is 136:N.
const PTY_SLAVE: u32 = 136;
/// Size of every POSIX message queue (`FILENT_SIZE` of the kernel's `ipc/mqueue.c`).
const QUEUE_BYTES: u64 = 80;

/// A file that a descriptor refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldFile {
    pub(crate) fd: u32,
    pub(crate) kind: FileKind,
    /// Device of its file system.
    pub(crate) dev: u64,
    /// Number of a pseudo-terminal's slave, inode of a regular file or namespace; else 0.
    pub(crate) number: u64,
}

/// What a file is, as far as its attributes and its link tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A regular file, which may be locked.
    Regular,
    /// The same of the size of a message queue.
    QueueSized,
    /// A regular file without a name, or in `/dev/shm`: shared memory if its file system is in memory.
    Memory,
    /// A namespace that was opened where it is mounted: only the device tells it from other files. Once it is
    /// mounted no more, the link is `/`.
    Namespace,
    /// The master of a pseudo-terminal.
    PtyMaster,
    /// The slave of a pseudo-terminal.
    PtySlave,
    /// `/dev/tty`: whichever terminal controls the process.
    ControllingTty,
}

impl HeldFile {
    /// Returns what is kept of a descriptor whose link is this path; `None` for other files.
    pub(crate) fn new(fd: u32, path: &[u8], file: &FileStat) -> Option<Self> {
        let (kind, number) = match FileType::from_raw_mode(file.mode) {
            FileType::CharacterDevice => match (major(file.rdev), minor(file.rdev)) {
                (TTYAUX, 0) => (FileKind::ControllingTty, 0),
                (TTYAUX, 2) => (FileKind::PtyMaster, 0),
                (PTY_SLAVE, number) => (FileKind::PtySlave, u64::from(number)),
                _ => return None,
            },
            FileType::RegularFile if Some(file.dev) == nsfs_device() => {
                (FileKind::Namespace, file.ino)
            }
            FileType::RegularFile => {
                let is_memory = file.nlink == 0 || path.starts_with(b"/dev/shm/");
                let kind = match file.size {
                    _ if is_memory => FileKind::Memory,
                    QUEUE_BYTES => FileKind::QueueSized,
                    _ => FileKind::Regular,
                };
                (kind, file.ino)
            }
            _ => return None,
        };
        let dev = file.dev;
        Some(Self {
            fd,
            kind,
            dev,
            number,
        })
    }

    /// Returns the inode of a regular file.
    pub(crate) fn inode(&self) -> Option<u64> {
        use FileKind::{Memory, QueueSized, Regular};
        matches!(self.kind, Regular | QueueSized | Memory).then_some(self.number)
    }
}
