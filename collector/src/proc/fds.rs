//! A descriptor table: every link of `/proc/PID/fd`, without allocating for each.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, RawDir};
use rustix::io::Errno;
use whotalks_snapshot::descriptors::{DescriptorTable, Link, TableBuilder};

use super::process::LINK_BYTES;
use super::{decimal, number, read_link};
use crate::clock;
use crate::identity::Identity;

/// A part of a table is handed on at so many descriptors, …
const PART_DESCRIPTORS: usize = 64 << 10;
/// … or when its texts have grown to this.
const PART_BYTES: usize = 512 << 10;

/// Whose table, and in which look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) pid: u32,
    /// The thread, where its table is private; else 0.
    pub(crate) tid: u32,
    pub(crate) pass: u8,
}

/// How reading a table went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) descriptors: u64,
    pub(crate) refused: u64,
    /// `errno` of listing, 0: listed to its end.
    pub(crate) errno: u16,
}

/// Reads the table that a directory shows (`fd` of a process or a thread, if that could be opened).
/// `each` sees every link, `emit` takes the parts; a table that cannot be listed is one part without
/// entries.
pub(crate) fn read<E>(
    directory: Result<OwnedFd, Errno>,
    owner: Owner,
    entries: &mut [MaybeUninit<u8>],
    mut each: impl FnMut(u32, &Link<'_>),
    mut emit: impl FnMut(&DescriptorTable) -> Result<(), E>,
) -> Result<Outcome, E> {
    let mut head = DescriptorTable {
        pid: owner.pid,
        tid: owner.tid,
        pass: owner.pass,
        at_boottime_ns: clock::reading_ns(),
        ..DescriptorTable::default()
    };
    let mut outcome = Outcome::default();
    let directory = match directory {
        Ok(directory) => directory,
        Err(errno) => {
            outcome.errno = number(errno);
            head.errno = outcome.errno;
            head.last = true;
            emit(&head)?;
            return Ok(outcome);
        }
    };
    let mut builder = TableBuilder::new(head.clone());
    let mut listing = RawDir::new(&directory, entries);
    let mut text = [0; LINK_BYTES];
    while let Some(entry) = listing.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(errno) => {
                outcome.errno = number(errno);
                break;
            }
        };
        let name = entry.file_name();
        let Some(fd) = decimal(name.to_bytes()) else {
            continue; // . and ..
        };
        let link = match read_link(&directory, name, &mut text) {
            Ok(text) => look_closer(&directory, name, Link::from_text(text)),
            Err(Errno::NOENT) => {
                head.vanished += 1;
                continue;
            }
            Err(errno) => {
                outcome.refused += 1;
                Link::Refused {
                    errno: number(errno),
                }
            }
        };
        each(fd, &link);
        builder.push(fd, link);
        outcome.descriptors += 1;
        if builder.count() >= PART_DESCRIPTORS || builder.column_bytes() >= PART_BYTES {
            let next = DescriptorTable {
                part: head.part + 1,
                vanished: 0,
                ..head.clone()
            };
            let mut part =
                std::mem::replace(&mut builder, TableBuilder::new(next.clone())).finish();
            part.vanished = head.vanished;
            emit(&part)?;
            head = next;
        }
    }
    let mut part = builder.finish();
    part.vanished = head.vanished;
    part.errno = outcome.errno;
    part.last = true;
    emit(&part)?;
    Ok(outcome)
}

/// Direction of a pipe, and whether a path is a FIFO. Nothing is opened.
fn look_closer<'a>(directory: &OwnedFd, name: &std::ffi::CStr, link: Link<'a>) -> Link<'a> {
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
fn access(directory: &OwnedFd, name: &std::ffi::CStr) -> u8 {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map_or(0, |link| {
        u8::from(link.st_mode & 0o400 != 0) | u8::from(link.st_mode & 0o200 != 0) << 1
    })
}
