//! What threads are blocked in, from `/proc/PID/task/TID/syscall`.
//!
//! Numbers are the kernel's, by architecture; calls that say nothing about sockets are `Other`.

use whotalks_snapshot::records::Wait;

use crate::model::ProcessId;

/// A call that a thread is blocked in, as far as it matters to sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// `accept`, `accept4`.
    Accept,
    /// `epoll_wait` and its like: on an event poll.
    Epoll,
    /// `read`, `recv`, …: waits for bytes.
    Read,
    /// `write`, `send`, …: waits for room.
    Write,
    /// `connect`.
    Connect,
    /// One that waits for nothing of a descriptor's.
    Other,
    /// It may be anything: it ran, waits in `poll`, `select` or an io_uring, or nothing is known.
    Unknown,
}

/// A thread that is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) process: ProcessId,
    pub(crate) tid: u32,
    pub(crate) call: Call,
    /// The call's descriptor, where it has one.
    pub(crate) fd: Option<u32>,
}

/// Numbers of `asm-generic/unistd.h`: arm64, riscv, loongarch.
const GENERIC: [(Call, &[u32]); 7] = [
    (Call::Accept, &[202, 242]),
    (Call::Epoll, &[22, 441]),
    (Call::Read, &[63, 65, 207, 212, 243]),
    (Call::Write, &[64, 66, 206, 211, 269]),
    (Call::Connect, &[203]),
    (Call::Unknown, &[72, 73, 426]),
    (Call::Other, &[]),
];

/// Numbers of `arch/x86/entry/syscalls/syscall_64.tbl`.
const X86_64: [(Call, &[u32]); 7] = [
    (Call::Accept, &[43, 288]),
    (Call::Epoll, &[215, 232, 281, 441]),
    (Call::Read, &[0, 19, 45, 47, 299]),
    (Call::Write, &[1, 20, 44, 46, 307]),
    (Call::Connect, &[42]),
    (Call::Unknown, &[7, 23, 270, 271, 426]),
    (Call::Other, &[]),
];

/// What a thread's record says.
pub(super) fn thread(process: ProcessId, wait: &Wait, arch: &[u8]) -> Thread {
    let (call, fd) = call(&wait.syscall, arch).unwrap_or((Call::Unknown, None));
    Thread {
        process,
        tid: wait.tid,
        call,
        fd,
    }
}

/// `NR ARG0 … ARG5 SP PC`; `-1 SP PC` outside a call; `running`.
fn call(text: &[u8], arch: &[u8]) -> Option<(Call, Option<u32>)> {
    let table = match arch {
        b"x86_64" => &X86_64,
        b"aarch64" | b"riscv64" | b"loongarch64" => &GENERIC,
        _ => return None,
    };
    let text = std::str::from_utf8(text).ok()?;
    let mut fields = text.split_ascii_whitespace();
    let number: u32 = fields.next()?.parse().ok()?;
    let hex = |field: &str| u64::from_str_radix(field.strip_prefix("0x")?, 16).ok();
    let mut values = fields.map(hex);
    let first = values.next()??;
    let stack = values.nth(5)??;
    // A 32-bit program has other numbers, and its stack below 4 GiB.
    if u32::try_from(stack).is_ok() {
        return None;
    }
    let row = table.iter().find(|(_, numbers)| numbers.contains(&number));
    let call = row.map_or(Call::Other, |(call, _)| *call);
    let takes_fd = !matches!(call, Call::Other | Call::Unknown);
    // The upper half of a descriptor's register means nothing.
    Some((call, takes_fd.then_some(first as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_architecture() {
        let line = b"45 0x6 0x7f0 0x1 0x0 0x0 0x0 0x7ffd11112222 0x7f0011112222";
        assert_eq!(call(line, b"x86_64"), Some((Call::Read, Some(6))));
        assert_eq!(call(line, b"aarch64"), Some((Call::Other, None)));
        assert_eq!(call(line, b"m68k"), None);
        let compat = b"3 0x6 0x7f0 0x1 0x0 0x0 0x0 0xffd12222 0xf7f02222";
        assert_eq!(call(compat, b"x86_64"), None);
        assert_eq!(call(b"running", b"x86_64"), None);
        assert_eq!(call(b"-1 0x7ffd11112222 0x7f0011112222", b"x86_64"), None);
        let poll = b"7 0x7ffd11112222 0x1 0x0 0x0 0x0 0x0 0x7ffd11112222 0x7f0011112222";
        assert_eq!(call(poll, b"x86_64"), Some((Call::Unknown, None)));
    }
}
