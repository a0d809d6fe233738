//! Finds the socket, pipe or file behind each descriptor that a thread waits on or an epoll watches.

use std::collections::{BTreeSet, HashMap, HashSet};

use whotalks_snapshot::descriptors::Link;

use super::call_memory::CallMemory;
use super::fd_relation::{FdRelation, FdTarget};
use super::holder::DescriptorKey;
use super::ids::{HostId, PipeId, ProcessId, SocketId};
use super::map::Map;
use super::process::find_pid;
use super::wait::{ThreadState, Wait};
use super::{fdinfo, tcp_times, thread_waits};
use crate::load::Capture;

/// Adds states of threads, times of TCP connections and relations of the last host, whose processes start at `first`.
pub(super) fn add(map: &mut Map, capture: &Capture, first: usize) {
    let mut waits = thread_waits::waits(capture, map, first, |_| true);
    let mut relations = fdinfo::relations(capture, map, first);
    let tables = PrivateTables::new(capture);
    let mut wanted: HashSet<DescriptorKey> = HashSet::new();
    let key = |wait: &Wait, fd: u32| -> DescriptorKey {
        let pid = map.process(wait.process).pid;
        (wait.process, tables.table_of(pid, wait.tid), fd)
    };
    for wait in &waits {
        if let ThreadState::Call(call) = &wait.state {
            wanted.extend(call.fd.map(|fd| key(wait, fd)));
            let polled = call.polled().into_iter().flat_map(|set| &set.files);
            wanted.extend(polled.map(|file| key(wait, file.fd)));
        }
    }
    for relation in &relations {
        if let FdRelation::Epoll { holder, targets } = relation {
            wanted.extend(targets.iter().map(|t| (holder.process, holder.tid, t.fd)));
        }
    }
    let found = resolve(capture, map, first, &wanted);
    for wait in &mut waits {
        let process = wait.process;
        let table = tables.table_of(map.process(process).pid, wait.tid);
        let target = |fd| found.get(&(process, table, fd)).cloned();
        if let ThreadState::Call(call) = &mut wait.state {
            call.target = call.fd.and_then(target).unwrap_or_default();
            if let CallMemory::Polled(Ok(set)) = &mut call.memory {
                for file in &mut set.files {
                    file.target = target(file.fd).unwrap_or_default();
                }
            }
        }
    }
    for relation in &mut relations {
        if let FdRelation::Epoll { holder, targets } = relation {
            for watched in targets {
                let target = found.get(&(holder.process, holder.tid, watched.fd));
                watched.target = target
                    .filter(|target| may_have_inode(map, target, watched.inode))
                    .cloned()
                    .unwrap_or_default();
            }
        }
    }
    if let Some(host) = map.hosts.len().checked_sub(1) {
        let times = tcp_times::read(capture, HostId::new(host), &map.sockets);
        map.tcp_times.extend(times);
    }
    map.waits.append(&mut waits);
    map.relations.append(&mut relations);
}

/// Whether a target may have this inode; true where either inode is not known.
fn may_have_inode(map: &Map, target: &FdTarget, inode: Option<u64>) -> bool {
    let own = match target {
        FdTarget::Socket(id) => map.socket(*id).inode,
        FdTarget::Pipe(id) => map.pipes[id.index()].key.inode(),
        FdTarget::Other(_) | FdTarget::Unknown => return true,
    };
    inode.is_none_or(|inode| inode == own)
}

/// What descriptors of the last host refer to, as far as its tables were read.
fn resolve(
    capture: &Capture,
    map: &Map,
    first: usize,
    wanted: &HashSet<DescriptorKey>,
) -> HashMap<DescriptorKey, FdTarget> {
    let mut found = HashMap::with_capacity(wanted.len());
    let Some(host) = map.hosts.len().checked_sub(1) else {
        return found;
    };
    for (index, socket) in map.sockets.iter().enumerate().rev() {
        if socket.host.index() != host {
            break;
        }
        let id = SocketId::new(index);
        for holder in map.holders(id).iter().filter(|h| !h.through_io_uring) {
            let key = holder.key();
            if wanted.contains(&key) {
                found.insert(key, FdTarget::Socket(id));
            }
        }
    }
    for (index, pipe) in map.pipes.iter().enumerate().rev() {
        if pipe.host.index() != host {
            break;
        }
        for holder in pipe.readers.iter().chain(&pipe.writers) {
            let key = holder.key();
            if wanted.contains(&key) {
                found.insert(key, FdTarget::Pipe(PipeId::new(index)));
            }
        }
    }
    // Other files have only the text of their links, which the map does not store.
    let missing: HashSet<ProcessId> = wanted
        .iter()
        .filter(|key| !found.contains_key(*key))
        .map(|(process, ..)| *process)
        .collect();
    for table in &capture.tables {
        let process = find_pid(&map.processes, first, table.pid).filter(|p| missing.contains(p));
        let Some(process) = process else { continue };
        let tid = (table.tid != 0).then_some(table.tid);
        for (fd, link) in table.entries().map_while(Result::ok) {
            let key = (process, tid, fd);
            if let Link::Other { text } = link
                && wanted.contains(&key)
            {
                found
                    .entry(key)
                    .or_insert_with(|| FdTarget::Other(text.into()));
            }
        }
    }
    found
}

/// The descriptor tables that belong to one thread (`unshare(CLONE_FILES)`), by pid and tid.
#[derive(Debug)]
pub(crate) struct PrivateTables(BTreeSet<(u32, u32)>);

impl PrivateTables {
    pub(crate) fn new(capture: &Capture) -> Self {
        let private = capture.tables.iter().filter(|table| table.tid != 0);
        Self(private.map(|table| (table.pid, table.tid)).collect())
    }

    /// The thread part of a [`DescriptorKey`]: `tid` where the thread has a table of its own.
    pub(crate) fn table_of(&self, pid: u32, tid: u32) -> Option<u32> {
        self.0.contains(&(pid, tid)).then_some(tid)
    }
}
