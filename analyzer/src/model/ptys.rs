//! Pseudo-terminals: who holds the master, and who the slave.
//!
//! A slave's number is unique within its devpts file system only; each container may have one. A session
//! shares the slave: its leader talks, and the jobs that have inherited it only keep it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::channel::{ChannelEnd, ChannelKind, ChannelRole};
use super::channel_draft::{ChannelDraft, Source};
use super::ids::ProcessId;
use crate::load::mountinfo::{Mount, mounts};
use crate::load::proc_pid::{session, status_line};
use crate::load::shared_files::{SharedFile, SharedKind};

/// Device of the devpts file system, and number of the slave.
type PtyKey = ((u32, u32), u64);

/// The pseudo-terminals that one of these descriptors refers to.
pub(super) fn read(source: &Source<'_>, files: &[SharedFile]) -> Vec<ChannelDraft> {
    let of_kind = |kind: SharedKind| files.iter().filter(move |file| file.kind == kind);
    let mut ptys: BTreeMap<PtyKey, Vec<ChannelEnd>> = BTreeMap::new();
    for file in of_kind(SharedKind::PtySlave) {
        let ends = ptys.entry((file.device, file.number)).or_default();
        ends.extend(source.end(file, ChannelRole::Slave));
    }
    let masters: Vec<&SharedFile> = of_kind(SharedKind::PtyMaster).collect();
    if masters.is_empty() && ptys.is_empty() {
        return Vec::new();
    }
    let file_systems = FileSystems::new(source);
    let infos = source.infos(&masters);
    for file in masters {
        let info = infos.get(&(file.pid, file.tid.unwrap_or(0), file.fd));
        let index = info.and_then(|text| status_line(text, "tty-index")?.parse().ok());
        let mount = info.and_then(|text| status_line(text, "mnt_id")?.parse().ok());
        let Some(index) = index else { continue };
        let ends = ptys
            .entry((file_systems.of_master(file, mount), index))
            .or_default();
        ends.extend(source.end(file, ChannelRole::Master));
    }
    let sessions = Sessions::new(source);
    for file in of_kind(SharedKind::ControllingTty) {
        let Some(end) = source.end(file, ChannelRole::Slave) else {
            continue;
        };
        let Some(number) = sessions.terminal(end.process) else {
            continue;
        };
        // The number alone does not tell the file system: one where the session holds the slave, or the
        // only one.
        let mut same_number: Vec<_> = ptys.iter_mut().filter(|(key, _)| key.1 == number).collect();
        if same_number.len() > 1 {
            same_number.retain(|(_, ends)| {
                let mut slaves = ends.iter().filter(|other| other.role == ChannelRole::Slave);
                slaves.any(|other| sessions.of(other.process) == sessions.of(end.process))
            });
        }
        if let [(_, ends)] = &mut same_number[..] {
            ends.push(end);
        }
    }
    let draft = |((device, number), mut ends): (PtyKey, Vec<ChannelEnd>)| {
        sessions.mark_keepers(source, number, &mut ends);
        ChannelDraft {
            kind: ChannelKind::Pty,
            key: [device.0.into(), device.1.into(), number],
            name: format!("pts/{number}").into_bytes().into(),
            named_by: None,
            ends,
        }
    };
    ptys.into_iter().map(draft).collect()
}

/// The devpts file systems of a capture.
struct FileSystems<'a> {
    /// The mount table of each mount namespace.
    tables: Vec<Vec<Mount<'a>>>,
    devices: BTreeSet<(u32, u32)>,
}

impl<'a> FileSystems<'a> {
    fn new(source: &Source<'a>) -> Self {
        let tables = source.capture.sources("mountinfo");
        let tables: Vec<Vec<Mount<'a>>> = tables.map(|raw| mounts(&raw.bytes)).collect();
        let all = tables.iter().flatten();
        let devices = all
            .filter(|mount| mount.kind == b"devpts")
            .map(|mount| mount.device);
        let devices = devices.collect();
        Self { tables, devices }
    }

    /// The devpts file system of a master: its own, if it was opened as `ptmx` there; of a device file
    /// elsewhere, that mounted at `pts` beside it; else the only one.
    fn of_master(&self, file: &SharedFile, mount_id: Option<u32>) -> (u32, u32) {
        if self.devices.contains(&file.device) {
            return file.device;
        }
        let beside = mount_id.and_then(|id| {
            let of_file = |mount: &&Mount<'_>| mount.id == id;
            let (table, mount) = self
                .tables
                .iter()
                .find_map(|table| Some((table, table.iter().find(of_file)?)))?;
            let point = mount.point.strip_suffix(b"/").unwrap_or(&mount.point);
            // `/dev` is mounted, or a directory of the file's mount.
            let places = ["/pts", "/dev/pts"].map(|below| [point, below.as_bytes()].concat());
            let mut mounts = table.iter().rev().filter(|mount| mount.kind == b"devpts");
            let found = mounts.find(|mount| places.iter().any(|place| *mount.point == **place))?;
            Some(found.device)
        });
        let only = self.devices.first().filter(|_| self.devices.len() == 1);
        beside.or(only.copied()).unwrap_or(file.device)
    }
}

/// The sessions and controlling terminals of processes.
struct Sessions(HashMap<ProcessId, (u32, Option<u64>)>);

impl Sessions {
    fn new(source: &Source<'_>) -> Self {
        let records = source.capture.processes.iter();
        let session = |process: ProcessId, stat: &[u8]| Some((process, session(stat)?));
        Self(
            records
                .filter_map(|record| session(source.process(record.pid)?, &record.stat))
                .collect(),
        )
    }

    /// The session, by the pid of its leader; 0: not known, or outside the pid namespace.
    fn of(&self, process: ProcessId) -> u32 {
        self.0.get(&process).map_or(0, |(session, _)| *session)
    }

    /// The number of the pseudo-terminal that controls a process.
    fn terminal(&self, process: ProcessId) -> Option<u64> {
        self.0.get(&process)?.1
    }

    /// Marks the ends that only keep a terminal.
    fn mark_keepers(&self, source: &Source<'_>, number: u64, ends: &mut [ChannelEnd]) {
        let with_role = |ends: &[ChannelEnd], role: ChannelRole| -> BTreeSet<ProcessId> {
            let ends = ends.iter().filter(|end| end.role == role);
            ends.map(|end| end.process).collect()
        };
        let masters = with_role(ends, ChannelRole::Master);
        let slaves = with_role(ends, ChannelRole::Slave);
        let is_controlled = |process: &ProcessId| self.terminal(*process) == Some(number);
        // A child that has not closed the master of its own terminal; a parent that has not closed the slave.
        let is_inside = |process: &ProcessId| slaves.contains(process) && is_controlled(process);
        let talking_masters: BTreeSet<_> = masters
            .iter()
            .filter(|process| !is_inside(process))
            .copied()
            .collect();
        let inner: BTreeSet<_> = slaves
            .iter()
            .filter(|process| !talking_masters.contains(process))
            .copied()
            .collect();
        let controlled: BTreeSet<_> = inner
            .iter()
            .filter(|process| is_controlled(process))
            .copied()
            .collect();
        let candidates = [controlled, inner, slaves.clone()];
        let candidates = candidates
            .into_iter()
            .find(|set| !set.is_empty())
            .unwrap_or_default();
        let leaders = self.leaders(source, &candidates);
        for end in ends {
            end.keeps = match end.role {
                ChannelRole::Master => {
                    !talking_masters.is_empty() && !talking_masters.contains(&end.process)
                }
                _ => !leaders.contains(&end.process),
            };
        }
    }

    /// Of the processes of each session its leader, else the one that started first.
    fn leaders(&self, source: &Source<'_>, processes: &BTreeSet<ProcessId>) -> BTreeSet<ProcessId> {
        let mut leaders: BTreeMap<u32, ((bool, u64, u32), ProcessId)> = BTreeMap::new();
        for id in processes {
            let process = source.row(*id);
            let session = match self.of(*id) {
                0 => process.pid,
                session => session,
            };
            let rank = (process.pid != session, process.start_ticks, process.pid);
            let first = leaders.entry(session).or_insert((rank, *id));
            *first = (rank, *id).min(*first);
        }
        leaders.into_values().map(|(_, process)| process).collect()
    }
}
