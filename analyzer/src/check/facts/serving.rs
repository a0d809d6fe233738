//! Whether a process attends to a socket, from what its threads are blocked in.

use super::base::Facts;
use crate::load::syscall::CallKind;
use crate::model::{Call, FdTarget, Holder, PipeId, ProcessId, SocketId, ThreadState, Wait};

/// Whether a process serves a listener, or reads from a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Serving {
    /// Every thread is blocked in something else.
    No,
    /// Nothing shows that it does or does not.
    Maybe,
    /// It accepts on or reads from the socket, watches it, or holds sockets that it accepted.
    Yes,
}

/// Calls that may wait for any descriptor. `restart_syscall` resumes a call that is not known any
/// more, mostly poll(2).
const UNSPECIFIC: [&str; 3] = ["io_uring_enter", "io_getevents", "restart_syscall"];

/// Calls that wait for disks or the kernel only: their thread continues in a moment.
const SHORT: &str = "
    open openat openat2 close fsync fdatasync truncate ftruncate unlink clone fork execve exit
";

/// The call that a thread is blocked in.
///
/// `None`: it runs, its call is not known, or the call may wait for any descriptor or ends soon.
pub(crate) fn blocking_call(wait: &Wait) -> Option<&Call> {
    let ThreadState::Call(call) = &wait.state else {
        return None;
    };
    let name = call.name?;
    let polled = call.polled().is_some_and(|polled| polled.complete);
    let open = matches!(call.kind, CallKind::Poll) && !polled
        || call.kind == CallKind::Splice
        || UNSPECIFIC.contains(&name)
        || SHORT.split_ascii_whitespace().any(|short| short == name);
    (!open).then_some(call)
}

/// Whether a call is a poll or select that waits for data of a file.
fn polls(call: &Call, target: &FdTarget) -> bool {
    let files = call.polled().map_or(&[][..], |polled| &polled.files);
    let mut files = files.iter();
    files.any(|polled| polled.target == *target && polled.wants_read())
}

impl<'a> Facts<'a> {
    /// The threads of a process; empty where the capture has none.
    pub(crate) fn threads(&self, process: ProcessId) -> &'a [Wait] {
        let waits = &self.map.waits;
        let start = waits.partition_point(|wait| wait.process < process);
        let end = waits.partition_point(|wait| wait.process <= process);
        &waits[start..end]
    }

    /// Calls of this kind that threads are blocked in, each with its process.
    pub(crate) fn blocked_in(&self, kind: CallKind) -> impl Iterator<Item = (ProcessId, &'a Call)> {
        let waits = self.map.waits.iter();
        let calls = waits.filter_map(|wait| Some((wait.process, blocking_call(wait)?)));
        calls.filter(move |(_, call)| call.kind == kind)
    }

    /// Whether a thread of a holder is in a call on its descriptor, which refers to `target`. A thread
    /// with a descriptor table of its own has other files under the same numbers.
    pub(crate) fn waits_on(&self, holder: &Holder, target: &FdTarget) -> bool {
        let mut threads = self.threads(holder.process).iter();
        threads.any(|thread| match &thread.state {
            ThreadState::Call(call) => {
                call.fd == Some(holder.fd) && call.target == *target || polls(call, target)
            }
            _ => false,
        })
    }

    /// Whether a thread of a process waits in poll(2) or select(2) for this file alone.
    pub(crate) fn polls_alone(&self, process: ProcessId, target: &FdTarget) -> bool {
        let mut threads = self.threads(process).iter();
        threads.any(|thread| match &thread.state {
            ThreadState::Call(call) => call.polled().is_some_and(|set| {
                let mut files = set.files.iter();
                set.complete && !set.files.is_empty() && files.all(|file| file.target == *target)
            }),
            _ => false,
        })
    }

    /// Whether a holder of a socket waits on it or watches it with epoll.
    pub(crate) fn uses(&self, holder: &Holder, socket: SocketId) -> bool {
        let inode = self.map.socket(socket).inode;
        self.fdinfo.watches(holder.process, inode)
            || self.waits_on(holder, &FdTarget::Socket(socket))
    }

    /// Whether a process serves a listener that it holds.
    pub(crate) fn serving(&self, process: ProcessId, listener: SocketId) -> Serving {
        let inode = self.map.socket(listener).inode;
        let accepted = self.accepted.get_or_init(|| self.accepted());
        if self.fdinfo.watches(process, inode)
            || accepted.binary_search(&(listener, process)).is_ok()
        {
            return Serving::Yes;
        }
        self.of_threads(process, |thread, call| match call.kind {
            CallKind::Accept if call.target == FdTarget::Socket(listener) => Serving::Yes,
            CallKind::Poll if polls(call, &FdTarget::Socket(listener)) => Serving::Yes,
            CallKind::Epoll if !self.fdinfo.knows_epoll(self.map, thread, call.fd) => {
                Serving::Maybe
            }
            // A server may look at its listener between two sleeps; sleep(1) does nothing else.
            CallKind::Sleep if *self.map.process(process).comm != *b"sleep" => Serving::Maybe,
            _ => Serving::No,
        })
    }

    /// Whether every thread of a process sleeps for a time, or waits for its children.
    pub(crate) fn is_asleep(&self, process: ProcessId) -> bool {
        let threads = self.threads(process);
        let sleeps = |thread: &Wait| {
            let call = blocking_call(thread);
            call.is_some_and(|call| matches!(call.kind, CallKind::Sleep | CallKind::Child))
        };
        !threads.is_empty() && threads.iter().all(sleeps)
    }

    /// Whether a process waits for a socket to have bytes to read.
    pub(crate) fn reading(&self, process: ProcessId, socket: SocketId) -> Serving {
        let inode = self.map.socket(socket).inode;
        self.of_threads(process, |thread, call| match call.kind {
            CallKind::Read if call.target == FdTarget::Socket(socket) => Serving::Yes,
            CallKind::Poll if polls(call, &FdTarget::Socket(socket)) => Serving::Yes,
            CallKind::Epoll
                if self.fdinfo.watches(process, inode)
                    || !self.fdinfo.knows_epoll(self.map, thread, call.fd) =>
            {
                Serving::Maybe
            }
            _ => Serving::No,
        })
    }

    /// Whether a process reads from an end of a pipe: a thread is in read(2) on it, or it watches it;
    /// `No`: every thread waits for something else.
    pub(crate) fn reading_pipe(&self, holder: &Holder, pipe: PipeId) -> Serving {
        let inode = self.map.pipes[pipe.index()].key.inode();
        if self.fdinfo.watches(holder.process, inode)
            || self.waits_on(holder, &FdTarget::Pipe(pipe))
        {
            return Serving::Yes;
        }
        self.of_threads(holder.process, |thread, call| match call.kind {
            CallKind::Epoll if !self.fdinfo.knows_epoll(self.map, thread, call.fd) => {
                Serving::Maybe
            }
            CallKind::Sleep => Serving::Maybe,
            _ => Serving::No,
        })
    }

    /// The most that any thread of a process does, by the call that it is blocked in.
    fn of_threads(&self, process: ProcessId, judge: impl Fn(&Wait, &Call) -> Serving) -> Serving {
        let of_thread = |thread| match blocking_call(thread) {
            Some(call) => judge(thread, call),
            None => Serving::Maybe,
        };
        let best = self.threads(process).iter().map(of_thread).max();
        best.unwrap_or(Serving::Maybe)
    }

    fn accepted(&self) -> Vec<(SocketId, ProcessId)> {
        let mut accepted = Vec::new();
        for connection in &self.map.connections {
            if let (Some(listener), Some(end)) = (connection.listener, connection.b) {
                let holders = self.map.holders(end).iter();
                accepted.extend(holders.map(|holder| (listener, holder.process)));
            }
        }
        accepted.sort_unstable();
        accepted.dedup();
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::test_scene::Scene;

    /// Thread 61 has a descriptor table of its own, in which 5 is another socket.
    #[test]
    fn descriptors_of_a_private_table_are_not_those_of_the_process() {
        const READ: i64 = 0;
        let mut scene = Scene::new();
        let process = scene.process(60, 1, "/usr/bin/worker");
        let of_process = scene.socket(&[(process, 5, None)]);
        let of_thread = scene.socket(&[(process, 5, None)]);
        let range = scene.map.sockets[of_thread.index()].holders.clone();
        scene.map.holders[range.start as usize].tid = Some(61);
        scene.blocked_thread(process, 61, READ, 5);
        if let ThreadState::Call(call) = &mut scene.map.waits[0].state {
            call.target = FdTarget::Socket(of_thread);
        }
        let facts = Facts::new(&scene.map, vec![&scene.capture]);
        let uses = |id| facts.uses(&scene.map.holders(id)[0], id);
        assert_eq!((uses(of_process), uses(of_thread)), (false, true));
        let reads = |id| facts.reading(process, id);
        assert_eq!(
            (reads(of_process), reads(of_thread)),
            (Serving::No, Serving::Yes)
        );
    }

    #[test]
    fn calls_that_may_wait_for_anything_are_not_known() {
        let check = |kind: CallKind, name: Option<&'static str>| {
            let wait = Wait {
                process: ProcessId(0),
                tid: 1,
                comm: Box::default(),
                wchan: Box::default(),
                state: ThreadState::Call(Call {
                    name,
                    kind,
                    ..Call::default()
                }),
            };
            blocking_call(&wait).map(|call| call.kind)
        };
        assert_eq!(check(CallKind::Poll, Some("ppoll")), None);
        assert_eq!(check(CallKind::Other, Some("io_uring_enter")), None);
        assert_eq!(check(CallKind::Other, Some("fsync")), None);
        assert_eq!(check(CallKind::Other, None), None);
        assert_eq!(check(CallKind::Child, Some("wait4")), Some(CallKind::Child));
        assert_eq!(
            check(CallKind::Write, Some("sendto")),
            Some(CallKind::Write)
        );
    }
}
