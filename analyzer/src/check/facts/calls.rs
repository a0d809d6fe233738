//! What threads are blocked in, as far as it matters to sockets and pipes.

use crate::load::syscall::CallKind;
use crate::model::{Doing, ProcessId, Wait};

/// A call that a thread is blocked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A client, of a listener.
    Accept,
    /// Any of what an event poll has.
    Epoll,
    /// Bytes.
    Read,
    /// Room.
    Write,
    /// A server that accepts.
    Connect,
    /// Nothing of a descriptor's.
    Other,
    /// It may be anything: it ran, waits in `poll`, `select` or an io_uring, or nothing is known.
    Unknown,
}

/// A thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) process: ProcessId,
    pub(crate) call: Call,
    /// The call's descriptor, where it has one.
    pub(crate) fd: Option<u32>,
}

/// What a thread waits for.
pub(super) fn thread(wait: &Wait) -> Thread {
    let (call, fd) = match &wait.doing {
        Doing::Call(call) => (kind(call.kind, call.name), call.fd),
        Doing::Running | Doing::NoCall | Doing::Unread(_) => (Call::Unknown, None),
    };
    Thread {
        process: wait.process,
        call,
        fd,
    }
}

fn kind(kind: CallKind, name: Option<&str>) -> Call {
    match (kind, name) {
        (CallKind::Accept, _) => Call::Accept,
        (CallKind::Epoll, _) => Call::Epoll,
        (CallKind::Read, _) => Call::Read,
        (CallKind::Write, _) => Call::Write,
        (CallKind::Connect, _) => Call::Connect,
        // restart_syscall goes on with a call that is not known any more, mostly poll.
        (CallKind::Poll | CallKind::Splice, _)
        | (_, None | Some("io_uring_enter" | "io_getevents" | "restart_syscall")) => Call::Unknown,
        (
            CallKind::Futex
            | CallKind::Child
            | CallKind::Sleep
            | CallKind::Signal
            | CallKind::Other,
            _,
        ) => Call::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_anything_is_not_known() {
        assert_eq!(kind(CallKind::Poll, Some("ppoll")), Call::Unknown);
        assert_eq!(kind(CallKind::Other, Some("io_uring_enter")), Call::Unknown);
        assert_eq!(kind(CallKind::Other, None), Call::Unknown);
        assert_eq!(kind(CallKind::Child, Some("wait4")), Call::Other);
        assert_eq!(kind(CallKind::Write, Some("sendto")), Call::Write);
    }
}
