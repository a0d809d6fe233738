//! Bound paths as mount namespaces see them, and whether they refer to the file that was bound.
//!
//! `stat` and the kernel disagree on the device of a file on overlayfs and btrfs, and the kernel
//! truncates inodes to 32 bits: a file is the bound one when its inode is equal, and the device is
//! that of stat(2) or of the mount that contains it.

use std::collections::BTreeMap;

use whotalks_snapshot::records::BoundPath;

use crate::load::mountinfo::{Mount, mounts};
use crate::model::{HostId, Map, Socket, device, kernel_device};

use crate::load::Capture;

/// `S_IFMT` and `S_IFSOCK` of `linux/stat.h`.
const TYPE: u32 = 0o170_000;
const SOCKET: u32 = 0o140_000;

/// `ENOENT` and `ENOTDIR`: no file has that name.
const MISSING: [u16; 2] = [2, 20];

/// Paths and mounts of the captures.
#[derive(Debug, Default)]
pub(crate) struct BoundPaths<'a> {
    /// Captured paths, by host, then path, then mount namespace.
    paths: Vec<(HostId, &'a BoundPath)>,
    /// Those that exist: host, inode (its lower 32 bits), index in `paths`; sorted.
    by_inode: Vec<(HostId, u32, u32)>,
    /// Mounts by host and mount namespace.
    mounts: BTreeMap<(HostId, u64), Vec<Mount<'a>>>,
    /// The number of mount namespaces that were not read, or not whole.
    pub(crate) unread_namespaces: usize,
    /// The number of mount namespaces where the search for socket files stopped at a limit.
    pub(crate) truncated_searches: usize,
}

/// What a path refers to, compared with the file that a socket is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathMatch {
    /// The bound file.
    Bound,
    /// Another file.
    Other,
    /// No file.
    Missing,
    /// The path, or the file's device, could not be determined.
    Unknown,
}

impl<'a> BoundPaths<'a> {
    pub(super) fn new(map: &Map, captures: &[&'a Capture]) -> Self {
        let mut bound_paths = Self::default();
        for (index, capture) in captures.iter().enumerate().take(map.hosts.len()) {
            let host = HostId::new(index);
            for path in &capture.paths {
                if path.path.is_empty() && path.found_by == b"walk" {
                    bound_paths.truncated_searches += 1;
                } else if path.path.is_empty() {
                    bound_paths.unread_namespaces += 1;
                } else {
                    bound_paths.paths.push((host, path));
                }
            }
            for raw in capture.sources("mountinfo") {
                let key = (host, raw.header.mntns);
                bound_paths.mounts.insert(key, mounts(&raw.bytes));
            }
        }
        bound_paths
            .paths
            .sort_by_key(|(host, path)| (*host, &path.path, path.mntns, path.pid));
        let paths = bound_paths.paths.iter().enumerate();
        bound_paths.by_inode = paths
            .filter(|(_, (_, path))| path.errno == 0)
            .map(|(index, (host, path))| (*host, path.ino as u32, index as u32))
            .collect();
        bound_paths.by_inode.sort_unstable();
        bound_paths
    }

    /// All captured paths, by host, then path.
    pub(crate) fn all(&self) -> &[(HostId, &'a BoundPath)] {
        &self.paths
    }

    /// One path as each mount namespace sees it.
    pub(crate) fn views(&self, host: HostId, path: &[u8]) -> &[(HostId, &'a BoundPath)] {
        let before = |view: &(HostId, &BoundPath)| (view.0, &*view.1.path) < (host, path);
        let start = self.paths.partition_point(before);
        let views = &self.paths[start..];
        let end = views.partition_point(|view| (view.0, &*view.1.path) == (host, path));
        &views[..end]
    }

    /// The mounts of a mount namespace.
    pub(crate) fn mounts(&self, host: HostId, mntns: u64) -> &[Mount<'a>] {
        self.mounts.get(&(host, mntns)).map_or(&[], Vec::as_slice)
    }

    /// Compares a captured path with a bound file (inode, device as the kernel has it).
    pub(crate) fn compare(&self, host: HostId, path: &BoundPath, bound: (u32, u32)) -> PathMatch {
        match path.errno {
            0 => {}
            errno if MISSING.contains(&errno) => return PathMatch::Missing,
            _ => return PathMatch::Unknown,
        }
        let (inode, device) = bound;
        if path.ino as u32 != inode {
            return PathMatch::Other;
        }
        let by_stat = kernel_device(path.dev);
        if by_stat == Some(device) {
            return PathMatch::Bound;
        }
        match self.mount_device(host, path) {
            Some(mounted) if mounted == device => PathMatch::Bound,
            // stat(2) and the mount agree, so the file system shows its real device.
            Some(mounted) if by_stat == Some(mounted) => PathMatch::Other,
            _ => PathMatch::Unknown,
        }
    }

    /// Whether any captured path, of whatever name, refers to the bound file.
    pub(crate) fn has_path_to(&self, host: HostId, bound: (u32, u32)) -> bool {
        let key = (host, bound.0);
        let start = self
            .by_inode
            .partition_point(|(host, inode, _)| (*host, *inode) < key);
        let mut run = self.by_inode[start..]
            .iter()
            .take_while(|(host, inode, _)| (*host, *inode) == key);
        run.any(|(_, _, index)| {
            let (_, path) = self.paths[*index as usize];
            self.compare(host, path, bound) == PathMatch::Bound
        })
    }

    /// The device of the mount that contains a path, going by the text of both.
    fn mount_device(&self, host: HostId, path: &BoundPath) -> Option<u32> {
        let covers = |mount: &&Mount<'_>| {
            let rest = path.path.strip_prefix(&*mount.point);
            mount.point.ends_with(b"/")
                || rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        };
        // Of two mounts on one mount point the later one covers the earlier.
        let mounts = self.mounts(host, path.mntns).iter().filter(covers);
        device(mounts.max_by_key(|mount| mount.point.len())?.device)
    }
}

/// Whether a path refers to a socket file.
pub(crate) fn is_socket_file(path: &BoundPath) -> bool {
    path.errno == 0 && path.mode & TYPE == SOCKET
}

/// Whether all users may connect: others may write the file, and search the directories above it.
pub(crate) fn is_world_connectable(path: &BoundPath) -> bool {
    let parents = path.parent_modes.chunks_exact(4);
    let searchable = |mode: &[u8]| {
        let mode = mode.first_chunk::<4>().copied().map(u32::from_le_bytes);
        mode.is_some_and(|mode| mode & 0o001 != 0)
    };
    is_socket_file(path) && path.mode & 0o002 != 0 && parents.into_iter().all(searchable)
}

/// Describes the file that a socket is bound to.
pub(crate) fn bound_file(socket: &Socket) -> String {
    socket.vfs.map_or_else(String::new, |(inode, device)| {
        format!(
            "inode {inode} on device {}:{}",
            device >> 20,
            device & 0xf_ffff
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use whotalks_snapshot::records::RawHeader;

    #[test]
    fn devices_of_stat_and_of_mounts() {
        assert_eq!(kernel_device(0x1a), Some(0x1a));
        assert_eq!(kernel_device(0x0801), Some(8 << 20 | 1));
        let table = b"1 0 0:30 / / rw - overlay o rw\n2 1 0:26 / /run rw - tmpfs t rw\n";
        let capture = Capture {
            raw: vec![crate::load::RawSource {
                header: RawHeader {
                    source: b"mountinfo".to_vec(),
                    mntns: 9,
                    ..RawHeader::default()
                },
                bytes: table.to_vec(),
                gaps: false,
            }],
            ..Capture::default()
        };
        let map = crate::model::Map::with_host();
        let bound_paths = BoundPaths::new(&map, &[&capture]);
        let check = |path: &str, dev: u64, ino: u64, bound: (u32, u32)| {
            let path = BoundPath {
                mntns: 9,
                path: path.as_bytes().to_vec(),
                dev,
                ino,
                ..BoundPath::default()
            };
            bound_paths.compare(HostId(0), &path, bound)
        };
        assert_eq!(check("/run/x", 26, 5, (5, 26)), PathMatch::Bound);
        // Another file with the same inode, on another file system.
        assert_eq!(check("/run/x", 26, 5, (5, 27)), PathMatch::Other);
        assert_eq!(check("/run/x", 26, 6, (5, 26)), PathMatch::Other);
        // overlayfs: stat shows a device of its own.
        assert_eq!(check("/srv/x", 77, 5, (5, 30)), PathMatch::Bound);
        assert_eq!(check("/srv/x", 77, 5, (5, 31)), PathMatch::Unknown);
        assert_eq!(check("/srv/x", 77, 1 << 32 | 5, (5, 30)), PathMatch::Bound);
    }

    #[test]
    fn permissions_to_connect() {
        let check = |mode: u32, parents: &[u32], expected: bool| {
            let path = BoundPath {
                mode: SOCKET | mode,
                parent_modes: parents.iter().flat_map(|mode| mode.to_le_bytes()).collect(),
                ..BoundPath::default()
            };
            assert_eq!(is_world_connectable(&path), expected);
        };
        check(0o777, &[0o755, 0o755], true);
        check(0o777, &[0o755, 0o700], false);
        check(0o755, &[0o755], false);
    }
}
