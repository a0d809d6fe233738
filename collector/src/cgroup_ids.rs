//! Which cgroup has which id: dumps of sockets carry the id, and only the file system tells whose it is.

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

/// Where the unified hierarchy is: alone, or beside those of the first version.
const PLACES: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// `CGROUP2_SUPER_MAGIC` of `linux/magic.h`.
const CGROUP2: u32 = 0x6367_7270;
/// Machines with very many containers have some thousands.
pub(crate) const CGROUPS_LIMIT: usize = 64 << 10;

/// The path in the unified hierarchy, in a process's `cgroup` file.
pub(crate) fn unified(text: &[u8]) -> Option<&[u8]> {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(b"0::/"))
}

/// `cgroup-ids`: the id of each of these cgroups and its path, as lines. An id is the inode of the
/// cgroup's directory (`cgroup_id` in the kernel, where inodes have 64 bits).
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
        // Outside of our own cgroup namespace, or gone meanwhile: then nobody can tell.
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
    fn the_unified_hierarchy_is_the_one_without_a_name() {
        let text = b"2:cpu:/a\n1:name=systemd:/b\n0::/system.slice/x.service\n";
        assert_eq!(unified(text), Some(&b"system.slice/x.service"[..]));
        assert_eq!(unified(b"0::/\n"), Some(&b""[..]));
        assert_eq!(unified(b"2:cpu:/a\n"), None);
    }
}
