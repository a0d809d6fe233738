//! Reads file locks: who holds each, and who waits for it.

use std::collections::{BTreeMap, HashMap};

use whotalks_snapshot::descriptors::Link;

use super::channel::{Channel, ChannelEnd, ChannelKind, ChannelRole};
use super::holder::DescriptorKey;
use super::ids::{HostId, ProcessId};
use super::process::{Process, find_pid};
use crate::load::Capture;
use crate::load::proc_locks::{LockKind, LockRow, fdinfo_locks, rows};

/// More requests that wait for one lock are not listed.
const WAITERS_LIMIT: usize = 1_024;

/// What identifies a file: device and inode.
type FileKey = ((u32, u32), u64);

/// The locks of a host, whose processes start at `first`, in the kernel's order; numbers start at 0.
pub(super) fn read(
    capture: &Capture,
    host: HostId,
    processes: &[Process],
    first: usize,
) -> Vec<Channel> {
    let table = capture
        .sources("locks")
        .flat_map(|source| rows(&source.bytes));
    let (waiting, held): (Vec<LockRow>, Vec<LockRow>) = table.partition(|row| row.waits);
    if held.is_empty() {
        return Vec::new();
    }
    let mut waiters: BTreeMap<FileKey, Vec<&LockRow>> = BTreeMap::new();
    for row in &waiting {
        let waiters = waiters.entry((row.device, row.inode)).or_default();
        if waiters.len() < WAITERS_LIMIT {
            waiters.push(row);
        }
    }
    let by_file = fdinfo_holders(capture, processes, first);
    let mut locks: Vec<Channel> = Vec::with_capacity(held.len());
    for row in &held {
        let file = (row.device, row.inode);
        let described = by_file.get(&file).into_iter().flatten();
        let same = described.filter(|(own, _)| is_same(own, row));
        let mut ends: Vec<ChannelEnd> = same.map(|(_, end)| *end).collect();
        let caller = row.pid.and_then(|pid| find_pid(processes, first, pid));
        match caller {
            Some(caller) if ends.iter().any(|end| end.process == caller) => {
                // Children share the open file that the lock belongs to.
                for end in &mut ends {
                    end.keeps = end.process != caller;
                }
            }
            Some(caller) if ends.is_empty() => ends.push(end(ChannelRole::Holder, caller)),
            _ => {}
        }
        let waiters = waiters.get(&file).into_iter().flatten();
        let blocked = waiters
            .filter(|request| blocks(row, request))
            .filter_map(|request| find_pid(processes, first, request.pid?));
        ends.extend(blocked.map(|process| end(ChannelRole::Waiter, process)));
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            continue;
        }
        let (major, minor) = row.device;
        let name = format!("{major:02x}:{minor:02x}:{}", row.inode);
        locks.push(Channel {
            host,
            number: locks.len() as u32,
            kind: ChannelKind::Lock,
            name: name.into_bytes().into(),
            ends,
        });
    }
    set_paths(capture, processes, first, &mut locks);
    locks
}

/// The descriptors through which each file is locked, as far as fdinfo was captured.
fn fdinfo_holders(
    capture: &Capture,
    processes: &[Process],
    first: usize,
) -> HashMap<FileKey, Vec<(LockRow, ChannelEnd)>> {
    let mut holders: HashMap<FileKey, Vec<(LockRow, ChannelEnd)>> = HashMap::new();
    for info in &capture.descriptor_infos {
        for row in fdinfo_locks(&info.text) {
            let Some(process) = find_pid(processes, first, info.pid) else {
                break;
            };
            let end = ChannelEnd {
                tid: (info.tid != 0).then_some(info.tid),
                fd: Some(info.fd),
                ..end(ChannelRole::Holder, process)
            };
            let of_file = holders.entry((row.device, row.inode)).or_default();
            of_file.push((row, end));
        }
    }
    holders
}

/// Whether two rows for one file are the same lock; numbers differ between tables.
fn is_same(row: &LockRow, other: &LockRow) -> bool {
    let key = |row: &LockRow| (row.kind, row.exclusive, row.pid, row.range.clone());
    key(row) == key(other)
}

/// Names the locks by the path that the first holder's descriptor has.
fn set_paths(capture: &Capture, processes: &[Process], first: usize, locks: &mut [Channel]) {
    let named = |lock: &Channel| {
        let end = lock
            .ends
            .iter()
            .find(|end| end.role == ChannelRole::Holder)?;
        Some((end.process, end.tid, end.fd?))
    };
    let mut paths: HashMap<DescriptorKey, Option<Box<[u8]>>> = locks
        .iter()
        .filter_map(named)
        .map(|key| (key, None))
        .collect();
    for table in &capture.tables {
        let Some(process) = find_pid(processes, first, table.pid) else {
            continue;
        };
        let tid = (table.tid != 0).then_some(table.tid);
        if paths.is_empty() {
            return;
        }
        for (fd, link) in table.entries().map_while(Result::ok) {
            if let Link::Other { text } = link
                && let Some(path) = paths.get_mut(&(process, tid, fd))
            {
                *path = Some(text.into());
            }
        }
    }
    for lock in locks {
        let path = named(lock).and_then(|key| paths.get(&key)?.clone());
        if let Some(path) = path {
            lock.name = path;
        }
    }
}

fn end(role: ChannelRole, process: ProcessId) -> ChannelEnd {
    ChannelEnd {
        role,
        process,
        tid: None,
        fd: None,
        keeps: false,
    }
}

/// Whether a lock keeps a request for the same file waiting. The kernel lists a request below one of the
/// locks that do.
fn blocks(held: &LockRow, request: &LockRow) -> bool {
    if held.number == request.number {
        return true;
    }
    // Locks of fcntl(2) exclude each other, whoever they belong to.
    let family = |row: &LockRow| match row.kind {
        LockKind::OpenFile => LockKind::Posix,
        kind => kind,
    };
    let is_own =
        held.kind == LockKind::Posix && held.kind == request.kind && held.pid == request.pid;
    family(held) == family(request)
        && !is_own
        && (held.exclusive || request.exclusive)
        && held.range.start() <= request.range.end()
        && request.range.start() <= held.range.end()
}
