//! Records the sockets that processes hold and no socket table lists, with the names of their protocols.
//!
//! The kernel has no dump of some families (AF_ALG, Bluetooth, CAN, …), and one of a network namespace
//! that could not be entered is missing. The extended attribute `system.sockprotoname` of a socket
//! names its protocol (`sockfs_xattr_get` of `net/socket.c`); reading it neither duplicates nor opens
//! the socket.

use std::collections::BTreeSet;
use std::io;

use rustix::fs::{AtFlags, CWD, FileType, getxattr};
use rustix::io::Errno;
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::file_stat::FileStat;
use crate::holders;
use crate::orphan_netns::SOCKETS_LIMIT;
use crate::proc::errno_number;
use crate::proc::retained_table::RetainedTable;
use crate::timeout::HelperThread;

/// Longest name of a protocol: `struct proto` of the kernel has 32 bytes for it.
const NAME_BYTES: usize = 32;

/// Records the number of sockets in no table, a line with inode and protocol for each that has a name,
/// and whether some were not queried for these and for their namespace. With `--passive` none is.
pub(crate) fn record(
    tables: &[RetainedTable],
    unlisted: &BTreeSet<u64>,
    queried: bool,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let cut = unlisted.len() > SOCKETS_LIMIT;
    let (errno, flags) = match queried {
        true if cut => (0, RawHeader::TRUNCATED),
        false if !unlisted.is_empty() => (errno_number(Errno::CANCELED), 0),
        _ => (0, 0),
    };
    let mut raw = encoder.raw(RawHeader {
        source: b"unlisted-sockets".to_vec(),
        pass: 1,
        at_boottime_ns: clock::boottime_ns(),
        key: unlisted.len() as u64,
        ..RawHeader::default()
    });
    let mut helper = HelperThread::default();
    let limit = if queried { SOCKETS_LIMIT } else { 0 };
    let holders = holders::first_holders(tables, unlisted);
    for (inode, (pid, fd)) in holders.into_iter().take(limit) {
        // The descriptor may refer to a file of a server that does not respond by now.
        if let Ok(Some(name)) = helper.call(move || protocol_name(pid, fd, inode)) {
            raw.push(&[format!("{inode} ").as_bytes(), &name, b"\n"].concat())?;
        }
    }
    raw.finish(errno, flags)
}

/// The name of the protocol of another process's socket; `None` if the descriptor does not refer to
/// this socket any more.
fn protocol_name(pid: u32, fd: u32, inode: u64) -> Option<Vec<u8>> {
    let path = format!("/proc/{pid}/fd/{fd}");
    let is_same = || {
        let is = FileStat::of(CWD, &*path, AtFlags::empty()).ok()?;
        let is_socket = FileType::from_raw_mode(is.mode) == FileType::Socket;
        (is_socket && is.ino == inode).then_some(())
    };
    // Before, so that no other file is asked; and after, so that the name is this socket's.
    is_same()?;
    let mut name = [0; NAME_BYTES + 1];
    let length = getxattr(&path, c"system.sockprotoname", &mut name).ok()?;
    is_same()?;
    // The value ends with a NUL.
    let name = name[..length].split(|byte| *byte == 0).next()?;
    (!name.is_empty() && !name.contains(&b'\n')).then(|| name.to_vec())
}
