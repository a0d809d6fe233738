//! Descriptor tables: the links in `/proc/PID/fd`, stored by kind and number instead of as text.
//!
//! A busy machine has a million descriptors, most of them `socket:[N]` with similar N. A table is
//! stored in columns, so that a descriptor takes a byte or two after compression. Lossless:
//! [`Link::text`] returns what readlink(2) returned.

use crate::record;
use crate::wire::{WireError, put_int, put_uint, take_int, take_uint};

record! {
    /// One descriptor table, or a part of it. [`DescriptorTable::entries`] reads the columns.
    pub struct DescriptorTable {
        /// Thread group id.
        pub pid: u32,
        /// The thread, if its table is private; else 0.
        pub tid: u32,
        /// The pass: 1, or 2 for the second look.
        pub pass: u8,
        /// Number of the part in its table, from 0.
        pub part: u32,
        /// Whether this is the last part of the table. A table without a last part is truncated.
        pub last: bool,
        /// `errno` of listing the table; 0 if it was listed completely.
        pub errno: u16,
        /// Boot clock when reading began.
        pub at_boottime_ns: u64,
        /// Descriptors that were closed after they were listed and before their link was read.
        pub vanished: u32,
        /// Column: descriptor number minus the one before it (the first: minus -1), minus 1.
        pub fds: Vec<u8>,
        /// Column: the kind of each ([`Link`] in order: 0 refused, 1 socket, 2 pipe, 3 other, 4
        /// FIFO).
        pub kinds: Vec<u8>,
        /// Column: numbers, as signed differences to the number before in this table part.
        pub numbers: Vec<u8>,
        /// Column: access bits of pipes and FIFOs (1 read, 2 write).
        pub access: Vec<u8>,
        /// Column: texts, each ended by a NUL.
        pub texts: Vec<u8>,
    }
}

/// The target of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link<'a> {
    /// The link could not be read.
    Refused {
        /// The `errno`.
        errno: u16,
    },
    /// `socket:[inode]`.
    Socket {
        /// Inode on sockfs.
        inode: u64,
    },
    /// `pipe:[inode]`.
    Pipe {
        /// Inode on pipefs.
        inode: u64,
        /// Bits from the mode of the link: 1 open for reading, 2 for writing; 0 unknown.
        access: u8,
    },
    /// Any other target: a path, `anon_inode:[eventpoll]`, `net:[4026531833]`.
    Other {
        /// The link's text.
        text: &'a [u8],
    },
    /// A named pipe.
    Fifo {
        /// The link's text: its path.
        text: &'a [u8],
        /// Device, as stat(2) has it.
        dev: u64,
        /// Inode.
        inode: u64,
        /// As for pipes.
        access: u8,
    },
}

impl<'a> Link<'a> {
    /// Parses the text of a link. A FIFO is `Other`, and the access of a pipe is unknown.
    pub fn from_text(text: &'a [u8]) -> Self {
        let number = |prefix: &[u8]| {
            let digits = text.strip_prefix(prefix)?.strip_suffix(b"]")?;
            let canonical = !digits.is_empty() && (digits.len() == 1 || digits[0] != b'0');
            let all_digits = canonical && digits.iter().all(u8::is_ascii_digit);
            std::str::from_utf8(digits)
                .ok()
                .filter(|_| all_digits)?
                .parse()
                .ok()
        };
        if let Some(inode) = number(b"socket:[") {
            Self::Socket { inode }
        } else if let Some(inode) = number(b"pipe:[") {
            Self::Pipe { inode, access: 0 }
        } else {
            Self::Other { text }
        }
    }

    /// Returns what readlink(2) returned. `None` if the link could not be read.
    pub fn text(&self) -> Option<Vec<u8>> {
        match self {
            Self::Refused { .. } => None,
            Self::Socket { inode } => Some(format!("socket:[{inode}]").into_bytes()),
            Self::Pipe { inode, .. } => Some(format!("pipe:[{inode}]").into_bytes()),
            Self::Other { text } | Self::Fifo { text, .. } => Some(text.to_vec()),
        }
    }
}

/// Builds the columns of a table.
#[derive(Debug, Clone)]
pub struct TableBuilder {
    table: DescriptorTable,
    previous_fd: i64,
    previous_number: u64,
    count: usize,
}

impl TableBuilder {
    /// Creates an empty part with the other fields of `table`.
    pub fn new(mut table: DescriptorTable) -> Self {
        for column in [
            &mut table.fds,
            &mut table.kinds,
            &mut table.numbers,
            &mut table.access,
            &mut table.texts,
        ] {
            column.clear();
        }
        Self {
            table,
            previous_fd: -1,
            previous_number: 0,
            count: 0,
        }
    }

    /// Adds a descriptor. Any order is valid; ascending order compresses best.
    pub fn push(&mut self, fd: u32, link: Link<'_>) {
        put_int(i64::from(fd) - self.previous_fd - 1, &mut self.table.fds);
        self.previous_fd = i64::from(fd);
        self.count += 1;
        match link {
            Link::Refused { errno } => {
                self.table.kinds.push(0);
                self.number(u64::from(errno));
            }
            Link::Socket { inode } => {
                self.table.kinds.push(1);
                self.number(inode);
            }
            Link::Pipe { inode, access } => {
                self.table.kinds.push(2);
                self.number(inode);
                self.table.access.push(access);
            }
            Link::Other { text } => {
                self.table.kinds.push(3);
                self.text(text);
            }
            Link::Fifo {
                text,
                dev,
                inode,
                access,
            } => {
                self.table.kinds.push(4);
                self.text(text);
                // A device number is not similar to an inode: it is stored without a difference.
                put_uint(dev, &mut self.table.numbers);
                self.number(inode);
                self.table.access.push(access);
            }
        }
    }

    fn number(&mut self, number: u64) {
        put_int(
            number.wrapping_sub(self.previous_number).cast_signed(),
            &mut self.table.numbers,
        );
        self.previous_number = number;
    }

    fn text(&mut self, text: &[u8]) {
        // A link's text contains no NUL, because readlink(2) returns a C string. Anything else is
        // truncated.
        let end = text
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(text.len());
        self.table.texts.extend_from_slice(&text[..end]);
        self.table.texts.push(0);
    }

    /// Returns the number of descriptors in this part.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the size of the columns in bytes, to decide when to begin another part.
    pub fn column_bytes(&self) -> usize {
        self.table.numbers.len() + self.table.texts.len() + 3 * self.count
    }

    /// Returns the finished part.
    pub fn finish(self) -> DescriptorTable {
        self.table
    }
}

impl DescriptorTable {
    /// Returns the descriptors in the order they were added. Ends with an error if a column is too
    /// short.
    pub fn entries(&self) -> impl Iterator<Item = Result<(u32, Link<'_>), WireError>> {
        let mut cursor = Cursor {
            kinds: self.kinds.iter(),
            fds: &self.fds,
            numbers: &self.numbers,
            access: &self.access,
            texts: &self.texts,
            fd: -1,
            number: 0,
        };
        let mut broken = false;
        std::iter::from_fn(move || {
            if broken {
                return None;
            }
            let entry = cursor.next()?;
            broken = entry.is_err();
            Some(entry)
        })
    }
}

struct Cursor<'a> {
    kinds: std::slice::Iter<'a, u8>,
    fds: &'a [u8],
    numbers: &'a [u8],
    access: &'a [u8],
    texts: &'a [u8],
    fd: i64,
    number: u64,
}

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<Result<(u32, Link<'a>), WireError>> {
        let kind = *self.kinds.next()?;
        Some(self.fd().and_then(|fd| Ok((fd, self.link(kind)?))))
    }

    fn fd(&mut self) -> Result<u32, WireError> {
        let step = take_int(&mut self.fds)?;
        let next = self.fd.checked_add(step).and_then(|fd| fd.checked_add(1));
        self.fd = next.ok_or(WireError::Invalid)?;
        u32::try_from(self.fd).map_err(|_| WireError::Invalid)
    }

    fn link(&mut self, kind: u8) -> Result<Link<'a>, WireError> {
        Ok(match kind {
            0 => Link::Refused {
                errno: u16::try_from(self.number()?).unwrap_or(u16::MAX),
            },
            1 => Link::Socket {
                inode: self.number()?,
            },
            2 => Link::Pipe {
                inode: self.number()?,
                access: self.access()?,
            },
            3 => Link::Other { text: self.text()? },
            4 => {
                let text = self.text()?;
                let dev = take_uint(&mut self.numbers)?;
                Link::Fifo {
                    text,
                    dev,
                    inode: self.number()?,
                    access: self.access()?,
                }
            }
            _ => return Err(WireError::Invalid),
        })
    }

    fn number(&mut self) -> Result<u64, WireError> {
        let step = take_int(&mut self.numbers)?;
        self.number = self.number.wrapping_add(step.cast_unsigned());
        Ok(self.number)
    }

    fn access(&mut self) -> Result<u8, WireError> {
        let (first, rest) = self.access.split_first().ok_or(WireError::Short)?;
        self.access = rest;
        Ok(*first)
    }

    fn text(&mut self) -> Result<&'a [u8], WireError> {
        let end = self
            .texts
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(WireError::Short)?;
        let text = &self.texts[..end];
        self.texts = &self.texts[end + 1..];
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::wire::Record;

    #[test]
    fn tables_are_lossless() {
        let links = [
            (0, Link::from_text(b"/dev/null")),
            (
                1,
                Link::Pipe {
                    inode: 18_446_744_073_709_551_615,
                    access: 2,
                },
            ),
            (2, Link::from_text(b"socket:[4026531833]")),
            (9, Link::Refused { errno: 13 }),
            (
                5,
                Link::Fifo {
                    text: b"/run/initctl",
                    dev: 0x801,
                    inode: 12,
                    access: 3,
                },
            ),
            (2_000_000, Link::from_text(b"anon_inode:[eventpoll]")),
            (6, Link::from_text(b"socket:[007]")),
            (7, Link::from_text(b"socket:[99999999999999999999]")),
            (8, Link::from_text(b"socket:[]")),
        ];
        let mut builder = TableBuilder::new(DescriptorTable {
            pid: 7,
            ..Default::default()
        });
        for (fd, link) in links {
            builder.push(fd, link);
        }
        assert_eq!(builder.count(), links.len());
        let mut bytes = Vec::new();
        builder.finish().encode(&mut bytes);
        let table = DescriptorTable::decode(&bytes).unwrap();
        let read: Vec<_> = table.entries().map(Result::unwrap).collect();
        assert_eq!(read, links);
        assert_eq!(
            links[6].1,
            Link::Other {
                text: b"socket:[007]"
            }
        );
        assert_eq!(links[2].1.text().unwrap(), b"socket:[4026531833]");
    }

    #[test]
    fn short_columns_end_with_an_error() {
        let mut builder = TableBuilder::new(DescriptorTable::default());
        builder.push(3, Link::Socket { inode: 70_000 });
        builder.push(
            4,
            Link::Pipe {
                inode: 70_001,
                access: 1,
            },
        );
        let mut table = builder.finish();
        table.access.clear();
        let read: Vec<_> = table.entries().collect();
        assert_eq!(
            read,
            [
                Ok((3, Link::Socket { inode: 70_000 })),
                Err(WireError::Short)
            ]
        );
        table.kinds = vec![77; 3];
        assert_eq!(
            table.entries().collect::<Vec<_>>(),
            [Err(WireError::Invalid)]
        );
    }
}
