//! Checks whether a file still exists at the path of each bound Unix socket, and finds it where it was
//! renamed or bound by a relative path.

use std::collections::BTreeMap;

use super::holder::Holder;
use super::name::Name;
use super::process::Process;
use super::socket::{SocketState, SocketType};
use super::socket_draft::SocketDraft;
use crate::load::Capture;

/// `ENOENT` and `ENOTDIR`: no file exists.
const NO_FILE: [u16; 2] = [2, 20];

/// Sets [`path_exists`](super::Socket::path_exists) from the captured results, in the mount namespace of
/// the first holder.
///
/// Skips relative paths, which depend on a process's working directory. Does not check that the file is
/// the one that was bound: overlayfs shows another inode than the socket's.
pub(super) fn check(
    capture: &Capture,
    drafts: &mut [SocketDraft],
    holders: &[Holder],
    processes: &[Process],
) {
    let found: BTreeMap<(u64, &[u8]), u16> = capture
        .paths
        .iter()
        .filter(|record| record.path.first() == Some(&b'/'))
        .map(|record| ((record.mntns, record.path.as_slice()), record.errno))
        .collect();
    if found.is_empty() {
        return;
    }
    for draft in drafts {
        let socket = &mut draft.socket;
        let Some(name) = socket.name.as_ref().filter(|name| !name.is_abstract()) else {
            continue;
        };
        let holders = &holders[socket.holders.start as usize..socket.holders.end as usize];
        let mntns = holders
            .first()
            .and_then(|h| processes[h.process.index()].mntns);
        let errno = mntns.and_then(|mntns| found.get(&(mntns, name.bytes())));
        socket.path_exists = match errno {
            Some(0) => Some(true),
            Some(errno) if NO_FILE.contains(errno) => Some(false),
            _ => None,
        };
    }
}

/// Sets [`moved_to`](super::Socket::moved_to) of the sockets whose own path is relative, or leads to no
/// file, or to another one: the only path captured that leads to the file now, in the mount namespace of
/// the first holder.
pub(super) fn find_moved(
    capture: &Capture,
    drafts: &mut [SocketDraft],
    holders: &[Holder],
    processes: &[Process],
) {
    let mut by_file: BTreeMap<(u64, u32, u32), Vec<&[u8]>> = BTreeMap::new();
    for record in &capture.paths {
        let device = kernel_device(record.dev).filter(|_| record.errno == 0);
        if let Some(device) = device.filter(|_| record.path.first() == Some(&b'/')) {
            // The kernel cuts the inode to 32 bits.
            let key = (record.mntns, record.ino as u32, device);
            by_file.entry(key).or_default().push(&record.path);
        }
    }
    for draft in drafts {
        let socket = &mut draft.socket;
        // Accepted sockets have the name of their listener.
        let is_found_by_name =
            socket.state == SocketState::Listening || socket.kind == SocketType::Dgram;
        let (Some(name), Some((inode, device)), true) =
            (&socket.name, socket.vfs, is_found_by_name)
        else {
            continue;
        };
        let holders = &holders[socket.holders.start as usize..socket.holders.end as usize];
        let mntns = holders
            .first()
            .and_then(|h| processes[h.process.index()].mntns);
        let paths = mntns.and_then(|mntns| by_file.get(&(mntns, inode, device)));
        let Some(paths) = paths.filter(|paths| !paths.contains(&name.bytes())) else {
            continue;
        };
        let first = paths[0];
        if paths.iter().all(|path| *path == first) {
            socket.moved_to = Name::from_diag(first);
        }
    }
}

/// Converts `st_dev` to the kernel's form: 12 bits of major, 20 of minor.
pub(crate) fn kernel_device(dev: u64) -> Option<u32> {
    let major = (dev >> 8 & 0xfff) | (dev >> 32 & 0xffff_f000);
    let minor = (dev & 0xff) | (dev >> 12 & 0xffff_ff00);
    device((u32::try_from(major).ok()?, u32::try_from(minor).ok()?))
}

/// A device in the kernel's form, from major and minor.
pub(crate) fn device((major, minor): (u32, u32)) -> Option<u32> {
    (major < 1 << 12 && minor < 1 << 20).then_some(major << 20 | minor)
}
