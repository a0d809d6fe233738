//! Where names lead: bound paths as mount namespaces see them, and whether they are what was bound.
//!
//! `stat` and the kernel disagree on the device of a file on overlayfs and btrfs, and the kernel
//! cuts inodes to 32 bits: a file is the bound one when its inode agrees, and the device either of
//! stat(2) or of the mount that it lies on.

use std::collections::BTreeMap;

use whotalks_snapshot::records::BoundPath;

use crate::load::mountinfo::{Mount, mounts};
use crate::model::{HostId, Map, Socket};

use super::Facts;
use crate::load::Capture;

/// `S_IFMT` and `S_IFSOCK` of `linux/stat.h`.
const TYPE: u32 = 0o170_000;
const SOCKET: u32 = 0o140_000;

/// `ENOENT` and `ENOTDIR`: there is nothing of that name.
const NOTHING: [u16; 2] = [2, 20];

/// Paths and mounts of the captures.
#[derive(Debug, Default)]
pub(crate) struct BoundPaths<'a> {
    /// What was looked at; by host, then path, then mount namespace.
    looks: Vec<(HostId, &'a BoundPath)>,
    /// Those that lead to something: host, inode (its lower 32 bits), place in `looks`; sorted.
    by_inode: Vec<(HostId, u32, u32)>,
    /// By host and mount namespace.
    mounts: BTreeMap<(HostId, u64), Vec<Mount<'a>>>,
    /// Mount namespaces that gave no answer, or not all.
    pub(crate) unanswered: usize,
    /// Mount namespaces with more files in the usual places than were looked at.
    pub(crate) cut: usize,
}

/// Whether a path leads to what a socket is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To the bound file.
    There,
    /// To another file.
    Elsewhere,
    /// Nothing is there.
    Nowhere,
    /// It could not be seen.
    Unknown,
}

impl<'a> BoundPaths<'a> {
    fn of(map: &Map, captures: &[&'a Capture]) -> Self {
        let mut places = Self::default();
        for (at, capture) in captures.iter().enumerate().take(map.hosts.len()) {
            let host = HostId::new(at);
            for look in &capture.paths {
                if look.path.is_empty() && look.found_by == b"walk" {
                    places.cut += 1;
                } else if look.path.is_empty() {
                    places.unanswered += 1;
                } else {
                    places.looks.push((host, look));
                }
            }
            for raw in capture.sources("mountinfo") {
                let key = (host, raw.header.mntns);
                places.mounts.insert(key, mounts(&raw.bytes));
            }
        }
        places
            .looks
            .sort_by_key(|(host, look)| (*host, &look.path, look.mntns, look.pid));
        let there = places.looks.iter().enumerate();
        places.by_inode = there
            .filter(|(_, (_, look))| look.errno == 0)
            .map(|(at, (host, look))| (*host, look.ino as u32, at as u32))
            .collect();
        places.by_inode.sort_unstable();
        places
    }

    /// Everything that was looked at, by host, then path.
    pub(crate) fn all(&self) -> &[(HostId, &'a BoundPath)] {
        &self.looks
    }

    /// What was seen of a path, in whatever mount namespace.
    pub(crate) fn at(&self, host: HostId, path: &[u8]) -> &[(HostId, &'a BoundPath)] {
        let key = |one: &(HostId, &BoundPath)| (one.0, &*one.1.path) < (host, path);
        let start = self.looks.partition_point(key);
        let run = self.looks[start..]
            .iter()
            .take_while(|(of, look)| *of == host && look.path == path)
            .count();
        &self.looks[start..start + run]
    }

    /// The mounts of a mount namespace.
    pub(crate) fn mounts(&self, host: HostId, mntns: u64) -> &[Mount<'a>] {
        self.mounts.get(&(host, mntns)).map_or(&[], Vec::as_slice)
    }

    /// Whether a path that was looked at leads to the bound file (inode, kernel's device).
    pub(crate) fn leads(&self, host: HostId, look: &BoundPath, bound: (u32, u32)) -> Leads {
        match look.errno {
            0 => {}
            errno if NOTHING.contains(&errno) => return Leads::Nowhere,
            _ => return Leads::Unknown,
        }
        let (inode, device) = bound;
        if look.ino as u32 != inode {
            return Leads::Elsewhere;
        }
        let by_stat = kernel_device(look.dev);
        if by_stat == Some(device) {
            return Leads::There;
        }
        match self.mounted(host, look) {
            Some(mounted) if mounted == device => Leads::There,
            // stat(2) and the mount agree with each other, so neither hides the device.
            Some(mounted) if by_stat == Some(mounted) => Leads::Elsewhere,
            _ => Leads::Unknown,
        }
    }

    /// The device of the mount that a path lies on, as far as its text tells.
    fn mounted(&self, host: HostId, look: &BoundPath) -> Option<u32> {
        let covers = |mount: &&Mount<'_>| {
            let rest = look.path.strip_prefix(&*mount.point);
            mount.point.ends_with(b"/")
                || rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        };
        // Of two mounts on one place the later one covers the earlier.
        let mount = self
            .mounts(host, look.mntns)
            .iter()
            .filter(covers)
            .max_by_key(|mount| mount.point.len())?;
        device(mount.device)
    }
}

impl<'a> Facts<'a> {
    /// Paths and mounts.
    pub(crate) fn places(&self) -> &BoundPaths<'a> {
        self.places
            .get_or_init(|| BoundPaths::of(self.map, &self.captures))
    }

    /// Whether any path that was looked at, of whatever name, leads to the bound file.
    pub(crate) fn is_bound_elsewhere(&self, host: HostId, bound: (u32, u32)) -> bool {
        let places = self.places();
        let key = (host, bound.0);
        let start = places
            .by_inode
            .partition_point(|(of, ino, _)| (*of, *ino) < key);
        let mut run = places.by_inode[start..]
            .iter()
            .take_while(|(of, ino, _)| (*of, *ino) == key);
        run.any(|(_, _, at)| {
            places.leads(host, places.looks[*at as usize].1, bound) == Leads::There
        })
    }
}

/// Whether what was found is a socket.
pub(crate) fn is_socket_file(look: &BoundPath) -> bool {
    look.errno == 0 && look.mode & TYPE == SOCKET
}

/// Whether anybody at all may connect: the file can be written by others, and the directories above
/// it searched.
pub(crate) fn is_open_to_all(look: &BoundPath) -> bool {
    let parents = look.parent_modes.chunks_exact(4);
    let searchable = |mode: &[u8]| {
        let mode = mode.first_chunk::<4>().copied().map(u32::from_le_bytes);
        mode.is_some_and(|mode| mode & 0o001 != 0)
    };
    is_socket_file(look) && look.mode & 0o002 != 0 && parents.into_iter().all(searchable)
}

/// The device of what a socket is bound to, as people write it.
pub(crate) fn bound_to(socket: &Socket) -> String {
    socket.vfs.map_or_else(String::new, |(inode, device)| {
        format!(
            "inode {inode} on device {}:{}",
            device >> 20,
            device & 0xf_ffff
        )
    })
}

/// `st_dev` as the kernel has it: 12 bits of major, 20 of minor.
fn kernel_device(dev: u64) -> Option<u32> {
    let major = (dev >> 8 & 0xfff) | (dev >> 32 & 0xffff_f000);
    let minor = (dev & 0xff) | (dev >> 12 & 0xffff_ff00);
    device((u32::try_from(major).ok()?, u32::try_from(minor).ok()?))
}

fn device((major, minor): (u32, u32)) -> Option<u32> {
    (major < 1 << 12 && minor < 1 << 20).then_some(major << 20 | minor)
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
        let map = crate::model::fixture::map();
        let places = BoundPaths::of(&map, &[&capture]);
        let check = |path: &str, dev: u64, ino: u64, bound: (u32, u32)| {
            let look = BoundPath {
                mntns: 9,
                path: path.as_bytes().to_vec(),
                dev,
                ino,
                ..BoundPath::default()
            };
            places.leads(HostId(0), &look, bound)
        };
        assert_eq!(check("/run/x", 26, 5, (5, 26)), Leads::There);
        // Another file of the same number, on another file system.
        assert_eq!(check("/run/x", 26, 5, (5, 27)), Leads::Elsewhere);
        assert_eq!(check("/run/x", 26, 6, (5, 26)), Leads::Elsewhere);
        // overlayfs: stat shows a device of its own.
        assert_eq!(check("/srv/x", 77, 5, (5, 30)), Leads::There);
        assert_eq!(check("/srv/x", 77, 5, (5, 31)), Leads::Unknown);
        assert_eq!(check("/srv/x", 77, 1 << 32 | 5, (5, 30)), Leads::There);
    }

    #[test]
    fn who_may_connect() {
        let check = |mode: u32, parents: &[u32], expected: bool| {
            let look = BoundPath {
                mode: SOCKET | mode,
                parent_modes: parents.iter().flat_map(|mode| mode.to_le_bytes()).collect(),
                ..BoundPath::default()
            };
            assert_eq!(is_open_to_all(&look), expected);
        };
        check(0o777, &[0o755, 0o755], true);
        check(0o777, &[0o755, 0o700], false);
        check(0o755, &[0o755], false);
    }
}
