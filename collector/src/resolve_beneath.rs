//! Resolves a path below a directory without leaving it and without opening the file. It triggers
//! no automount and accesses no file server.
//!
//! Paths in the kernel's cache are resolved at once with openat2(2) and `RESOLVE_CACHED` (Linux
//! 5.12). Others are resolved one component at a time, and the file system is checked before each
//! step.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, makedev, openat, openat2};
use rustix::io::Errno;

use crate::file_stat::FileStat;
use crate::proc::{read_file, read_link};

/// Limit of symbolic links in one path: that of the kernel.
const SYMLINKS_LIMIT: usize = 40;
/// Mount tables have some hundred lines, at most some ten thousand.
const MOUNTINFO_LIMIT_BYTES: usize = 16 << 20;
/// Types of file systems that are remote or automounted. FUSE is checked separately.
const REMOTE_FILE_SYSTEMS: [&[u8]; 11] = [
    b"autofs", b"nfs", b"nfs4", b"cifs", b"smb3", b"ceph", b"9p", b"afs", b"lustre", b"gpfs",
    b"beegfs",
];

/// A directory, and the rules for resolving paths below it.
pub(crate) struct Resolver<'a> {
    pub(crate) top: &'a OwnedFd,
    /// Whether `top` is a root, so that `/` and `..` lead to it, and links are followed. Relative
    /// to another directory an absolute link would lead to the collector's own root.
    pub(crate) rooted: bool,
    /// Whether to use only the kernel's cache.
    pub(crate) passive: bool,
    pub(crate) remote: &'a RemoteDevices,
}

impl Resolver<'_> {
    /// Resolves a path to an `O_PATH` descriptor.
    pub(crate) fn resolve(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let links = if self.rooted {
            ResolveFlags::IN_ROOT
        } else {
            ResolveFlags::NO_SYMLINKS
        };
        let resolve = links | ResolveFlags::NO_MAGICLINKS | ResolveFlags::CACHED;
        match openat2(self.top, path, flags, Mode::empty(), resolve) {
            // The path is not in the cache, the kernel lacks the flag (before 5.12) or the call
            // (before 5.6), or a seccomp filter refuses it.
            Err(Errno::AGAIN | Errno::INVAL | Errno::NOSYS | Errno::PERM) if !self.passive => {
                self.resolve_by_steps(path)
            }
            other => other,
        }
    }

    fn resolve_by_steps(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let open = |at: &OwnedFd, step: &[u8]| {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            openat(at, step, flags, Mode::empty())
        };
        let mut places = vec![open(self.top, b".")?];
        let mut ahead = steps(path);
        let mut links = 0;
        while let Some(step) = ahead.pop() {
            let Some(here) = places.last() else { break };
            if step == b".." {
                if !self.rooted {
                    return Err(Errno::XDEV);
                }
                if places.len() > 1 {
                    places.pop();
                }
                continue;
            }
            if self.remote.has(&FileStat::of_fd(here)?) {
                return Err(Errno::REMOTE);
            }
            let place = open(here, &step)?;
            let mode = FileStat::of_fd(&place)?.mode;
            if FileType::from_raw_mode(mode) != FileType::Symlink {
                places.push(place);
                continue;
            }
            links += 1;
            if !self.rooted || links > SYMLINKS_LIMIT {
                return Err(Errno::LOOP);
            }
            let mut buffer = [0; 4097];
            let target = read_link(&place, c"", &mut buffer)?;
            if target.starts_with(b"/") {
                places.truncate(1);
            }
            ahead.extend(steps(target));
        }
        places.pop().ok_or(Errno::NOENT)
    }
}

/// Returns the components of a path, the last one first.
fn steps(path: &[u8]) -> Vec<Vec<u8>> {
    let steps = path.rsplit(|byte| *byte == b'/');
    let steps = steps.filter(|step| !step.is_empty() && *step != b".");
    steps.map(<[u8]>::to_vec).collect()
}

/// Devices of the remote file systems of a mount namespace.
#[derive(Debug, Default)]
pub(crate) struct RemoteDevices(BTreeSet<u64>);

impl RemoteDevices {
    /// Reads the mount table of a process.
    pub(crate) fn of(root: &OwnedFd, pid: u32) -> Self {
        let mut text = Vec::new();
        // If it cannot be read, only the time limit protects.
        let _ = read_file(
            root,
            format!("{pid}/mountinfo"),
            MOUNTINFO_LIMIT_BYTES,
            &mut text,
        );
        Self::in_table(&text)
    }

    fn in_table(text: &[u8]) -> Self {
        Self(
            text.split(|byte| *byte == b'\n')
                .filter_map(device)
                .collect(),
        )
    }

    /// Whether a file is on one of these devices.
    pub(crate) fn has(&self, file: &FileStat) -> bool {
        self.0.contains(&file.dev)
    }
}

/// Returns the device of a mountinfo line if its file system is remote: `36 25 0:32 / /mnt rw -
/// fuse.sshfs …`.
fn device(line: &[u8]) -> Option<u64> {
    let mut words = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(words.nth(2)?).ok()?;
    let kind = words.skip_while(|word| *word != b"-").nth(1)?;
    let fuse = kind == b"fuse" || kind.starts_with(b"fuse.") || kind == b"fuseblk";
    if !fuse && !REMOTE_FILE_SYSTEMS.contains(&kind) {
        return None;
    }
    let (major, minor) = device.split_once(':')?;
    Some(makedev(major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn remote_file_systems_in_mountinfo() {
        let remote = RemoteDevices::in_table(
            b"1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
              2 1 0:40 / /mnt rw - fuse.sshfs a: rw\n3 1 0:41 / /net rw shared:2 - autofs x rw\n\
              4 1 0:42 / /run rw - tmpfs tmpfs rw\n5 1 0:43 / /x rw - nfs4 s:/ rw\ncut 1 0:9",
        );
        assert_eq!(remote.0, [40, 41, 43].map(|minor| makedev(0, minor)).into());
    }

    #[test]
    fn steps_resolve_like_the_kernel() {
        let folder = std::env::temp_dir().join(format!("resolver-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("a/b")).unwrap();
        std::fs::write(folder.join("a/b/file"), "").unwrap();
        for (link, target) in [
            ("up", "a/../a/b"),
            ("rooted", "/a/b"),
            ("out", "../../../../../../a/b"),
            ("loop", "loop"),
        ] {
            symlink(target, folder.join(link)).unwrap();
        }
        let top = rustix::fs::open(&folder, OFlags::PATH, Mode::empty()).unwrap();
        let remote = RemoteDevices::default();
        let resolver = |rooted, passive| Resolver {
            top: &top,
            rooted,
            passive,
            remote: &remote,
        };
        let inode = |place: OwnedFd| FileStat::of_fd(&place).unwrap().ino;
        let file =
            std::os::unix::fs::MetadataExt::ino(&folder.join("a/b/file").metadata().unwrap());
        let wanted: [(&str, Result<u64, Errno>); 7] = [
            ("a/b/file", Ok(file)),
            ("/a/./b//file", Ok(file)),
            ("up/file", Ok(file)),
            ("rooted/file", Ok(file)),
            ("/out/file", Ok(file)),
            ("loop/file", Err(Errno::LOOP)),
            ("a/none", Err(Errno::NOENT)),
        ];
        for (path, expected) in wanted {
            let rooted = resolver(true, false);
            let by_steps = rooted.resolve_by_steps(path.as_bytes()).map(inode);
            assert_eq!(by_steps, expected, "{path}");
            assert_eq!(
                rooted.resolve(path.as_bytes()).map(inode),
                expected,
                "{path}"
            );
        }
        let relative = resolver(false, false);
        assert_eq!(relative.resolve_by_steps(b"a/b/file").map(inode), Ok(file));
        assert_eq!(
            relative.resolve_by_steps(b"up/file").err(),
            Some(Errno::LOOP)
        );
        assert_eq!(relative.resolve_by_steps(b"../x").err(), Some(Errno::XDEV));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
