//! The part of a descriptor table that stays in memory after the table is written: enough to detect
//! changes, to count holders, and to select descriptors for fdinfo.

use whotalks_snapshot::descriptors::{DescriptorTable, Link, TableBuilder};
use whotalks_snapshot::records::Process;

use super::held_file::HeldFile;
use super::process::start_ticks;

/// Anonymous inodes whose fdinfo refers to other objects.
const INFORMATIVE_ANON_INODES: [&[u8]; 4] = [
    b"anon_inode:[eventpoll]",
    b"anon_inode:[eventfd]",
    b"anon_inode:[pidfd]",
    b"anon_inode:[io_uring]",
];

/// The retained part of a table: about four bytes for each socket or pipe.
#[derive(Debug)]
pub(crate) struct RetainedTable {
    pub(crate) pid: u32,
    /// The thread, if its table is private; else 0.
    pub(crate) tid: u32,
    /// Start time of the process in ticks. With the pid it identifies the process.
    pub(crate) start_ticks: u64,
    /// Device and inode of the executable.
    pub(crate) program: (u64, u64),
    /// Mount namespace of the process, and whether its root differs from that of the namespace.
    pub(crate) mount_root: (u64, bool),
    /// Hash of all descriptors and links.
    pub(crate) fingerprint: u64,
    /// Terminals and regular files, by descriptor.
    pub(crate) files: Box<[HeldFile]>,
    table: DescriptorTable,
}

/// A socket or pipe as one number: the inode and one bit for the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Object(u64);

impl Object {
    /// Returns the object of a socket.
    pub(crate) fn socket(inode: u64) -> Self {
        Self(inode << 1)
    }

    /// Returns the object as a number of at most 63 bits: these inodes have 32 bits.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// Undoes [`Object::number`].
    pub(crate) fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Returns the inode if it is a socket.
    pub(crate) fn as_socket(self) -> Option<u64> {
        (self.0 & 1 == 0).then_some(self.0 >> 1)
    }

    /// Returns the object of a pipe.
    pub(crate) fn pipe(inode: u64) -> Self {
        Self(inode << 1 | 1)
    }
}

/// Builds a [`RetainedTable`] while a table is read.
pub(crate) struct RetainedTableBuilder {
    builder: TableBuilder,
    fingerprint: u64,
    retain_all: bool,
}

impl RetainedTableBuilder {
    /// Creates an empty table. `retain_all` keeps the numbers of all descriptors, for `--fdinfo
    /// all`.
    pub(crate) fn new(retain_all: bool) -> Self {
        Self {
            builder: TableBuilder::new(DescriptorTable::default()),
            fingerprint: 0,
            retain_all,
        }
    }

    /// Adds a descriptor.
    pub(crate) fn add(&mut self, fd: u32, link: &Link<'_>) {
        self.mix(u64::from(fd));
        match *link {
            Link::Socket { inode } => self.mix(inode << 1),
            Link::Pipe { inode, .. } => self.mix(inode << 1 | 1),
            Link::Refused { errno } => self.mix(u64::from(errno)),
            Link::Other { text } | Link::Fifo { text, .. } => {
                for chunk in text.chunks(8) {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    self.mix(u64::from_ne_bytes(word));
                }
            }
        }
        match *link {
            Link::Socket { .. } | Link::Pipe { .. } => self.builder.push(fd, *link),
            Link::Other { text } if INFORMATIVE_ANON_INODES.contains(&text) => {
                self.builder.push(fd, *link)
            }
            _ if self.retain_all => self.builder.push(fd, Link::Refused { errno: 0 }),
            _ => {}
        }
    }

    /// One round of the FxHash function.
    fn mix(&mut self, word: u64) {
        let mixed = self.fingerprint.rotate_left(5) ^ word;
        self.fingerprint = mixed.wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// Finishes the table of this process.
    pub(crate) fn finish(self, record: &Process, tid: u32, files: Vec<HeldFile>) -> RetainedTable {
        let mut table = self.builder.finish();
        for column in [&mut table.fds, &mut table.kinds, &mut table.numbers] {
            column.shrink_to_fit();
        }
        RetainedTable {
            pid: record.pid,
            tid,
            start_ticks: start_ticks(record),
            program: (record.exe_dev, record.exe_ino),
            mount_root: (record.mntns, record.root != b"/"),
            fingerprint: self.fingerprint,
            files: files.into(),
            table,
        }
    }
}

impl RetainedTable {
    /// Sets the process, for a table that was read before its process record.
    pub(crate) fn with_process(self, record: &Process) -> Self {
        Self {
            start_ticks: start_ticks(record),
            program: (record.exe_dev, record.exe_ino),
            mount_root: (record.mntns, record.root != b"/"),
            ..self
        }
    }

    /// Returns the path below `/proc` of a directory of the process, or of the thread that has the
    /// table.
    pub(crate) fn path(&self, name: &str) -> String {
        match self.tid {
            0 => format!("{}/{name}", self.pid),
            tid => format!("{}/task/{tid}/{name}", self.pid),
        }
    }

    /// Returns each retained descriptor, with its object if it is a socket or a pipe.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, Option<Object>)> {
        self.table
            .entries()
            .map_while(Result::ok)
            .map(|(fd, link)| {
                let object = match link {
                    Link::Socket { inode } => Some(Object::socket(inode)),
                    Link::Pipe { inode, .. } => Some(Object::pipe(inode)),
                    _ => None,
                };
                (fd, object)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retains_sockets_pipes_and_informative_inodes() {
        let mut builder = RetainedTableBuilder::new(false);
        builder.add(0, &Link::Other { text: b"/dev/null" });
        builder.add(
            1,
            &Link::Pipe {
                inode: 7,
                access: 2,
            },
        );
        builder.add(5, &Link::Socket { inode: 7 });
        builder.add(
            6,
            &Link::Other {
                text: INFORMATIVE_ANON_INODES[0],
            },
        );
        let retained = builder.finish(&Process::default(), 0, Vec::new());
        let entries: Vec<_> = retained.entries().collect();
        let expected = [
            (1, Some(Object::pipe(7))),
            (5, Some(Object::socket(7))),
            (6, None),
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn fingerprint_detects_changes() {
        let print = |fd, inode| {
            let mut builder = RetainedTableBuilder::new(false);
            builder.add(fd, &Link::Socket { inode });
            builder
                .finish(&Process::default(), 0, Vec::new())
                .fingerprint
        };
        assert_eq!(print(3, 9), print(3, 9));
        assert_ne!(print(3, 9), print(4, 9));
        assert_ne!(print(3, 9), print(3, 10));
    }
}
