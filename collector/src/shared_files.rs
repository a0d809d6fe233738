//! Records which descriptors refer to a pseudo-terminal, a POSIX message queue or shared memory: the links
//! alone do not tell which of several with one name.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, fstatfs, major, minor, openat, statat};
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::proc::held_file::{FileKind, HeldFile};
use crate::proc::retained_table::RetainedTable;
use crate::timeout::HelperThread;

/// Descriptors that are recorded.
const LINES_LIMIT: usize = 256 << 10;
/// File systems without a mount that are queried. Each IPC namespace may have one.
const QUERIES_LIMIT: usize = 256;

/// `TMPFS_MAGIC`, `HUGETLBFS_MAGIC` and `MQUEUE_MAGIC` of `linux/magic.h` and `ipc/mqueue.c`.
const TMPFS: u32 = 0x0102_1994;
const HUGETLBFS: u32 = 0x9584_58f6;
const MQUEUE: u32 = 0x1980_0202;

/// What a file system is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileSystem {
    /// tmpfs or hugetlbfs.
    Memory,
    /// POSIX message queues of an IPC namespace.
    Queues,
    /// Files.
    Other,
}

impl FileSystem {
    /// Returns that of a type in mountinfo.
    pub(crate) fn from_name(name: &[u8]) -> Self {
        match name {
            b"tmpfs" | b"devtmpfs" | b"hugetlbfs" => Self::Memory,
            b"mqueue" => Self::Queues,
            _ => Self::Other,
        }
    }
}

/// Writes the raw source `shared-files`: a line for each descriptor of a terminal or queue, and of memory
/// that several tables have: pid, thread, descriptor, kind, device, inode or number, and the permissions of
/// the link.
pub(crate) fn record(
    root: &Arc<OwnedFd>,
    tables: &[RetainedTable],
    mounted: &BTreeMap<u64, FileSystem>,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let mut file_systems = FileSystems {
        root,
        known: mounted.clone(),
        queries: 0,
        helper: HelperThread::default(),
    };
    let shared = shared_memory(tables);
    let mut raw = encoder.raw(RawHeader {
        source: b"shared-files".to_vec(),
        pass: 1,
        at_boottime_ns: clock::boottime_ns(),
        ..RawHeader::default()
    });
    let mut lines = 0;
    for table in tables {
        for file in &table.files {
            // A queue whose name was removed has no link, as memory.
            let system = match file.kind {
                FileKind::Memory | FileKind::QueueSized => file_systems.of(table, file),
                _ => FileSystem::Other,
            };
            let is_shared = || {
                shared
                    .get(&(file.dev, file.number))
                    .is_some_and(|pids| pids.1)
            };
            let kind = match (file.kind, system) {
                (FileKind::PtyMaster, _) => "ptmx",
                (FileKind::PtySlave, _) => "pts",
                (FileKind::ControllingTty, _) => "tty",
                (_, FileSystem::Queues) => "mqueue",
                (FileKind::Memory, FileSystem::Memory) if is_shared() => "memory",
                _ => continue,
            };
            lines += 1;
            if lines > LINES_LIMIT {
                return raw.finish(0, RawHeader::TRUNCATED);
            }
            let (pid, tid, fd, number) = (table.pid, table.tid, file.fd, file.number);
            let (major, minor) = (major(file.dev), minor(file.dev));
            // The link's own mode: 0500 is open for reading, 0300 for writing.
            let link = statat(
                root,
                format!("{}/{fd}", table.path("fd")),
                AtFlags::SYMLINK_NOFOLLOW,
            );
            let mode = link.map_or(0, |link| link.st_mode & 0o777);
            let line = format!("{pid} {tid} {fd} {kind} {major}:{minor} {number} {mode:o}\n");
            raw.push(line.as_bytes())?;
        }
    }
    raw.finish(0, 0)
}

/// For each file of the kind, the first process that holds it, and whether another one does.
fn shared_memory(tables: &[RetainedTable]) -> HashMap<(u64, u64), (u32, bool)> {
    let mut holders: HashMap<(u64, u64), (u32, bool)> = HashMap::new();
    for table in tables {
        for file in table
            .files
            .iter()
            .filter(|file| file.kind == FileKind::Memory)
        {
            let (first, shared) = holders
                .entry((file.dev, file.number))
                .or_insert((table.pid, false));
            *shared |= *first != table.pid;
        }
    }
    holders
}

/// What the file systems of files are for.
struct FileSystems<'a> {
    root: &'a Arc<OwnedFd>,
    known: BTreeMap<u64, FileSystem>,
    queries: usize,
    helper: HelperThread,
}

impl FileSystems<'_> {
    /// Returns that of a held file. One that is mounted nowhere, such as that of memfd_create(2), is
    /// queried once through the descriptor's link.
    fn of(&mut self, table: &RetainedTable, file: &HeldFile) -> FileSystem {
        if let Some(known) = self.known.get(&file.dev) {
            return *known;
        }
        if self.queries >= QUERIES_LIMIT {
            return FileSystem::Other;
        }
        self.queries += 1;
        let (root, path) = (
            self.root.clone(),
            format!("{}/{}", table.path("fd"), file.fd),
        );
        let dev = file.dev;
        let found = self.helper.call(move || magic(&root, &path, dev));
        let found = match found {
            Ok(Some(TMPFS | HUGETLBFS)) => FileSystem::Memory,
            Ok(Some(MQUEUE)) => FileSystem::Queues,
            Ok(Some(_)) => FileSystem::Other,
            // The descriptor was closed; another one may tell.
            Ok(None) | Err(_) => return FileSystem::Other,
        };
        self.known.insert(dev, found);
        found
    }
}

/// Returns the magic number of a file system, through the link of a descriptor, which is not opened.
fn magic(root: &OwnedFd, path: &str, dev: u64) -> Option<u32> {
    let place = openat(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let is_same = rustix::fs::fstat(&place).is_ok_and(|file| file.st_dev == dev);
    // The field's type depends on the architecture; the numbers have 32 bits.
    is_same.then(|| fstatfs(&place).ok().map(|system| system.f_type as u32))?
}
