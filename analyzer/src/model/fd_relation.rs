//! What fdinfo tells of descriptors that are no sockets: what an epoll watches, which eventfds are
//! one, whom a pidfd means.
//!
//! Reference: proc_pid_fdinfo(5).

use std::collections::{BTreeMap, HashSet};

use whotalks_snapshot::records::DescriptorInfo;

use super::processes::find;
use super::wait::ThreadState;
use super::wait::{self, DescriptorKey, FdTarget, PrivateTables};
use super::{Holder, Map, ProcessId};
use crate::load::Capture;
use crate::load::proc_pid::status_line;

/// A relation that is no conversation.
#[derive(Debug, Clone)]
pub enum FdRelation {
    /// An epoll descriptor and what it watches.
    Epoll {
        /// The descriptor.
        holder: Holder,
        /// What it watches, in the kernel's order.
        targets: Vec<EpollTarget>,
    },
    /// One eventfd in several descriptors.
    Eventfd {
        /// `eventfd-id`.
        id: u64,
        /// Who has it, as far as fdinfo was captured.
        holders: Vec<Holder>,
    },
    /// A pidfd.
    Pidfd {
        /// The descriptor.
        holder: Holder,
        /// The pid, as the collector saw it; `None`: the process has ended, or is outside.
        pid: Option<u32>,
        /// The process, where the map has it.
        target: Option<ProcessId>,
    },
}

impl FdRelation {
    /// The same where things have other places, or none any more; `None`: nobody is left who has it.
    pub(crate) fn moved(
        self,
        process: &impl Fn(ProcessId) -> Option<ProcessId>,
        on: &impl Fn(FdTarget) -> FdTarget,
    ) -> Option<Self> {
        let moved = |holder: Holder| {
            Some(Holder {
                process: process(holder.process)?,
                ..holder
            })
        };
        Some(match self {
            Self::Epoll { holder, targets } => {
                let target = |target: EpollTarget| EpollTarget {
                    on: on(target.on),
                    ..target
                };
                Self::Epoll {
                    holder: moved(holder)?,
                    targets: targets.into_iter().map(target).collect(),
                }
            }
            Self::Eventfd { id, holders } => {
                let holders: Vec<Holder> = holders.into_iter().filter_map(moved).collect();
                (!holders.is_empty()).then_some(Self::Eventfd { id, holders })?
            }
            Self::Pidfd {
                holder,
                pid,
                target,
            } => Self::Pidfd {
                holder: moved(holder)?,
                pid,
                target: target.and_then(process),
            },
        })
    }
}

/// Something that an epoll descriptor watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpollTarget {
    /// The number it was added under.
    pub fd: u32,
    /// Inode of the file.
    pub inode: Option<u64>,
    /// What it is. Unknown where that number leads elsewhere by now.
    pub on: FdTarget,
}

/// Adds waits and relations of the last host to the map.
pub(super) fn add(map: &mut Map, capture: &Capture, first: usize) {
    let mut waits = wait::waits(capture, map, first);
    let mut relations = relations(capture, map, first);
    let tables = PrivateTables::new(capture);
    let mut wanted: HashSet<DescriptorKey> = HashSet::new();
    let place = |map: &Map, process: ProcessId, tid: u32, fd: u32| {
        let tid = tables.table_of(map.process(process).pid, tid);
        (process, tid, fd)
    };
    for wait in &waits {
        if let ThreadState::Call(call) = &wait.doing {
            wanted.extend(call.fd.map(|fd| place(map, wait.process, wait.tid, fd)));
        }
    }
    for relation in &relations {
        if let FdRelation::Epoll { holder, targets } = relation {
            wanted.extend(targets.iter().map(|t| (holder.process, holder.tid, t.fd)));
        }
    }
    let found = wait::resolve(capture, map, first, &wanted);
    for wait in &mut waits {
        if let ThreadState::Call(call) = &mut wait.doing
            && let Some(fd) = call.fd
        {
            let place = place(map, wait.process, wait.tid, fd);
            call.on = found.get(&place).cloned().unwrap_or_default();
        }
    }
    for relation in &mut relations {
        if let FdRelation::Epoll { holder, targets } = relation {
            for target in targets {
                let on = found.get(&(holder.process, holder.tid, target.fd));
                target.on = on
                    .filter(|on| is_inode(map, on, target.inode))
                    .cloned()
                    .unwrap_or_default();
            }
        }
    }
    map.waits.append(&mut waits);
    map.relations.append(&mut relations);
}

/// Whether a thing may have this inode; of what the map has no inode of, nothing speaks against it.
fn is_inode(map: &Map, on: &FdTarget, inode: Option<u64>) -> bool {
    use super::PipeKey::{Fifo, Pipe};
    let own = match on {
        FdTarget::Socket(id) => map.socket(*id).inode,
        FdTarget::Pipe(id) => match map.pipes[id.index()].key {
            Pipe(inode) | Fifo(_, inode) => inode,
        },
        FdTarget::Other(_) | FdTarget::Unknown => return true,
    };
    inode.is_none_or(|inode| inode == own)
}

fn relations(capture: &Capture, map: &Map, first: usize) -> Vec<FdRelation> {
    let mut relations = Vec::new();
    let mut eventfds: BTreeMap<u64, Vec<Holder>> = BTreeMap::new();
    let mut infos: Vec<&DescriptorInfo> = capture.descriptor_infos.iter().collect();
    infos.sort_by_key(|info| (info.pid, info.tid, info.fd));
    infos.dedup_by_key(|info| (info.pid, info.tid, info.fd));
    for info in infos {
        let Some(process) = find(&map.processes, first, info.pid) else {
            continue;
        };
        let holder = Holder {
            process,
            tid: (info.tid != 0).then_some(info.tid),
            fd: info.fd,
            cloexec: None,
        };
        let targets = targets(&info.text);
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
            // -1: it has ended; 0: not in this pid namespace.
            let pid = pid.parse().ok().filter(|pid| *pid != 0);
            relations.push(FdRelation::Pidfd {
                holder,
                pid,
                target: pid.and_then(|pid| find(&map.processes, first, pid)),
            });
        }
    }
    let shared = eventfds
        .into_iter()
        .filter(|(_, holders)| holders.len() > 1);
    relations.extend(shared.map(|(id, holders)| FdRelation::Eventfd { id, holders }));
    relations
}

/// What the fdinfo of an epoll descriptor says it watches; of others nothing.
pub(crate) fn targets(text: &[u8]) -> Vec<EpollTarget> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(target).collect()
}

/// `tfd:        7 events:       19 data: 561ae3a15f18  pos:0 ino:40f sdev:10`; the inode since
/// Linux 4.13.
fn target(line: &[u8]) -> Option<EpollTarget> {
    let line = std::str::from_utf8(line.strip_prefix(b"tfd:")?).ok()?;
    let fd = line.split_ascii_whitespace().next()?.parse().ok()?;
    let inode = line
        .split_once(" ino:")
        .and_then(|(_, rest)| u64::from_str_radix(rest.split_ascii_whitespace().next()?, 16).ok());
    Some(EpollTarget {
        fd,
        inode,
        on: FdTarget::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_an_epoll() {
        let line = b"tfd:        7 events:       19 data:     561ae3a15f18  pos:0 ino:40f sdev:10";
        let read = target(line).map(|target| (target.fd, target.inode));
        assert_eq!(read, Some((7, Some(0x40f))));
        let old = target(b"tfd:        5 events:       1d data: ffffffffffffffff");
        assert_eq!(old.map(|target| (target.fd, target.inode)), Some((5, None)));
        assert_eq!(target(b"tfd: x"), None);
        assert_eq!(target(b"flags: 02"), None);
    }
}
