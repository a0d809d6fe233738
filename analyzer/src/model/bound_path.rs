//! Checks whether a file still exists at the path of each bound Unix socket.

use std::collections::BTreeMap;

use super::holder::Holder;
use super::process::Process;
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
