//! Records system-wide tables: file locks, and the limits that all processes share.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat};
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::proc::{errno_number, stream_file};

/// Files below `/proc`. Each is a raw source of the same name.
const FILES: [&str; 7] = [
    "locks",
    "sys/fs/file-max",
    "sys/fs/file-nr",
    "sys/fs/inotify/max_user_instances",
    "sys/fs/nr_open",
    "sys/kernel/pid_max",
    "sys/kernel/threads-max",
];

/// Locked files whose descriptors are looked for.
const LOCKED_FILES_LIMIT: usize = 64 << 10;

/// Records all of them. Returns the inodes of locked files.
pub(crate) fn record(root: &OwnedFd, encoder: &mut BlockEncoder) -> io::Result<BTreeSet<u64>> {
    let mut locked = BTreeSet::new();
    let mut rest = Vec::new();
    for name in FILES {
        let mut raw = encoder.raw(RawHeader {
            source: name.as_bytes().to_vec(),
            pass: 1,
            at_boottime_ns: clock::read_time_ns(),
            ..RawHeader::default()
        });
        let read = match openat(root, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => stream_file(&file, |piece| {
                if name == "locks" {
                    note_locks(piece, &mut rest, &mut locked);
                }
                raw.push(piece)
            })?,
            Err(errno) => Err(errno),
        };
        raw.finish(read.err().map_or(0, errno_number), 0)?;
    }
    Ok(locked)
}

/// Adds the inodes of the lines in a piece of `/proc/locks`: `9: FLOCK ADVISORY WRITE 17 fe:00:1024 0 EOF`.
/// `rest` is an incomplete line, from one piece to the next.
fn note_locks(piece: &[u8], rest: &mut Vec<u8>, locked: &mut BTreeSet<u64>) {
    rest.extend_from_slice(piece);
    let end = rest
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    for line in rest[..end].split(|byte| *byte == b'\n') {
        let mut words = line.split(|byte| *byte == b' ');
        let file = words.find(|word| word.iter().filter(|byte| **byte == b':').count() == 2);
        let inode = file.and_then(|file| file.rsplit(|byte| *byte == b':').next());
        let inode: Option<u64> =
            inode.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        if locked.len() < LOCKED_FILES_LIMIT {
            locked.extend(inode);
        }
    }
    rest.drain(..end);
}
