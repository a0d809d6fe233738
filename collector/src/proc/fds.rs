//! A stretch of a descriptor table: links of `/proc/PID/fd`, without allocating for each.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, RawDir, SeekFrom, seek};
use rustix::io::Errno;
use whotalks_snapshot::descriptors::{DescriptorTable, Link, TableBuilder};

use super::process::LINK_BYTES;
use super::{decimal, number, open_directory, read_link};
use crate::identity::Identity;

/// A stretch ends when its texts have grown to this.
const TEXT_BYTES: usize = 512 << 10;
/// Where a descriptor stands in the directory: after `.` and `..` (`proc_readfd_common` in the
/// kernel, since there is such a directory).
const FIRST: u64 = 2;

/// What is left to do after a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing: the table has ended.
    Nothing,
    /// What begins with this number.
    From(u32),
    /// Nothing can be: `errno` of listing.
    Failed(u16),
}

/// A stretch that was read.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) table: DescriptorTable,
    pub(crate) descriptors: u64,
    /// Of these, links that were refused.
    pub(crate) refused: u64,
    pub(crate) rest: Rest,
}

/// Reads these numbers of a table, through a listing of its own; at most so many of them.
pub(crate) fn range(
    directory: &OwnedFd,
    head: &DescriptorTable,
    numbers: Range<u32>,
    entries: &mut [MaybeUninit<u8>],
) -> Stretch {
    let listing = open_directory(directory, c".").and_then(|listing| {
        seek(&listing, SeekFrom::Start(FIRST + u64::from(numbers.start)))?;
        Ok(listing)
    });
    match listing {
        Ok(listing) => {
            let mut listing = RawDir::new(&listing, entries);
            stretch(
                &mut listing,
                directory,
                head,
                numbers,
                usize::MAX,
                &mut |_, _| {},
            )
        }
        Err(errno) => Stretch {
            table: head.clone(),
            descriptors: 0,
            refused: 0,
            rest: Rest::Failed(number(errno)),
        },
    }
}

/// Reads on in a listing, `most` descriptors or up to the end of `numbers`; `each` sees every link.
pub(crate) fn stretch(
    listing: &mut RawDir<'_, &OwnedFd>,
    directory: &OwnedFd,
    head: &DescriptorTable,
    numbers: Range<u32>,
    most: usize,
    each: &mut dyn FnMut(u32, &Link<'_>),
) -> Stretch {
    let mut builder = TableBuilder::new(head.clone());
    let (mut vanished, mut refused) = (0, 0);
    let mut text = [0; LINK_BYTES];
    let rest = loop {
        let entry = match listing.next() {
            None => break Rest::Nothing,
            Some(Ok(entry)) => entry,
            Some(Err(errno)) => break Rest::Failed(number(errno)),
        };
        let name = entry.file_name();
        let Some(fd) = decimal(name.to_bytes()).filter(|fd| *fd >= numbers.start) else {
            continue; // . and ..
        };
        if fd >= numbers.end {
            break Rest::From(numbers.end);
        }
        let link = match read_link(directory, name, &mut text) {
            Ok(text) => look_closer(directory, name, Link::from_text(text)),
            Err(Errno::NOENT) => {
                vanished += 1;
                continue;
            }
            Err(errno) => {
                refused += 1;
                Link::Refused {
                    errno: number(errno),
                }
            }
        };
        each(fd, &link);
        builder.push(fd, link);
        if builder.count() >= most || builder.column_bytes() >= TEXT_BYTES {
            break Rest::From(fd.saturating_add(1));
        }
    };
    let descriptors = builder.count() as u64;
    let mut table = builder.finish();
    table.vanished = vanished;
    Stretch {
        table,
        descriptors,
        refused,
        rest,
    }
}

/// Direction of a pipe, and whether a path is a FIFO. Nothing is opened.
fn look_closer<'a>(directory: &OwnedFd, name: &CStr, link: Link<'a>) -> Link<'a> {
    match link {
        Link::Pipe { inode, .. } => Link::Pipe {
            inode,
            access: access(directory, name),
        },
        // A mounted file's path begins so; it cannot be known otherwise which of them is a FIFO.
        Link::Other { text } if text.starts_with(b"/") => {
            match Identity::of(directory, name, AtFlags::empty()) {
                Ok(file) if FileType::from_raw_mode(file.mode) == FileType::Fifo => Link::Fifo {
                    text,
                    dev: file.dev,
                    inode: file.ino,
                    access: access(directory, name),
                },
                _ => link,
            }
        }
        other => other,
    }
}

/// The link's own mode: 0500 for reading, 0300 for writing.
fn access(directory: &OwnedFd, name: &CStr) -> u8 {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_or(0, |link| {
        u8::from(link.st_mode & 0o400 != 0) | u8::from(link.st_mode & 0o200 != 0) << 1
    })
}
