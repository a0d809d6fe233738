//! Reads the processes of a capture from their `/proc` records.

use std::collections::BTreeMap;

use whotalks_snapshot::records::{Process as Record, ReadError};

use super::coverage::FdsStatus;
use super::ids::HostId;
use super::process::Process;
use super::user_names::UserNames;
use super::{cgroup, container_names};
use crate::load::{Capture, proc_pid};

/// `ENOENT` and `ESRCH`: the process has ended.
pub(super) const ENDED: [u16; 2] = [2, 3];

/// The processes other than kernel threads, by pid, and the number of those that ended before they
/// were read.
pub(super) fn processes(capture: &Capture, host: HostId) -> (Vec<Process>, usize) {
    let users = UserNames::new(capture);
    let clock = Clock::new(capture);
    let mut vanished = 0;
    let mut processes = Vec::with_capacity(capture.processes.len());
    for record in &capture.processes {
        let stat = proc_pid::stat(&record.stat);
        if stat.is_some_and(|stat| stat.flags & proc_pid::PF_KTHREAD != 0) {
            continue;
        }
        if stat.is_none() && had_ended(&record.errors, "stat") {
            vanished += 1;
            continue;
        }
        processes.push(process(record, stat, host, &users, &clock));
    }
    // The second pass reads some processes again. Of two processes with one pid the later exists.
    processes.sort_by_key(|process| (process.pid, std::cmp::Reverse(process.start_ticks)));
    processes.dedup_by_key(|process| process.pid);
    container_names::add(&mut processes, capture);
    (processes, vanished)
}

/// Whether reading `what` failed because the process had ended.
fn had_ended(errors: &[ReadError], what: &str) -> bool {
    errors
        .iter()
        .any(|e| e.what == what.as_bytes() && ENDED.contains(&e.errno))
}

/// Converts ticks since boot to times.
struct Clock {
    boot_ns: u64,
    ticks_per_second: u64,
}

impl Clock {
    fn new(capture: &Capture) -> Self {
        let host = capture.host.as_ref();
        Self {
            boot_ns: host.map_or(0, |h| {
                h.started_realtime_ns.saturating_sub(h.started_boottime_ns)
            }),
            // USER_HZ is 100 on every architecture of Linux.
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
    users: &UserNames<'_>,
    clock: &Clock,
) -> Process {
    let exe_deleted = record.exe_nlink == Some(0);
    let exe = match record.exe.strip_suffix(b" (deleted)") {
        Some(path) if exe_deleted => path,
        _ => &record.exe,
    };
    let path = proc_pid::cgroup_path(&record.cgroup);
    let text = String::from_utf8_lossy(path);
    let container = cgroup::container(&text);
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
        tracer_pid: proc_pid::tracer_pid(&record.status),
        comm: stat.map_or_else(Box::default, |stat| stat.comm.into()),
        exe: exe.into(),
        exe_deleted,
        cmdline: record.cmdline.as_slice().into(),
        uid,
        capabilities: proc_pid::effective_capabilities(&record.status),
        user: uid
            .and_then(|uid| users.name(uid, record.mntns, container.is_some()))
            .map(Box::from),
        unit: cgroup::unit(&text),
        container,
        cgroup: path.into(),
        netns: known(record.netns),
        mntns: known(record.mntns),
        pidns: known(record.pidns),
        userns: known(record.userns),
        fds_status: FdsStatus::default(),
        fd_counts: BTreeMap::new(),
    }
}
