//! What stays in memory of a table that is already in the file: enough to tell later whether it has
//! changed, who holds what, and which descriptors deserve a closer look.

use whotalks_snapshot::descriptors::{DescriptorTable, Link, TableBuilder};
use whotalks_snapshot::records::Process;

use super::process::start_ticks;

/// Anonymous inodes whose fdinfo tells whom they concern.
const INFORMATIVE_ANON_INODES: [&[u8]; 4] = [
    b"anon_inode:[eventpoll]",
    b"anon_inode:[eventfd]",
    b"anon_inode:[pidfd]",
    b"anon_inode:[io_uring]",
];

/// A table's remains: some four bytes for each socket or pipe.
#[derive(Debug)]
pub(crate) struct RetainedTable {
    pub(crate) pid: u32,
    /// The thread, where the table is its own; else 0.
    pub(crate) tid: u32,
    /// When the process began, in ticks: with the pid, who it is.
    pub(crate) start_ticks: u64,
    /// Device and inode of the executable.
    pub(crate) program: (u64, u64),
    /// Its mount namespace, and whether its root is another than that namespace's.
    pub(crate) mount_root: (u64, bool),
    /// Of all numbers and links.
    pub(crate) fingerprint: u64,
    table: DescriptorTable,
}

/// A kind of object with an inode of its own, as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Object(u64);

impl Object {
    /// A socket.
    pub(crate) fn socket(inode: u64) -> Self {
        Self(inode << 1)
    }

    /// The object as a number of at most 63 bits: inodes of sockets and pipes have 32.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// What [`Object::number`] gave.
    pub(crate) fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The inode, where it is a socket.
    pub(crate) fn as_socket(self) -> Option<u64> {
        (self.0 & 1 == 0).then_some(self.0 >> 1)
    }

    /// A pipe.
    pub(crate) fn pipe(inode: u64) -> Self {
        Self(inode << 1 | 1)
    }
}

/// Makes a [`RetainedTable`] while a table is read.
pub(crate) struct RetainedTableBuilder {
    builder: TableBuilder,
    fingerprint: u64,
    retain_all: bool,
}

impl RetainedTableBuilder {
    /// `retain_all`: also descriptors that nothing can be told from, by number.
    pub(crate) fn new(retain_all: bool) -> Self {
        Self {
            builder: TableBuilder::new(DescriptorTable::default()),
            fingerprint: 0,
            retain_all,
        }
    }

    /// A descriptor.
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

    /// One round of the multiply-rotate hash that compilers use for small keys.
    fn mix(&mut self, word: u64) {
        let mixed = self.fingerprint.rotate_left(5) ^ word;
        self.fingerprint = mixed.wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// The remains.
    pub(crate) fn finish(self, record: &Process, tid: u32) -> RetainedTable {
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
            table,
        }
    }
}

impl RetainedTable {
    /// The same for a process whose record was read afterwards.
    pub(crate) fn with_process(self, record: &Process) -> Self {
        Self {
            start_ticks: start_ticks(record),
            program: (record.exe_dev, record.exe_ino),
            mount_root: (record.mntns, record.root != b"/"),
            ..self
        }
    }

    /// What was retained: the descriptor, and the object where it has an inode of its own.
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
    fn sockets_pipes_and_telling_files_stay() {
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
        let retained = builder.finish(&Process::default(), 0);
        let entries: Vec<_> = retained.entries().collect();
        let expected = [
            (1, Some(Object::pipe(7))),
            (5, Some(Object::socket(7))),
            (6, None),
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn any_change_shows() {
        let print = |fd, inode| {
            let mut builder = RetainedTableBuilder::new(false);
            builder.add(fd, &Link::Socket { inode });
            builder.finish(&Process::default(), 0).fingerprint
        };
        assert_eq!(print(3, 9), print(3, 9));
        assert_ne!(print(3, 9), print(4, 9));
        assert_ne!(print(3, 9), print(3, 10));
    }
}
