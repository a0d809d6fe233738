//! Whether the path of a bound socket still leads to a file.

use std::collections::BTreeMap;

use super::process::Process;
use super::socket::Holder;
use super::socket_draft::Draft;
use crate::load::Capture;

/// `ENOENT` and `ENOTDIR`: nothing is there.
const NOTHING_THERE: [u16; 2] = [2, 20];

/// Asks what was found at each path, as the mount namespace of a holder has it.
///
/// Relative paths mean another place for each process, and are left open. So is whether the file is
/// the one that was bound: overlayfs shows another inode than the socket's own.
pub(super) fn look(
    capture: &Capture,
    drafts: &mut [Draft],
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
        let of = &holders[socket.holders.start as usize..socket.holders.end as usize];
        let mntns = of.first().and_then(|h| processes[h.process.index()].mntns);
        let errno = mntns.and_then(|mntns| found.get(&(mntns, name.bytes())));
        socket.path_exists = match errno {
            Some(0) => Some(true),
            Some(errno) if NOTHING_THERE.contains(errno) => Some(false),
            _ => None,
        };
    }
}
