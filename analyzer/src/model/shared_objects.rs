//! Message queues, shared memory, semaphores and eventfds.

use std::collections::BTreeMap;

use super::channel::{ChannelEnd, ChannelKind, ChannelRole};
use super::channel_draft::{ChannelDraft, Source};
use super::ids::ProcessId;
use crate::load::RawSource;
use crate::load::proc_pid::status_line;
use crate::load::shared_files::{SharedFile, SharedKind};
use crate::load::sysvipc::{self, SysvRow};

/// The fdinfo of an eventfd is shorter, that of an epoll may be very long.
const EVENTFD_INFO_BYTES: usize = 512;
/// `NANOS` in a second.
const NANOS: u64 = 1_000_000_000;

/// A file: what it is, device, inode.
type ObjectKey = (ChannelKind, (u32, u32), u64);

/// POSIX message queues, and memory that several processes share.
pub(super) fn files(source: &Source<'_>, files: &[SharedFile]) -> Vec<ChannelDraft> {
    let mut objects: BTreeMap<ObjectKey, Vec<ChannelEnd>> = BTreeMap::new();
    for file in files {
        let (kind, roles): (_, &[_]) = match (file.kind, file.reads, file.writes) {
            (SharedKind::Mqueue, true, false) => (ChannelKind::Mqueue, &[ChannelRole::Reader]),
            (SharedKind::Mqueue, false, true) => (ChannelKind::Mqueue, &[ChannelRole::Writer]),
            (SharedKind::Mqueue, ..) => (
                ChannelKind::Mqueue,
                &[ChannelRole::Reader, ChannelRole::Writer],
            ),
            (SharedKind::Memory, ..) => (ChannelKind::Shm, &[ChannelRole::User]),
            _ => continue,
        };
        let ends = objects.entry((kind, file.device, file.number)).or_default();
        ends.extend(roles.iter().filter_map(|role| source.end(file, *role)));
    }
    let draft = |((kind, device, number), ends): (ObjectKey, Vec<ChannelEnd>)| ChannelDraft {
        kind,
        key: [u64::from(device.0), u64::from(device.1), number],
        name: format!("{}:{}:{number}", device.0, device.1)
            .into_bytes()
            .into(),
        named_by: ends
            .iter()
            .find_map(|end| Some((end.process, end.tid, end.fd?))),
        ends,
    };
    objects.into_iter().map(draft).collect()
}

/// Eventfds that several processes hold.
pub(super) fn eventfds(source: &Source<'_>) -> Vec<ChannelDraft> {
    let mut eventfds: BTreeMap<u64, Vec<ChannelEnd>> = BTreeMap::new();
    for info in &source.capture.descriptor_infos {
        if info.text.len() > EVENTFD_INFO_BYTES {
            continue;
        }
        let id = status_line(&info.text, "eventfd-id").and_then(|id| id.parse().ok());
        if let (Some(id), Some(process)) = (id, source.process(info.pid)) {
            let end = source.end_of(process, ChannelRole::User);
            eventfds.entry(id).or_default().push(ChannelEnd {
                tid: (info.tid != 0).then_some(info.tid),
                fd: Some(info.fd),
                ..end
            });
        }
    }
    let shared = eventfds.into_iter().filter(|(_, ends)| {
        let first = ends.first().map(|end| end.process);
        ends.iter().any(|end| Some(end.process) != first)
    });
    shared
        .map(|(id, ends)| ChannelDraft {
            kind: ChannelKind::Eventfd,
            key: [id, 0, 0],
            name: format!("eventfd {id}").into_bytes().into(),
            named_by: None,
            ends,
        })
        .collect()
}

/// System V shared memory, message queues and semaphores of all IPC namespaces.
pub(super) fn system_v(source: &Source<'_>) -> Vec<ChannelDraft> {
    use ChannelRole::{Creator, Reader, User, Writer};
    let mut drafts = Vec::new();
    for raw in source.capture.sources("sysvipc/shm") {
        let rows = sysvipc::shared_memory(&raw.bytes);
        drafts.extend(
            rows.map(|row| draft(source, raw, ChannelKind::SysvShm, &row, [Creator, User])),
        );
    }
    for raw in source.capture.sources("sysvipc/msg") {
        let rows = sysvipc::message_queues(&raw.bytes);
        drafts.extend(
            rows.map(|row| draft(source, raw, ChannelKind::SysvMsg, &row, [Writer, Reader])),
        );
    }
    let mut users: BTreeMap<(u64, u32), Vec<u32>> = BTreeMap::new();
    for raw in source.capture.sources("sysvipc/sem-users") {
        let sets = sysvipc::semaphore_users(&raw.bytes);
        users.extend(sets.map(|(id, pids)| ((raw.header.key, id), pids)));
    }
    for raw in source.capture.sources("sysvipc/sem") {
        for row in sysvipc::semaphores(&raw.bytes) {
            let mut draft = draft(source, raw, ChannelKind::SysvSem, &row, [User, User]);
            let pids = users.get(&(raw.header.key, row.id)).into_iter().flatten();
            let users = pids.filter_map(|pid| process_then(source, *pid, row.last_time));
            draft.ends = users.map(|process| source.end_of(process, User)).collect();
            drafts.push(draft);
        }
    }
    drafts
}

fn draft(
    source: &Source<'_>,
    raw: &RawSource,
    kind: ChannelKind,
    row: &SysvRow,
    roles: [ChannelRole; 2],
) -> ChannelDraft {
    let key = match row.key {
        0 => String::new(),
        key => format!(" key {key:#x}"),
    };
    let uses = [(row.first, row.first_time), (row.last, row.last_time)];
    let ends = uses
        .into_iter()
        .zip(roles)
        .filter_map(|((pid, time), role)| {
            Some(source.end_of(process_then(source, pid, time)?, role))
        });
    ChannelDraft {
        kind,
        key: [raw.header.key, row.id.into(), 0],
        name: format!("{} {}{key}", kind.as_str(), row.id)
            .into_bytes()
            .into(),
        named_by: None,
        ends: ends.collect(),
    }
}

/// The process that had a pid at a time, in seconds since 1970: not one that started later.
fn process_then(source: &Source<'_>, pid: u32, time: u64) -> Option<ProcessId> {
    let process = source.process(pid)?;
    // Start times are rounded, and the clock may have been set by a little.
    let is_later = source.row(process).started_at_ns / NANOS > time.saturating_add(1);
    (!is_later).then_some(process)
}
