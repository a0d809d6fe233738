//! What threads are blocked in, as far as it matters to sockets and pipes.

use crate::load::syscall::CallKind;
use crate::model::{ProcessId, ThreadState, Wait};

/// A thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) process: ProcessId,
    /// The call that it is blocked in; `None`: it may wait for anything, or goes on by itself.
    pub(crate) kind: Option<CallKind>,
    /// The call's descriptor, where it has one.
    pub(crate) fd: Option<u32>,
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

/// What a thread waits for.
pub(super) fn thread(wait: &Wait) -> Thread {
    let (kind, fd) = match &wait.doing {
        ThreadState::Call(call) => (kind(call.kind, call.name), call.fd),
        ThreadState::Running | ThreadState::NoCall | ThreadState::Unread(_) => (None, None),
    };
    Thread {
        process: wait.process,
        kind,
        fd,
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
