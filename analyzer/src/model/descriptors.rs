//! Reads descriptor tables: the holders of sockets and pipes, and the descriptor counts of processes.

use std::collections::{BTreeMap, BTreeSet};

use whotalks_snapshot::descriptors::{DescriptorTable, Link};
use whotalks_snapshot::records::DescriptorInfo;

use super::coverage::FdsStatus;
use super::fdinfo;
use super::holder::Holder;
use super::ids::{HostId, ProcessId};
use super::namespace_files::namespace_files;
use super::pipe::{Pipe, PipeKey};
use super::process::{Process, find_pid};
use super::processes::ENDED;
use crate::load::Capture;

/// `O_CLOEXEC` as fdinfo prints it, on every architecture but alpha, parisc and sparc.
const O_CLOEXEC: u32 = 0o2_000_000;

/// The holders of a host's sockets and pipes.
#[derive(Default)]
pub(super) struct HeldFiles {
    /// Socket inodes with one holder each, sorted: the holders of a socket are adjacent.
    pub(super) sockets: Vec<(u64, Holder)>,
    /// Pipes and FIFOs.
    pub(super) pipes: Vec<Pipe>,
}

/// Reads the tables of a capture; sets the descriptor status and counts of its processes, which start at
/// `first`.
pub(super) fn read(
    capture: &Capture,
    host: HostId,
    processes: &mut [Process],
    first: usize,
) -> HeldFiles {
    let cloexec = cloexec_flags(&capture.descriptor_infos);
    let namespaces = namespace_files(capture);
    let mut held = HeldFiles::default();
    let mut pipes: BTreeMap<PipeKey, Pipe> = BTreeMap::new();
    let mut states: BTreeMap<ProcessId, TableState> = BTreeMap::new();
    let replaced = complete_second_pass(&capture.tables);
    for table in &capture.tables {
        let Some(id) = find_pid(processes, first, table.pid) else {
            continue;
        };
        // A complete second pass replaces the first: both together may have descriptors that were never
        // open at the same time.
        if table.pass <= 1 && replaced.contains(&(table.pid, table.tid)) {
            continue;
        }
        // The table belongs to an earlier process with this pid.
        if table.at_boottime_ns != 0
            && table.at_boottime_ns < processes[id.index()].started_boottime_ns
        {
            continue;
        }
        let state = states.entry(id).or_default();
        let mut counts = Counts::default();
        for entry in table.entries() {
            let Ok((fd, link)) = entry else {
                state.lost = true;
                break;
            };
            state.refused |= matches!(link, Link::Refused { .. });
            let tid = (table.tid != 0).then_some(table.tid);
            let holder = Holder {
                process: id,
                tid,
                fd,
                through_io_uring: false,
                cloexec: cloexec.get(&(table.pid, table.tid, fd)).copied(),
                keeps: None,
            };
            match namespaces.contains(&(table.pid, table.tid, fd)) {
                true => counts.add_kind("ns".to_owned()),
                false => counts.add(&link),
            }
            match link {
                Link::Socket { inode } => held.sockets.push((inode, holder)),
                Link::Pipe { inode, access } => {
                    add_pipe(&mut pipes, host, PipeKey::Pipe(inode), None, access, holder);
                }
                Link::Fifo {
                    text,
                    dev,
                    inode,
                    access,
                } => {
                    let key = PipeKey::Fifo(dev, inode);
                    add_pipe(&mut pipes, host, key, Some(text), access, holder);
                }
                Link::Refused { .. } | Link::Other { .. } => {}
            }
        }
        state.add(table);
        counts.add_to(&mut processes[id.index()]);
    }
    for (id, state) in states {
        processes[id.index()].fds_status = state.status();
    }
    held.sockets.sort_unstable();
    held.sockets.dedup();
    add_registered(capture, processes, first, &mut held.sockets);
    held.pipes = pipes.into_values().collect();
    for pipe in &mut held.pipes {
        for ends in [&mut pipe.readers, &mut pipe.writers] {
            ends.sort_unstable();
            ends.dedup();
        }
    }
    held
}

/// Adds the sockets that are registered with an io_uring of a process which has no descriptor of them.
fn add_registered(
    capture: &Capture,
    processes: &[Process],
    first: usize,
    sockets: &mut Vec<(u64, Holder)>,
) {
    let mut added: Vec<(u64, Holder)> = Vec::new();
    for info in &capture.descriptor_infos {
        let Some(process) = find_pid(processes, first, info.pid) else {
            continue;
        };
        for inode in fdinfo::registered_sockets(&info.text) {
            let key = (inode, process);
            let held = sockets.binary_search_by_key(&key, |(inode, h)| (*inode, h.process));
            if held.is_err() {
                let holder = Holder {
                    process,
                    tid: (info.tid != 0).then_some(info.tid),
                    fd: info.fd,
                    through_io_uring: true,
                    cloexec: None,
                    keeps: None,
                };
                added.push((inode, holder));
            }
        }
    }
    if !added.is_empty() {
        sockets.extend(added);
        sockets.sort_unstable();
        sockets.dedup();
    }
}

/// Tables (pid, tid) that the second pass read completely.
fn complete_second_pass(tables: &[DescriptorTable]) -> BTreeSet<(u32, u32)> {
    let complete = tables
        .iter()
        .filter(|t| t.pass > 1 && t.last && t.errno == 0);
    complete.map(|table| (table.pid, table.tid)).collect()
}

/// Result of reading the tables of a process.
#[derive(Default)]
struct TableState {
    ended: bool,
    refused: bool,
    lost: bool,
    errno: u16,
}

impl TableState {
    fn add(&mut self, table: &DescriptorTable) {
        if table.last && table.errno == 0 {
            self.ended = true;
            self.errno = 0;
        } else if table.errno != 0 && !self.ended {
            self.errno = table.errno;
        }
    }

    fn status(&self) -> FdsStatus {
        match self.errno {
            0 if self.ended && !self.refused && !self.lost => FdsStatus::Read,
            0 => FdsStatus::Partial,
            errno if ENDED.contains(&errno) => FdsStatus::Vanished,
            _ => FdsStatus::Denied,
        }
    }
}

fn add_pipe(
    pipes: &mut BTreeMap<PipeKey, Pipe>,
    host: HostId,
    key: PipeKey,
    path: Option<&[u8]>,
    access: u8,
    holder: Holder,
) {
    let pipe = pipes.entry(key).or_insert_with(|| Pipe {
        host,
        key,
        path: path.map(Box::from),
        readers: Vec::new(),
        writers: Vec::new(),
        hidden: false,
    });
    if access & 1 != 0 {
        pipe.readers.push(holder);
    }
    if access & 2 != 0 {
        pipe.writers.push(holder);
    }
}

/// Close-on-exec of the descriptors whose fdinfo was captured, by (pid, tid, fd).
fn cloexec_flags(infos: &[DescriptorInfo]) -> BTreeMap<(u32, u32, u32), bool> {
    let flags = |info: &DescriptorInfo| {
        let octal = crate::load::proc_pid::status_line(&info.text, "flags")?;
        Some(u32::from_str_radix(octal, 8).ok()? & O_CLOEXEC != 0)
    };
    infos
        .iter()
        .filter_map(|i| Some(((i.pid, i.tid, i.fd), flags(i)?)))
        .collect()
}

/// Numbers of descriptors by kind. The common kinds need no look-up by name.
#[derive(Default)]
struct Counts {
    sockets: u32,
    pipes: u32,
    others: BTreeMap<Box<str>, u32>,
}

impl Counts {
    fn add(&mut self, link: &Link<'_>) {
        let kind = match link {
            Link::Socket { .. } => return self.sockets += 1,
            Link::Pipe { .. } => return self.pipes += 1,
            Link::Fifo { .. } => "fifo".to_owned(),
            Link::Refused { .. } => "refused".to_owned(),
            Link::Other { text } => kind_of(text),
        };
        self.add_kind(kind);
    }

    fn add_kind(&mut self, kind: String) {
        *self.others.entry(kind.into()).or_default() += 1;
    }

    fn add_to(self, process: &mut Process) {
        let common = [("socket", self.sockets), ("pipe", self.pipes)];
        let common = common
            .into_iter()
            .map(|(kind, count)| (Box::from(kind), count));
        for (kind, count) in common.chain(self.others).filter(|(_, count)| *count > 0) {
            *process.fd_counts.entry(kind).or_default() += count;
        }
    }
}

/// `file` for a path; `eventfd` for `anon_inode:[eventfd]`; `ns` for `net:[4026531833]`.
fn kind_of(text: &[u8]) -> String {
    if text.first() == Some(&b'/') {
        return "file".to_owned();
    }
    let name = match text.strip_prefix(b"anon_inode:") {
        Some(inode) => inode
            .strip_prefix(b"[")
            .and_then(|n| n.strip_suffix(b"]"))
            .unwrap_or(inode),
        None if text.ends_with(b"]") => return "ns".to_owned(),
        None => b"other",
    };
    // Device drivers and BPF programs choose these names: bound and escape them.
    crate::text::escape::display(&name[..name.len().min(32)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        assert_eq!(kind_of(b"/dev/null"), "file");
        assert_eq!(kind_of(b"anon_inode:[eventpoll]"), "eventpoll");
        assert_eq!(kind_of(b"anon_inode:inotify"), "inotify");
        assert_eq!(kind_of(b"net:[4026531833]"), "ns");
        assert_eq!(kind_of(b"anon_inode:\x1b["), "\\x1b[");
    }
}
