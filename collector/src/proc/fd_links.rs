//! Reads the links in `/proc/PID/fd`, one segment of a descriptor table at a time, without an
//! allocation for each.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, RawDir, SeekFrom, seek};
use rustix::io::Errno;
use whotalks_snapshot::descriptors::{DescriptorTable, Link, TableBuilder};

use super::held_file::HeldFile;
use super::process::{Decimal, LINK_BYTES};
use super::{errno_number, open_directory, parse_decimal, read_link};
use crate::file_stat::FileStat;

/// A segment ends when its texts reach this size.
const TEXT_BYTES: usize = 512 << 10;
/// Position of descriptor 0 in the directory, after `.` and `..` (`proc_readfd_common` in the
/// kernel).
const FD_DIR_OFFSET: u64 = 2;
/// Holes that are probed before the directory is listed. A hole costs as much as listing two
/// entries.
const HOLES_LIMIT: u32 = 2;
/// The longest number, and a NUL.
const NAME_BYTES: usize = 11;

/// What remains to be read after a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remaining {
    /// Nothing: the table has ended.
    Nothing,
    /// Descriptors from this number on.
    From(u32),
    /// Listing failed with this `errno`.
    Failed(u16),
}

/// A segment that was read.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) table: DescriptorTable,
    pub(crate) descriptors: u64,
    /// Of these, links that could not be read.
    pub(crate) refused: u64,
    /// What is kept of files by path.
    pub(crate) files: Vec<HeldFile>,
    pub(crate) rest: Remaining,
}

/// A segment that is being read.
pub(crate) struct Links<'a> {
    directory: &'a OwnedFd,
    builder: TableBuilder,
    vanished: u32,
    refused: u64,
    files: Vec<HeldFile>,
}

impl<'a> Links<'a> {
    /// Starts a segment.
    pub(crate) fn new(directory: &'a OwnedFd, head: &DescriptorTable) -> Self {
        Self {
            directory,
            builder: TableBuilder::new(head.clone()),
            vanished: 0,
            refused: 0,
            files: Vec::new(),
        }
    }

    /// Adds a link.
    fn add(&mut self, fd: u32, name: &CStr, link: Link<'_>, each: &mut dyn FnMut(u32, &Link<'_>)) {
        let (link, file) = classify(self.directory, fd, name, link);
        self.files.extend(file);
        each(fd, &link);
        self.builder.push(fd, link);
    }

    /// Whether the segment has reached `most` descriptors or its size limit.
    fn is_full(&self, most: usize) -> bool {
        self.builder.count() >= most || self.builder.column_bytes() >= TEXT_BYTES
    }

    /// Ends the segment.
    pub(crate) fn end(self, rest: Remaining) -> Segment {
        let descriptors = self.builder.count() as u64;
        let mut table = self.builder.finish();
        table.vanished = self.vanished;
        Segment {
            table,
            descriptors,
            refused: self.refused,
            files: self.files,
            rest,
        }
    }

    /// Reads links by counting up from 0, without listing the directory, which would take a third
    /// as long as the links. Works for tables with few holes, on kernels that report the number of
    /// descriptors as the directory's size (Linux 6.2). Returns the descriptor from which the
    /// directory has to be listed; `None` if the table is complete.
    pub(crate) fn probe_numbers(
        &mut self,
        most: usize,
        each: &mut dyn FnMut(u32, &Link<'_>),
    ) -> Option<u32> {
        let directory = self.directory;
        let size = || rustix::fs::fstat(directory).map_or(0, |stat| stat.st_size as u64);
        let expected = size();
        let mut missing = 0;
        let mut text = [0; LINK_BYTES];
        for fd in 0..u32::MAX {
            if self.builder.count() as u64 >= expected {
                let whole = expected > 0 && size() <= expected; // none was opened meanwhile
                return (!whole).then_some(fd);
            }
            if self.is_full(most) {
                return Some(fd);
            }
            let mut name = [0; NAME_BYTES];
            let digits = Decimal::new(fd);
            let digits = digits.as_str().as_bytes();
            name[..digits.len()].copy_from_slice(digits);
            let Ok(name) = CStr::from_bytes_until_nul(&name) else {
                return Some(fd);
            };
            match read_link(self.directory, name, &mut text) {
                Ok(text) => self.add(fd, name, Link::from_text(text), each),
                Err(Errno::NOENT) if missing < HOLES_LIMIT => missing += 1,
                // A hole, or a link that cannot be read: whether the descriptor exists is not
                // known.
                Err(_) => return Some(fd),
            }
        }
        None
    }
}

/// Reads a range of descriptors through a separate listing. Stops early if the segment is full.
pub(crate) fn read_range(
    directory: &OwnedFd,
    head: &DescriptorTable,
    numbers: Range<u32>,
    entries: &mut [MaybeUninit<u8>],
) -> Segment {
    let links = Links::new(directory, head);
    let listing = open_directory(directory, c".").and_then(|listing| {
        seek_to_fd(&listing, numbers.start)?;
        Ok(listing)
    });
    match listing {
        Ok(listing) => {
            let mut listing = RawDir::new(&listing, entries);
            read_segment(&mut listing, links, numbers, usize::MAX, &mut |_, _| {})
        }
        Err(errno) => links.end(Remaining::Failed(errno_number(errno))),
    }
}

/// Positions a listing at a descriptor.
pub(crate) fn seek_to_fd(listing: &OwnedFd, fd: u32) -> Result<(), Errno> {
    seek(listing, SeekFrom::Start(FD_DIR_OFFSET + u64::from(fd))).map(drop)
}

/// Continues a listing up to `most` descriptors or the end of `numbers`. Calls `each` for every
/// link.
pub(crate) fn read_segment(
    listing: &mut RawDir<'_, &OwnedFd>,
    mut links: Links<'_>,
    numbers: Range<u32>,
    most: usize,
    each: &mut dyn FnMut(u32, &Link<'_>),
) -> Segment {
    let mut text = [0; LINK_BYTES];
    let rest = loop {
        let entry = match listing.next() {
            None => break Remaining::Nothing,
            Some(Ok(entry)) => entry,
            Some(Err(errno)) => break Remaining::Failed(errno_number(errno)),
        };
        let name = entry.file_name();
        let Some(fd) = parse_decimal(name.to_bytes()).filter(|fd| *fd >= numbers.start) else {
            continue; // . and ..
        };
        if fd >= numbers.end {
            break Remaining::From(numbers.end);
        }
        let link = match read_link(links.directory, name, &mut text) {
            Ok(text) => Link::from_text(text),
            Err(Errno::NOENT) => {
                links.vanished += 1;
                continue;
            }
            Err(errno) => {
                links.refused += 1;
                Link::Refused {
                    errno: errno_number(errno),
                }
            }
        };
        links.add(fd, name, link, each);
        if links.is_full(most) {
            break Remaining::From(fd.saturating_add(1));
        }
    };
    links.end(rest)
}

/// Adds the access mode of a pipe, and recognizes named pipes. Returns what is kept of other files. Opens
/// nothing.
fn classify<'a>(
    directory: &OwnedFd,
    fd: u32,
    name: &CStr,
    link: Link<'a>,
) -> (Link<'a>, Option<HeldFile>) {
    let link = match link {
        Link::Pipe { inode, .. } => Link::Pipe {
            inode,
            access: access(directory, name),
        },
        // A path may be a named pipe, which only its file type shows.
        Link::Other { text } if text.starts_with(b"/") => {
            match FileStat::of(directory, name, AtFlags::empty()) {
                Ok(file) if FileType::from_raw_mode(file.mode) == FileType::Fifo => Link::Fifo {
                    text,
                    dev: file.dev,
                    inode: file.ino,
                    access: access(directory, name),
                },
                Ok(file) => return (link, HeldFile::new(fd, text, &file)),
                Err(_) => link,
            }
        }
        other => other,
    };
    (link, None)
}

/// Decodes the permissions of the link itself: 0500 is open for reading, 0300 for writing.
fn access(directory: &OwnedFd, name: &CStr) -> u8 {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_or(0, |link| {
        u8::from(link.st_mode & 0o400 != 0) | u8::from(link.st_mode & 0o200 != 0) << 1
    })
}
