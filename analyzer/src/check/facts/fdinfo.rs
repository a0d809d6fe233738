//! What fdinfo says beyond close-on-exec and relations: descriptors in flight, io_urings.
//!
//! Reference: proc_pid_fdinfo(5).

use super::process_tree::find;
use crate::load::Capture;
use crate::load::proc_pid::status_line;
use crate::model::{DescriptorKey, FdRelation, Map, ProcessId};

/// What the fdinfo of a map's processes says.
#[derive(Debug, Default)]
pub(crate) struct Fdinfo {
    /// Process and inode of each target of its event polls; sorted.
    watched: Vec<(ProcessId, u64)>,
    /// Descriptors other than sockets whose fdinfo was captured; sorted.
    others: Vec<DescriptorKey>,
    /// Descriptors of sockets with descriptors in flight, and how many; sorted.
    pub(crate) in_flight: Vec<(DescriptorKey, u32)>,
    /// Sockets (inode) that an io_uring keeps, whether or not a table holds them; sorted.
    pub(crate) in_rings: Vec<u64>,
    /// Any fdinfo was captured at all, by host.
    captured: Vec<bool>,
}

impl Fdinfo {
    pub(super) fn of(map: &Map, captures: &[&Capture]) -> Self {
        let mut infos = Self::default();
        for (host, capture) in captures.iter().enumerate() {
            infos.captured.push(!capture.descriptor_infos.is_empty());
            let mut last = None;
            for info in capture
                .descriptor_infos
                .iter()
                .filter(|info| info.errno == 0)
            {
                let process = match last {
                    Some((pid, process)) if pid == info.pid => process,
                    _ => find(map, host as u32, info.pid),
                };
                last = Some((info.pid, process));
                if let Some(process) = process {
                    let tid = (info.tid != 0).then_some(info.tid);
                    infos.read((process, tid, info.fd), &info.text);
                }
            }
        }
        for relation in &map.relations {
            if let FdRelation::Epoll { holder, targets } = relation {
                let inodes = targets.iter().filter_map(|target| target.inode);
                let watched = inodes.map(|inode| (holder.process, inode));
                infos.watched.extend(watched);
            }
        }
        infos.watched.sort_unstable();
        infos.watched.dedup();
        infos.others.sort_unstable();
        infos.in_flight.sort_unstable();
        infos.in_rings.sort_unstable();
        infos
    }

    fn read(&mut self, descriptor: DescriptorKey, text: &[u8]) {
        // Sockets have this line.
        if let Some(count) = status_line(text, "scm_fds") {
            if let Ok(count @ 1..) = count.parse() {
                self.in_flight.push((descriptor, count));
            }
            return;
        }
        self.others.push(descriptor);
        let mut is_ring = false;
        for line in text.split(|byte| *byte == b'\n') {
            is_ring |= line.starts_with(b"UserFiles:");
            if is_ring && let Some(inode) = registered(line) {
                self.in_rings.push(inode);
            }
        }
    }

    /// Whether an event poll of the process watches the inode.
    pub(crate) fn watches(&self, process: ProcessId, inode: u64) -> bool {
        self.watched.binary_search(&(process, inode)).is_ok()
    }

    /// Whether the targets of an event poll are known; it may have none.
    pub(crate) fn knows_poll(&self, poll: DescriptorKey) -> bool {
        self.others.binary_search(&poll).is_ok()
    }

    /// Whether fdinfo was captured on all hosts.
    pub(crate) fn everywhere(&self) -> bool {
        self.captured.iter().all(|captured| *captured)
    }
}

/// `    0: socket:[123]`, a file that an io_uring has registered.
fn registered(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, inode) = text.split_once(": socket:[")?;
    inode.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        assert_eq!(registered(b"    0: socket:[123]"), Some(123));
        assert_eq!(registered(b"    1: <none>"), None);
    }
}
