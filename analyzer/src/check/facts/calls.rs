//! What threads are blocked in, as far as it matters to sockets and pipes.

use crate::load::Capture;
use crate::load::syscall::CallKind;
use crate::model::{DescriptorKey, Holder, Map, PrivateTables, ProcessId, ThreadState, Wait};

/// A thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) process: ProcessId,
    /// The call that it is blocked in; `None`: it may wait for anything, or goes on by itself.
    pub(crate) kind: Option<CallKind>,
    /// The call's descriptor, where it has one.
    pub(crate) fd: Option<u32>,
    /// Its thread id where its descriptor table is private to it.
    pub(crate) table: Option<u32>,
}

impl Thread {
    /// The call's descriptor in the thread's own descriptor table.
    pub(crate) fn descriptor(&self) -> Option<DescriptorKey> {
        Some((self.process, self.table, self.fd?))
    }

    /// Whether the call is on this descriptor of the thread's process.
    pub(crate) fn is_on(&self, holder: &Holder) -> bool {
        (self.table, self.fd) == (holder.tid, Some(holder.fd))
    }
}

/// Calls that may wait for anything: restart_syscall goes on with a call that is not known any more,
/// mostly poll.
const ANYTHING: [&str; 3] = ["io_uring_enter", "io_getevents", "restart_syscall"];

/// Calls that wait for disks or the kernel, and for nobody: their thread is back in a moment.
const BACK_SOON: [&str; 13] = [
    "open",
    "openat",
    "openat2",
    "close",
    "fsync",
    "fdatasync",
    "truncate",
    "ftruncate",
    "unlink",
    "clone",
    "fork",
    "execve",
    "exit",
];

/// The threads of a map whose hosts have these captures, by process.
pub(super) fn threads(map: &Map, captures: &[&Capture]) -> Vec<Thread> {
    let tables = captures.iter().map(|capture| PrivateTables::new(capture));
    let tables: Vec<PrivateTables> = tables.collect();
    let table_of = |wait: &Wait| {
        let process = map.process(wait.process);
        let tables = tables.get(process.host.index())?;
        tables.table_of(process.pid, wait.tid)
    };
    let waits = map.waits.iter();
    waits.map(|wait| thread(wait, table_of(wait))).collect()
}

/// What a thread waits for.
fn thread(wait: &Wait, table: Option<u32>) -> Thread {
    let (kind, fd) = match &wait.state {
        ThreadState::Call(call) => (kind(call.kind, call.name), call.fd),
        ThreadState::Running | ThreadState::NoCall | ThreadState::Unread(_) => (None, None),
    };
    Thread {
        process: wait.process,
        kind,
        fd,
        table,
    }
}

fn kind(kind: CallKind, name: Option<&str>) -> Option<CallKind> {
    let name = name?;
    let open = matches!(kind, CallKind::Poll | CallKind::Splice)
        || ANYTHING.contains(&name)
        || BACK_SOON.contains(&name);
    (!open).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_anything_is_not_known() {
        assert_eq!(kind(CallKind::Poll, Some("ppoll")), None);
        assert_eq!(kind(CallKind::Other, Some("io_uring_enter")), None);
        assert_eq!(kind(CallKind::Other, Some("fsync")), None);
        assert_eq!(kind(CallKind::Other, None), None);
        assert_eq!(kind(CallKind::Child, Some("wait4")), Some(CallKind::Child));
        assert_eq!(kind(CallKind::Write, Some("sendto")), Some(CallKind::Write));
    }
}
