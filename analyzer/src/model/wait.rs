//! What each thread was doing, joined with what its descriptor leads to.

use std::collections::{BTreeSet, HashMap, HashSet};

use whotalks_snapshot::descriptors::Link;
use whotalks_snapshot::records::Wait as Record;

use super::processes::find;
use super::{Map, PipeId, ProcessId, SocketId};
use crate::load::Capture;
use crate::load::syscall::{self, CallKind, Syscall};

/// A thread, and what it was doing when it was looked at.
#[derive(Debug, Clone)]
pub struct Wait {
    /// Its process.
    pub process: ProcessId,
    /// Its thread id.
    pub tid: u32,
    /// Its own `comm`.
    pub comm: Box<[u8]>,
    /// The kernel function that it sleeps in; empty: not known.
    pub wchan: Box<[u8]>,
    /// What it was doing.
    pub doing: ThreadState,
}

/// What a thread was doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadState {
    /// On a processor, or waiting for one.
    Running,
    /// Asleep in no call: a page fault, a stop.
    NoCall,
    /// In a system call.
    Call(Call),
    /// The kernel did not say (`errno`; 0: its text was not understood).
    Unread(u16),
}

/// A system call in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its number on the architecture.
    pub number: i64,
    /// Its name; `None`: the architecture's numbers are not known.
    pub name: Option<&'static str>,
    /// What it waits for. A splice is one of reading and writing where the sleep says which.
    pub kind: CallKind,
    /// The descriptor that it waits on.
    pub fd: Option<u32>,
    /// What that leads to.
    pub on: FdTarget,
    /// It ends by itself after a time.
    pub timed: bool,
    /// A child that it waits for by pid, in its own pid namespace.
    pub child: Option<u32>,
}

/// What a descriptor leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FdTarget {
    /// A socket.
    Socket(SocketId),
    /// A pipe or FIFO.
    Pipe(PipeId),
    /// Neither; what its link in `/proc/PID/fd` shows.
    Other(Box<[u8]>),
    /// No descriptor table that was read has it, or the call has none.
    #[default]
    Unknown,
}

/// Kernel functions in which a splice sleeps because its output is full.
const WRITERS: [&[u8]; 7] = [
    b"anon_pipe_write",
    b"opipe_prep",
    b"pipe_write",
    b"sk_stream_wait_memory",
    b"sock_alloc_send_pskb",
    b"unix_wait_for_peer",
    b"wait_for_space",
];

/// The waits of a capture, by process and thread; what their descriptors lead to comes later.
pub(super) fn waits(capture: &Capture, map: &Map, first: usize) -> Vec<Wait> {
    let host = map.hosts.last();
    let arch = host.map(|host| &*host.arch).unwrap_or_default();
    let of = |record: &Record| {
        let process = find(&map.processes, first, record.pid)?;
        Some(Wait {
            process,
            tid: record.tid,
            comm: record.comm.as_slice().into(),
            wchan: match &record.wchan[..] {
                b"0" => Box::default(),
                wchan => wchan.into(),
            },
            doing: doing(record, arch),
        })
    };
    // A second look at a process comes later, and replaces the first.
    let mut waits: Vec<Wait> = capture.waits.iter().rev().filter_map(of).collect();
    waits.sort_by_key(|wait| (wait.process, wait.tid));
    waits.dedup_by_key(|wait| (wait.process, wait.tid));
    waits
}

fn doing(record: &Record, arch: &[u8]) -> ThreadState {
    if record.syscall_errno != 0 {
        return ThreadState::Unread(record.syscall_errno);
    }
    let (number, arguments, stack) = match syscall::syscall(&record.syscall) {
        None => return ThreadState::Unread(0),
        Some(Syscall::Running) => return ThreadState::Running,
        Some(Syscall::NoCall) => return ThreadState::NoCall,
        Some(Syscall::Call {
            number,
            arguments,
            stack,
        }) => (number, arguments, stack),
    };
    let known = syscall::call(arch, number, stack);
    let mut kind = known.map_or(CallKind::Other, |(_, kind)| kind);
    let mut fd = arguments[0];
    if kind == CallKind::Splice {
        let writes = WRITERS.contains(&&record.wchan[..]);
        kind = if writes {
            fd = arguments[2];
            CallKind::Write
        } else {
            CallKind::Read
        };
    }
    let has_fd = matches!(
        kind,
        CallKind::Read | CallKind::Write | CallKind::Connect | CallKind::Accept | CallKind::Epoll
    );
    let name = known.map(|(name, _)| name);
    ThreadState::Call(Call {
        number,
        name,
        kind,
        // The kernel takes an int; what is above is the register's.
        fd: has_fd.then_some(fd as u32),
        on: FdTarget::Unknown,
        timed: is_timed(name, arguments),
        child: child(name, arguments),
    })
}

/// Whether the arguments give the call a time to end at.
fn is_timed(name: Option<&str>, arguments: [u64; 6]) -> bool {
    // A C int in a register: negative is for ever.
    let milliseconds = |argument: u64| (argument as u32).cast_signed() >= 0;
    match name {
        Some("epoll_wait" | "epoll_pwait") => milliseconds(arguments[3]),
        Some("epoll_pwait2" | "futex") => {
            // FUTEX_WAIT, FUTEX_LOCK_PI and their like have their time in the fourth.
            arguments[3] != 0
        }
        Some("poll") => milliseconds(arguments[2]),
        Some("ppoll") => arguments[2] != 0,
        Some("select" | "pselect6" | "recvmmsg") => arguments[4] != 0,
        Some("rt_sigtimedwait") => arguments[2] != 0,
        Some("nanosleep" | "clock_nanosleep") => true,
        _ => false,
    }
}

/// The pid that `wait4` or `waitid` names.
fn child(name: Option<&str>, arguments: [u64; 6]) -> Option<u32> {
    const P_PID: u64 = 1;
    let pid = match name? {
        "wait4" => arguments[0] as u32,
        "waitid" if arguments[0] == P_PID => arguments[1] as u32,
        _ => return None,
    };
    (pid.cast_signed() > 0).then_some(pid)
}

/// Identifies a descriptor: process, thread where the table is private to it, number.
pub(crate) type DescriptorKey = (ProcessId, Option<u32>, u32);

/// What these descriptors of the last host lead to, as far as its tables were read.
pub(super) fn resolve(
    capture: &Capture,
    map: &Map,
    first: usize,
    wanted: &HashSet<DescriptorKey>,
) -> HashMap<DescriptorKey, FdTarget> {
    let mut found = HashMap::with_capacity(wanted.len());
    let Some(host) = map.hosts.len().checked_sub(1) else {
        return found;
    };
    for (at, socket) in map.sockets.iter().enumerate().rev() {
        if socket.host.index() != host {
            break;
        }
        let id = SocketId::new(at);
        for holder in map.holders(id) {
            let place = (holder.process, holder.tid, holder.fd);
            if wanted.contains(&place) {
                found.insert(place, FdTarget::Socket(id));
            }
        }
    }
    for (at, pipe) in map.pipes.iter().enumerate().rev() {
        if pipe.host.index() != host {
            break;
        }
        for holder in pipe.readers.iter().chain(&pipe.writers) {
            let place = (holder.process, holder.tid, holder.fd);
            if wanted.contains(&place) {
                found.insert(place, FdTarget::Pipe(PipeId::new(at)));
            }
        }
    }
    // What is neither has only its link's text, which the map does not keep.
    let missing: HashSet<ProcessId> = wanted
        .iter()
        .filter(|place| !found.contains_key(*place))
        .map(|(process, ..)| *process)
        .collect();
    for table in &capture.tables {
        let process = find(&map.processes, first, table.pid).filter(|p| missing.contains(p));
        let Some(process) = process else { continue };
        let tid = (table.tid != 0).then_some(table.tid);
        for (fd, link) in table.entries().map_while(Result::ok) {
            let place = (process, tid, fd);
            if let Link::Other { text } = link
                && wanted.contains(&place)
            {
                found
                    .entry(place)
                    .or_insert_with(|| FdTarget::Other(text.into()));
            }
        }
    }
    found
}

/// The descriptor tables that belong to one thread (`unshare(CLONE_FILES)`), by pid and tid.
pub(crate) struct PrivateTables(BTreeSet<(u32, u32)>);

impl PrivateTables {
    pub(crate) fn new(capture: &Capture) -> Self {
        let private = capture.tables.iter().filter(|table| table.tid != 0);
        Self(private.map(|table| (table.pid, table.tid)).collect())
    }

    /// The thread part of a [`DescriptorKey`]: `tid` where the thread has a table of its own.
    pub(crate) fn table_of(&self, pid: u32, tid: u32) -> Option<u32> {
        self.0.contains(&(pid, tid)).then_some(tid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wchan: &str) -> ThreadState {
        let record = Record {
            syscall: text.as_bytes().to_vec(),
            wchan: wchan.as_bytes().to_vec(),
            ..Record::default()
        };
        doing(&record, b"x86_64")
    }

    #[test]
    fn calls_and_their_descriptors() {
        let call = |text: &str, wchan: &str| match check(text, wchan) {
            ThreadState::Call(call) => (call.name, call.kind, call.fd, call.timed, call.child),
            other => panic!("{other:?}"),
        };
        let rest = "0x0 0x0 0x7fff10837a00 0x7f";
        assert_eq!(
            call(&format!("1 0x5 0x1 0x2 0x3 {rest}"), "pipe_write"),
            (Some("write"), CallKind::Write, Some(5), false, None)
        );
        assert_eq!(
            call(&format!("275 0x5 0x0 0x6 0x0 {rest}"), "wait_for_space"),
            (Some("splice"), CallKind::Write, Some(6), false, None)
        );
        assert_eq!(
            call(&format!("275 0x5 0x0 0x6 0x0 {rest}"), "ipipe_prep"),
            (Some("splice"), CallKind::Read, Some(5), false, None)
        );
        assert_eq!(
            call(&format!("232 0x4 0x1 0x1 0xffffffff {rest}"), ""),
            (Some("epoll_wait"), CallKind::Epoll, Some(4), false, None)
        );
        assert_eq!(
            call(&format!("232 0x4 0x1 0x1 0x64 {rest}"), ""),
            (Some("epoll_wait"), CallKind::Epoll, Some(4), true, None)
        );
        assert_eq!(
            call(&format!("7 0x7f00 0x1 0xffffffff 0x0 {rest}"), ""),
            (Some("poll"), CallKind::Poll, None, false, None)
        );
        assert_eq!(
            call(&format!("61 0x4d 0x0 0x0 0x0 {rest}"), ""),
            (Some("wait4"), CallKind::Child, None, false, Some(77))
        );
        assert_eq!(
            call(&format!("61 0xffffffff 0x0 0x0 0x0 {rest}"), "").4,
            None
        );
        assert_eq!(
            call(&format!("9999 0x4 0x0 0x0 0x0 {rest}"), ""),
            (None, CallKind::Other, None, false, None)
        );
    }

    #[test]
    fn what_is_no_call() {
        assert_eq!(check("running", ""), ThreadState::Running);
        assert_eq!(check("-1 0x1 0x2", ""), ThreadState::NoCall);
        assert_eq!(check("nonsense", ""), ThreadState::Unread(0));
    }
}
