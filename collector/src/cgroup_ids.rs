//! Records the ids of cgroups: socket dumps contain the id, and only the file system maps it to a
//! path.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstatfs, openat};
use rustix::io::Errno;
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::file_stat::FileStat;
use crate::proc::errno_number;

/// Mount points of the unified hierarchy: alone, or next to the version 1 hierarchies.
const PLACES: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// `CGROUP2_SUPER_MAGIC` of `linux/magic.h`.
const CGROUP2: u32 = 0x6367_7270;
/// Machines with very many containers have some thousands of cgroups.
pub(crate) const CGROUPS_LIMIT: usize = 64 << 10;

/// Returns the path in the unified hierarchy from `/proc/PID/cgroup`, without the leading slash.
pub(crate) fn unified(text: &[u8]) -> Option<&[u8]> {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(b"0::/"))
}

/// Writes the raw source `cgroup-ids`: one line for each cgroup, with its id and path.
///
/// The id is the inode of the cgroup's directory (`cgroup_id` in the kernel, on systems with 64-bit
/// inodes).
pub(crate) fn record(paths: &BTreeSet<Vec<u8>>, encoder: &mut BlockEncoder) -> io::Result<()> {
    let mut raw = encoder.raw(RawHeader {
        source: b"cgroup-ids".to_vec(),
        pass: 1,
        at_boottime_ns: clock::boottime_ns(),
        ..RawHeader::default()
    });
    let top = match open() {
        Ok(top) => top,
        Err(errno) => return raw.finish(errno_number(errno), 0),
    };
    for path in paths {
        // Paths outside of the collector's cgroup namespace, and cgroups that are gone, are left
        // out.
        let below: &[u8] = if path.is_empty() { b"." } else { path };
        if path.starts_with(b"..") || path.contains(&b'\n') {
            continue;
        }
        if let Ok(directory) = FileStat::of(&top, below, AtFlags::SYMLINK_NOFOLLOW) {
            let id = format!("{} /", directory.ino);
            raw.push(&[id.as_bytes(), path, b"\n"].concat())?;
        }
    }
    let cut = paths.len() >= CGROUPS_LIMIT;
    raw.finish(0, if cut { RawHeader::TRUNCATED } else { 0 })
}

fn open() -> Result<OwnedFd, Errno> {
    for place in PLACES {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if let Ok(top) = openat(CWD, place, flags, Mode::empty())
            && fstatfs(&top).is_ok_and(|system| u32::try_from(system.f_type) == Ok(CGROUP2))
        {
            return Ok(top);
        }
    }
    Err(Errno::NOENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unified_hierarchy_has_no_name() {
        let text = b"2:cpu:/a\n1:name=systemd:/b\n0::/system.slice/x.service\n";
        assert_eq!(unified(text), Some(&b"system.slice/x.service"[..]));
        assert_eq!(unified(b"0::/\n"), Some(&b""[..]));
        assert_eq!(unified(b"2:cpu:/a\n"), None);
    }
}
