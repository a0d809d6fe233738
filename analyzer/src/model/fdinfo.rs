//! Relations from fdinfo: the files an epoll watches, the descriptors of an eventfd, the process of
//! a pidfd.
//!
//! Reference: proc_pid_fdinfo(5).

use std::collections::BTreeMap;

use whotalks_snapshot::records::DescriptorInfo;

use super::fd_relation::{EpollTarget, FdRelation, FdTarget};
use super::holder::Holder;
use super::map::Map;
use super::process::find_pid;
use crate::load::Capture;
use crate::load::proc_pid::status_line;

/// The relations of the last host, whose processes start at `first`; targets stay unknown.
pub(super) fn relations(capture: &Capture, map: &Map, first: usize) -> Vec<FdRelation> {
    let mut relations = Vec::new();
    let mut eventfds: BTreeMap<u64, Vec<Holder>> = BTreeMap::new();
    let mut infos: Vec<&DescriptorInfo> = capture.descriptor_infos.iter().collect();
    infos.sort_by_key(|info| (info.pid, info.tid, info.fd));
    infos.dedup_by_key(|info| (info.pid, info.tid, info.fd));
    for info in infos {
        let Some(process) = find_pid(&map.processes, first, info.pid) else {
            continue;
        };
        let holder = Holder {
            process,
            tid: (info.tid != 0).then_some(info.tid),
            fd: info.fd,
            through_io_uring: false,
            cloexec: None,
            keeps: None,
        };
        let targets = epoll_targets(&info.text);
        if !targets.is_empty() {
            relations.push(FdRelation::Epoll { holder, targets });
        } else if let Some(id) = status_line(&info.text, "eventfd-id") {
            if let Ok(id) = id.parse() {
                eventfds.entry(id).or_default().push(holder);
            }
        } else if let (Some(pid), Some(_)) = (
            status_line(&info.text, "Pid"),
            status_line(&info.text, "NSpid"),
        ) {
            // -1: the process has ended; 0: it is outside this pid namespace.
            let pid = pid.parse().ok().filter(|pid| *pid != 0);
            relations.push(FdRelation::Pidfd {
                holder,
                pid,
                target: pid.and_then(|pid| find_pid(&map.processes, first, pid)),
            });
        }
    }
    let shared = eventfds
        .into_iter()
        .filter(|(_, holders)| holders.len() > 1);
    relations.extend(shared.map(|(id, holders)| FdRelation::Eventfd { id, holders }));
    relations
}

/// The inodes of the sockets that are registered with an io_uring, from its fdinfo; empty for other
/// descriptors.
pub(super) fn registered_sockets(text: &[u8]) -> impl Iterator<Item = u64> {
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .skip_while(|line| !line.starts_with(b"UserFiles:"))
        .skip(1)
        .map_while(|line| line.strip_prefix(b" "))
        .filter_map(|line| {
            // `    0: socket:[2057711]`
            let (_, file) = std::str::from_utf8(line).ok()?.split_once(": ")?;
            file.strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        })
}

/// The files that an epoll descriptor watches, from its fdinfo; empty for other descriptors.
pub(crate) fn epoll_targets(text: &[u8]) -> Vec<EpollTarget> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(epoll_target).collect()
}

/// `tfd:        7 events:       19 data: 561ae3a15f18  pos:0 ino:40f sdev:10`; `ino` since Linux 4.13.
fn epoll_target(line: &[u8]) -> Option<EpollTarget> {
    let line = std::str::from_utf8(line.strip_prefix(b"tfd:")?).ok()?;
    let fd = line.split_ascii_whitespace().next()?.parse().ok()?;
    let hex = |field: &str| {
        let (_, rest) = line.split_once(field)?;
        u64::from_str_radix(rest.split_ascii_whitespace().next()?, 16).ok()
    };
    Some(EpollTarget {
        fd,
        // The field has 32 bits.
        events: hex(" events:").unwrap_or_default() as u32,
        inode: hex(" ino:"),
        target: FdTarget::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_an_io_uring() {
        let text =
            b"SqMask:\t0x3\nUserFiles:\t2\n    0: socket:[77]\n    1: /dev/null\nUserBufs:\t0\n";
        assert_eq!(registered_sockets(text).collect::<Vec<_>>(), [77]);
        assert_eq!(registered_sockets(b"flags: 02\n").count(), 0);
    }

    #[test]
    fn targets_of_an_epoll() {
        let line = b"tfd:        7 events:       19 data:     561ae3a15f18  pos:0 ino:40f sdev:10";
        let read = epoll_target(line).map(|target| (target.fd, target.events, target.inode));
        assert_eq!(read, Some((7, 0x19, Some(0x40f))));
        let old = epoll_target(b"tfd:        5 events:       1d data: ffffffffffffffff");
        assert_eq!(old.map(|target| (target.fd, target.inode)), Some((5, None)));
        assert_eq!(epoll_target(b"tfd: x"), None);
        assert_eq!(epoll_target(b"flags: 02"), None);
    }
}
