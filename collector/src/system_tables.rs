//! Records system-wide tables: file locks, and the limits that all processes share.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat};
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::proc::{errno_number, stream_file};

/// Files below `/proc`. Each is a raw source of the same name.
const FILES: [&str; 5] = [
    "locks",
    "sys/fs/file-max",
    "sys/fs/file-nr",
    "sys/fs/nr_open",
    "sys/kernel/pid_max",
];

/// Records all of them.
pub(crate) fn record(root: &OwnedFd, encoder: &mut BlockEncoder) -> io::Result<()> {
    for name in FILES {
        let mut raw = encoder.raw(RawHeader {
            source: name.as_bytes().to_vec(),
            pass: 1,
            at_boottime_ns: clock::read_time_ns(),
            ..RawHeader::default()
        });
        let read = match openat(root, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => stream_file(&file, |piece| raw.push(piece))?,
            Err(errno) => Err(errno),
        };
        raw.finish(read.err().map_or(0, errno_number), 0)?;
    }
    Ok(())
}
