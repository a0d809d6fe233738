//! Reads the states of threads: `/proc/PID/task/TID/syscall` and `wchan`.

use std::collections::BTreeMap;

use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::Wait as Record;

use super::decode_memory;
use super::fd_relation::FdTarget;
use super::ids::ProcessId;
use super::map::Map;
use super::process::find_pid;
use super::wait::{Call, ThreadState, Wait};
use crate::load::Capture;
use crate::load::syscall::{self, CallKind, Syscall};

/// Kernel functions in which a splice sleeps while its output is full.
const WRITERS: [&[u8]; 7] = [
    b"anon_pipe_write",
    b"opipe_prep",
    b"pipe_write",
    b"sk_stream_wait_memory",
    b"sock_alloc_send_pskb",
    b"unix_wait_for_peer",
    b"wait_for_space",
];

/// Commands of fcntl(2) that wait: `F_SETLKW` and `F_OFD_SETLKW`.
const LOCK_COMMANDS: [u64; 2] = [7, 38];

/// The threads of wanted processes of the last host, whose processes start at `first`, by process and
/// thread; targets stay unknown.
pub(super) fn waits(
    capture: &Capture,
    map: &Map,
    first: usize,
    is_wanted: impl Fn(ProcessId) -> bool,
) -> Vec<Wait> {
    let host = map.hosts.last();
    let arch = host.map(|host| &*host.arch).unwrap_or_default();
    let order = capture.byte_order();
    let mut inner = BTreeMap::new();
    let mut wait = |record: &Record| {
        let process = find_pid(&map.processes, first, record.pid).filter(|id| is_wanted(*id))?;
        if record.ns_tid != 0 {
            inner.insert((process, record.ns_tid), record.tid);
        }
        Some(Wait {
            process,
            tid: record.tid,
            comm: record.comm.as_slice().into(),
            wchan: match &record.wchan[..] {
                b"0" => Box::default(),
                wchan => wchan.into(),
            },
            state: state(record, arch, order),
        })
    };
    // A later reading of a process replaces the earlier one.
    let mut waits: Vec<Wait> = capture.waits.iter().rev().filter_map(&mut wait).collect();
    waits.sort_by_key(|wait| (wait.process, wait.tid));
    waits.dedup_by_key(|wait| (wait.process, wait.tid));
    decode_memory::resolve_owners(&mut waits, map, &inner);
    waits
}

fn state(record: &Record, arch: &[u8], order: ByteOrder) -> ThreadState {
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
    let name = known.map(|(name, _)| name);
    let mut kind = known.map_or(CallKind::Other, |(_, kind)| kind);
    if name == Some("fcntl") && !LOCK_COMMANDS.contains(&arguments[1]) {
        kind = CallKind::Other;
    }
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
        CallKind::Read
            | CallKind::Write
            | CallKind::Connect
            | CallKind::Accept
            | CallKind::Epoll
            | CallKind::Lock
    );
    ThreadState::Call(Call {
        number,
        name,
        kind,
        // The kernel takes an int and ignores the upper half of the register.
        fd: has_fd.then_some(fd as u32),
        target: FdTarget::Unknown,
        timed: is_timed(name, arguments),
        child: child(name, arguments),
        memory: decode_memory::decode(record, name, arguments, order),
    })
}

/// Whether the arguments give the call a timeout.
fn is_timed(name: Option<&str>, arguments: [u64; 6]) -> bool {
    // A C int in a register; negative: no timeout.
    let milliseconds = |argument: u64| (argument as u32).cast_signed() >= 0;
    match name {
        Some("epoll_wait" | "epoll_pwait") => milliseconds(arguments[3]),
        Some("epoll_pwait2" | "futex") => {
            // The fourth argument of FUTEX_WAIT, FUTEX_LOCK_PI and similar operations.
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

/// The pid passed to `wait4` or `waitid`.
fn child(name: Option<&str>, arguments: [u64; 6]) -> Option<u32> {
    const P_PID: u64 = 1;
    let pid = match name? {
        "wait4" => arguments[0] as u32,
        "waitid" if arguments[0] == P_PID => arguments[1] as u32,
        _ => return None,
    };
    (pid.cast_signed() > 0).then_some(pid)
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
        state(&record, b"x86_64", ByteOrder::Little)
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
