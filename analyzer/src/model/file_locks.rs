//! Reads file locks: who holds each, and who waits for it.

use std::collections::{BTreeMap, HashMap};

use super::channel::{ChannelEnd, ChannelKind, ChannelRole};
use super::channel_draft::{ChannelDraft, Source};
use crate::load::proc_locks::{LockKind, LockRow, fdinfo_locks, rows};

/// More requests that wait for one lock are not listed.
const WAITERS_LIMIT: usize = 1_024;

/// What identifies a file: device and inode.
type FileKey = ((u32, u32), u64);

/// The locks of a host, in the kernel's order.
pub(super) fn read(source: &Source<'_>) -> Vec<ChannelDraft> {
    let tables = source.capture.sources("locks");
    let table = tables.flat_map(|raw| rows(&raw.bytes));
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
    let by_file = fdinfo_holders(source);
    let draft = |(index, row): (usize, &LockRow)| {
        let file = (row.device, row.inode);
        let described = by_file.get(&file).into_iter().flatten();
        let same = described.filter(|(own, _)| is_same(own, row));
        let mut ends: Vec<ChannelEnd> = same.map(|(_, end)| *end).collect();
        let named_by = ends
            .iter()
            .find_map(|end| Some((end.process, end.tid, end.fd?)));
        match row.pid.and_then(|pid| source.process(pid)) {
            Some(caller) if ends.iter().any(|end| end.process == caller) => {
                // Children share the open file that the lock belongs to.
                for end in &mut ends {
                    end.keeps = end.process != caller;
                }
            }
            Some(caller) if ends.is_empty() => {
                ends.push(source.end_of(caller, ChannelRole::Holder));
            }
            _ => {}
        }
        let waiters = waiters.get(&file).into_iter().flatten();
        let blocked = waiters
            .filter(|request| blocks(row, request))
            .filter_map(|request| source.process(request.pid?));
        ends.extend(blocked.map(|process| source.end_of(process, ChannelRole::Waiter)));
        let (major, minor) = row.device;
        ChannelDraft {
            kind: ChannelKind::Lock,
            key: [index as u64, 0, 0],
            name: format!("{major:02x}:{minor:02x}:{}", row.inode)
                .into_bytes()
                .into(),
            named_by,
            ends,
        }
    };
    held.iter().enumerate().map(draft).collect()
}

/// The descriptors through which each file is locked, as far as fdinfo was captured.
fn fdinfo_holders(source: &Source<'_>) -> HashMap<FileKey, Vec<(LockRow, ChannelEnd)>> {
    let mut holders: HashMap<FileKey, Vec<(LockRow, ChannelEnd)>> = HashMap::new();
    for info in &source.capture.descriptor_infos {
        for row in fdinfo_locks(&info.text) {
            let Some(process) = source.process(info.pid) else {
                break;
            };
            let end = ChannelEnd {
                tid: (info.tid != 0).then_some(info.tid),
                fd: Some(info.fd),
                ..source.end_of(process, ChannelRole::Holder)
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
