//! Hosts and processes from the records of a capture.

use std::collections::BTreeMap;

use whotalks_snapshot::records::{Process as Record, ReadError};

use super::process::{Host, Process};
use super::{HostId, ProcessId, cgroup};
use crate::load::{Capture, proc_pid};

/// `ENOENT` and `ESRCH`: the process is gone.
pub(super) const GONE: [u16; 2] = [2, 3];

/// The machine, as far as its records say; coverage comes later.
pub(super) fn host(capture: &Capture) -> Host {
    let record = capture.host.clone().unwrap_or_default();
    let mut uname = record.uname.split(|byte| *byte == 0);
    let mut next = || Box::from(uname.next().unwrap_or_default());
    let (_sysname, kernel, _version, arch): (Box<[u8]>, _, Box<[u8]>, _) =
        (next(), next(), next(), next());
    Host {
        hostname: record.hostname.into(),
        boot_id: record.boot_id.into(),
        machine_id: record.machine_id.into(),
        kernel,
        arch,
        os: os_name(&record.os_release).into(),
        started_at_ns: record.started_realtime_ns,
        ended_at_ns: capture.end.as_ref().map(|end| end.ended_realtime_ns),
        collector: record.collector.into(),
        euid: capture.host.as_ref().map(|host| host.euid),
        collector_pid: Some(record.collector_pid).filter(|pid| *pid != 0),
        pidns: Some(record.pidns).filter(|inode| *inode != 0),
        note: record.note.map(Into::into),
        coverage: super::HostCoverage::default(),
    }
}

/// `NAME` and `VERSION_ID` of os-release(5): `Debian 13`, without the words around it.
fn os_name(os_release: &[u8]) -> Vec<u8> {
    let value = |key: &[u8]| -> Option<Vec<u8>> {
        let line = os_release
            .split(|byte| *byte == b'\n')
            .find_map(|l| l.strip_prefix(key))?;
        let text = line
            .strip_prefix(b"\"")
            .and_then(|l| l.strip_suffix(b"\""))
            .unwrap_or(line);
        Some(text.to_vec())
    };
    let mut name = value(b"NAME=").unwrap_or_default();
    if let Some(short) = name.strip_suffix(b" GNU/Linux") {
        name = short.to_vec();
    }
    if let Some(version) = value(b"VERSION_ID=") {
        name.push(b' ');
        name.extend(version);
    }
    name
}

/// The processes that are not kernel threads, by pid, and how many were gone before they could be
/// read.
pub(super) fn processes(capture: &Capture, host: HostId) -> (Vec<Process>, usize) {
    let users: BTreeMap<u32, &[u8]> = capture
        .users
        .iter()
        .map(|user| (user.uid, user.name.as_slice()))
        .collect();
    let clock = Clock::of(capture);
    let mut vanished = 0;
    let mut processes = Vec::with_capacity(capture.processes.len());
    for record in &capture.processes {
        let stat = proc_pid::stat(&record.stat);
        if stat.is_some_and(|stat| stat.flags & proc_pid::PF_KTHREAD != 0) {
            continue;
        }
        if stat.is_none() && was_gone(&record.errors, "stat") {
            vanished += 1;
            continue;
        }
        processes.push(process(record, stat, host, &users, &clock));
    }
    // The second look reads some processes again; of a reused pid the later process is the one that
    // is there.
    processes.sort_by_key(|process| (process.pid, std::cmp::Reverse(process.start_ticks)));
    processes.dedup_by_key(|process| process.pid);
    (processes, vanished)
}

/// Whether reading `what` failed because the process had ended.
fn was_gone(errors: &[ReadError], what: &str) -> bool {
    errors
        .iter()
        .any(|e| e.what == what.as_bytes() && GONE.contains(&e.errno))
}

/// Turns ticks since boot into wall-clock time.
struct Clock {
    boot_ns: u64,
    ticks_per_second: u64,
}

impl Clock {
    fn of(capture: &Capture) -> Self {
        let host = capture.host.as_ref();
        Self {
            boot_ns: host.map_or(0, |h| {
                h.started_realtime_ns.saturating_sub(h.started_boottime_ns)
            }),
            // Every architecture of Linux shows user space 100 a second.
            ticks_per_second: host.map_or(100, |h| u64::from(h.ticks_per_second)).max(1),
        }
    }

    fn since_boot_ns(&self, ticks: u64) -> u64 {
        let (seconds, rest) = (ticks / self.ticks_per_second, ticks % self.ticks_per_second);
        let whole = seconds.saturating_mul(1_000_000_000);
        whole.saturating_add(rest * 1_000_000_000 / self.ticks_per_second)
    }

    fn wall_ns(&self, ticks: u64) -> u64 {
        self.boot_ns.saturating_add(self.since_boot_ns(ticks))
    }
}

fn process(
    record: &Record,
    stat: Option<proc_pid::Stat<'_>>,
    host: HostId,
    users: &BTreeMap<u32, &[u8]>,
    clock: &Clock,
) -> Process {
    let exe_deleted = record.exe_nlink == Some(0);
    let exe = match record.exe.strip_suffix(b" (deleted)") {
        Some(path) if exe_deleted => path,
        _ => &record.exe,
    };
    let path = proc_pid::cgroup_path(&record.cgroup);
    let text = String::from_utf8_lossy(path);
    let uid = proc_pid::effective_uid(&record.status);
    let known = |inode: u64| (inode != 0).then_some(inode);
    Process {
        host,
        pid: record.pid,
        ns_pid: proc_pid::innermost_pid(&record.status).unwrap_or(record.pid),
        start_ticks: stat.map_or(0, |stat| stat.start_ticks),
        started_boottime_ns: stat.map_or(0, |stat| clock.since_boot_ns(stat.start_ticks)),
        started_at_ns: stat.map_or(0, |stat| clock.wall_ns(stat.start_ticks)),
        ppid: stat.map_or(0, |stat| stat.ppid),
        state: stat.map_or(0, |stat| stat.state),
        comm: stat.map_or_else(Box::default, |stat| stat.comm.into()),
        exe: exe.into(),
        exe_deleted,
        cmdline: record.cmdline.as_slice().into(),
        uid,
        user: uid
            .and_then(|uid| users.get(&uid))
            .map(|name| Box::from(*name)),
        unit: cgroup::unit(&text),
        container: cgroup::container(&text),
        cgroup: path.into(),
        netns: known(record.netns),
        mntns: known(record.mntns),
        pidns: known(record.pidns),
        userns: known(record.userns),
        fds_status: super::FdsStatus::default(),
        fd_counts: BTreeMap::new(),
    }
}

/// Pid to process, for one host's processes, which are sorted by pid from `first` on.
pub(super) fn find(processes: &[Process], first: usize, pid: u32) -> Option<ProcessId> {
    let at = processes[first..]
        .binary_search_by_key(&pid, |process| process.pid)
        .ok()?;
    Some(ProcessId::new(first + at))
}
