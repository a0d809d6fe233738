//! fdinfo beyond close-on-exec and relations: descriptors in flight, files of io_urings.
//!
//! Reference: proc_pid_fdinfo(5).

use std::collections::BTreeMap;

use whotalks_snapshot::records::DescriptorInfo;

use super::process_tree::find;
use crate::load::Capture;
use crate::load::proc_pid::status_line;
use crate::model::{DescriptorKey, FdRelation, Map, PrivateTables, ProcessId, Wait};

/// The fdinfo of a map's processes.
#[derive(Debug, Default)]
pub(crate) struct Fdinfo {
    /// Process and inode of each target of its epoll instances; sorted.
    watched: Vec<(ProcessId, u64)>,
    /// Descriptors other than sockets whose fdinfo was captured; sorted.
    others: Vec<DescriptorKey>,
    /// The number of descriptors in flight to each socket that has any.
    pub(crate) in_flight: BTreeMap<DescriptorKey, u32>,
    /// Inodes of sockets that are registered with an io_uring, held by a process or not; sorted.
    pub(crate) in_rings: Vec<u64>,
    /// Whether any fdinfo was captured, by host.
    captured: Vec<bool>,
    /// Threads with a descriptor table of their own, by host.
    private_tables: Vec<PrivateTables>,
}

impl Fdinfo {
    pub(super) fn new(map: &Map, captures: &[&Capture]) -> Self {
        let mut fdinfo = Self::default();
        for (host, capture) in captures.iter().enumerate() {
            fdinfo.captured.push(!capture.descriptor_infos.is_empty());
            fdinfo.private_tables.push(PrivateTables::new(capture));
            let mut last = None;
            let infos = capture.descriptor_infos.iter();
            for info in infos.filter(|info| info.errno == 0) {
                let process = match last {
                    Some((pid, process)) if pid == info.pid => process,
                    _ => find(map, host as u32, info.pid),
                };
                last = Some((info.pid, process));
                if let Some(process) = process {
                    fdinfo.add(process, info);
                }
            }
        }
        for relation in &map.relations {
            if let FdRelation::Epoll { holder, targets } = relation {
                let inodes = targets.iter().filter_map(|target| target.inode);
                let watched = inodes.map(|inode| (holder.process, inode));
                fdinfo.watched.extend(watched);
            }
        }
        fdinfo.watched.sort_unstable();
        fdinfo.watched.dedup();
        fdinfo.others.sort_unstable();
        fdinfo.in_rings.sort_unstable();
        fdinfo
    }

    fn add(&mut self, process: ProcessId, info: &DescriptorInfo) {
        let key = (process, (info.tid != 0).then_some(info.tid), info.fd);
        // Only sockets have this line.
        if let Some(count) = status_line(&info.text, "scm_fds") {
            if let Ok(count @ 1..) = count.parse() {
                let most = self.in_flight.entry(key).or_insert(count);
                *most = count.max(*most);
            }
            return;
        }
        self.others.push(key);
        let mut is_ring = false;
        for line in info.text.split(|byte| *byte == b'\n') {
            is_ring |= line.starts_with(b"UserFiles:");
            if is_ring && let Some(inode) = registered_socket(line) {
                self.in_rings.push(inode);
            }
        }
    }

    /// Whether an epoll instance of the process watches the inode.
    pub(crate) fn watches(&self, process: ProcessId, inode: u64) -> bool {
        self.watched.binary_search(&(process, inode)).is_ok()
    }

    /// Whether the targets of the epoll instance that a thread waits in are known; it may have none.
    pub(crate) fn knows_epoll(&self, map: &Map, thread: &Wait, fd: Option<u32>) -> bool {
        let process = map.process(thread.process);
        let tables = self.private_tables.get(process.host.index());
        let table = tables.and_then(|tables| tables.table_of(process.pid, thread.tid));
        let known = |fd| {
            let key = (thread.process, table, fd);
            self.others.binary_search(&key).is_ok()
        };
        fd.is_some_and(known)
    }

    /// Whether fdinfo was captured on all hosts.
    pub(crate) fn is_complete(&self) -> bool {
        self.captured.iter().all(|captured| *captured)
    }
}

/// The inode of a socket that is registered with an io_uring: `    0: socket:[123]`.
fn registered_socket(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, inode) = text.split_once(": socket:[")?;
    inode.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_sockets_are_read() {
        assert_eq!(registered_socket(b"    0: socket:[123]"), Some(123));
        assert_eq!(registered_socket(b"    1: <none>"), None);
    }
}
