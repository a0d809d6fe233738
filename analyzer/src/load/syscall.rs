//! Parser of `/proc/PID/task/TID/syscall`, and tables of system calls by number for each architecture.
//!
//! References: proc_pid_syscall(5), syscall(2), `asm/unistd_64.h` of x86, `asm-generic/unistd.h`.

/// What a system call waits for, as far as its number shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// Data from the descriptor that is its first argument.
    Read,
    /// Buffer space of the descriptor that is its first argument.
    Write,
    /// Data from the descriptor that is its first argument, or buffer space of the third.
    Splice,
    /// A server that accepts the connection.
    Connect,
    /// A client.
    Accept,
    /// Any descriptor that the epoll descriptor, its first argument, watches.
    Epoll,
    /// Descriptors listed in the thread's memory.
    Poll,
    /// Another thread, of its own process or of one that shares memory.
    Futex,
    /// A lock of the file that is its first argument.
    Lock,
    /// A file; a FIFO: its other end.
    Open,
    /// The end of a child.
    Child,
    /// A point in time.
    Sleep,
    /// A signal.
    Signal,
    /// Something else; the name of the call may show what.
    #[default]
    Other,
}

/// The parsed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syscall {
    /// On a processor, or runnable.
    Running,
    /// Asleep in the kernel outside a system call: a page fault, a stop.
    NoCall,
    /// In a system call.
    Call {
        /// Its number.
        number: i64,
        /// Its arguments.
        arguments: [u64; 6],
        /// The stack pointer.
        stack: u64,
    },
}

/// Parses the text; `None` if it is malformed.
pub fn syscall(text: &[u8]) -> Option<Syscall> {
    let text = std::str::from_utf8(text).ok()?.trim_end();
    if text == "running" {
        return Some(Syscall::Running);
    }
    let mut fields = text.split_ascii_whitespace();
    let number: i64 = fields.next()?.parse().ok()?;
    if number < 0 {
        return Some(Syscall::NoCall);
    }
    let mut hexadecimal = || u64::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok();
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = hexadecimal()?;
    }
    let stack = hexadecimal()?;
    Some(Syscall::Call {
        number,
        arguments,
        stack,
    })
}

/// Name and kind of a call by its number on an architecture (`uname -m`); `None`: not known.
///
/// The listed architectures other than x86-64 use the numbers of `asm-generic`. 32-bit programs on a 64-bit
/// kernel use other numbers; they are recognized by a stack below 4 GiB and stay unknown.
pub fn call(arch: &[u8], number: i64, stack: u64) -> Option<(&'static str, CallKind)> {
    let table: &[Row] = match arch {
        _ if stack <= u64::from(u32::MAX) => return None,
        b"x86_64" => &X86_64,
        b"aarch64" | b"riscv64" | b"loongarch64" => &GENERIC,
        _ => return None,
    };
    let row = table.iter().find(|(known, ..)| i64::from(*known) == number);
    row.map(|(_, name, kind)| (*name, *kind))
}

type Row = (u16, &'static str, CallKind);

use CallKind::{
    Accept, Child, Connect, Epoll, Futex, Lock, Open, Other, Poll, Read, Signal, Sleep, Splice,
    Write,
};

#[rustfmt::skip]
const X86_64: [Row; 66] = [
    (0, "read", Read), (1, "write", Write), (2, "open", Open), (3, "close", Other),
    (7, "poll", Poll), (16, "ioctl", Other), (17, "pread64", Read), (18, "pwrite64", Write),
    (19, "readv", Read), (20, "writev", Write), (23, "select", Poll), (34, "pause", Signal),
    (35, "nanosleep", Sleep), (40, "sendfile", Write), (42, "connect", Connect),
    (43, "accept", Accept), (44, "sendto", Write), (45, "recvfrom", Read), (46, "sendmsg", Write),
    (47, "recvmsg", Read), (56, "clone", Other), (57, "fork", Other), (58, "vfork", Child),
    (59, "execve", Other), (60, "exit", Other), (61, "wait4", Child), (65, "semop", Other),
    (69, "msgsnd", Other), (70, "msgrcv", Other), (72, "fcntl", Lock), (73, "flock", Lock),
    (74, "fsync", Other), (75, "fdatasync", Other), (76, "truncate", Other),
    (77, "ftruncate", Other), (87, "unlink", Other), (128, "rt_sigtimedwait", Signal),
    (130, "rt_sigsuspend", Signal), (202, "futex", Futex), (208, "io_getevents", Other),
    (219, "restart_syscall", Other), (220, "semtimedop", Other), (230, "clock_nanosleep", Sleep),
    (231, "exit_group", Other), (232, "epoll_wait", Epoll), (242, "mq_timedsend", Other),
    (243, "mq_timedreceive", Other), (247, "waitid", Child), (257, "openat", Open),
    (270, "pselect6", Poll), (271, "ppoll", Poll), (275, "splice", Splice), (276, "tee", Splice),
    (278, "vmsplice", Write), (281, "epoll_pwait", Epoll), (288, "accept4", Accept),
    (295, "preadv", Read), (296, "pwritev", Write), (299, "recvmmsg", Read),
    (307, "sendmmsg", Write), (327, "preadv2", Read), (328, "pwritev2", Write),
    (426, "io_uring_enter", Other), (437, "openat2", Open), (441, "epoll_pwait2", Epoll),
    (449, "futex_waitv", Futex),
];

#[rustfmt::skip]
const GENERIC: [Row; 54] = [
    (4, "io_getevents", Other), (22, "epoll_pwait", Epoll), (25, "fcntl", Lock),
    (29, "ioctl", Other), (32, "flock", Lock), (56, "openat", Open), (57, "close", Other),
    (63, "read", Read), (64, "write", Write), (65, "readv", Read), (66, "writev", Write),
    (67, "pread64", Read), (68, "pwrite64", Write), (69, "preadv", Read), (70, "pwritev", Write),
    (71, "sendfile", Write), (72, "pselect6", Poll), (73, "ppoll", Poll), (75, "vmsplice", Write),
    (76, "splice", Splice), (77, "tee", Splice), (82, "fsync", Other), (83, "fdatasync", Other),
    (93, "exit", Other), (94, "exit_group", Other), (95, "waitid", Child), (98, "futex", Futex),
    (101, "nanosleep", Sleep), (115, "clock_nanosleep", Sleep), (128, "restart_syscall", Other),
    (133, "rt_sigsuspend", Signal), (137, "rt_sigtimedwait", Signal), (182, "mq_timedsend", Other),
    (183, "mq_timedreceive", Other), (188, "msgrcv", Other), (189, "msgsnd", Other),
    (192, "semtimedop", Other), (193, "semop", Other), (202, "accept", Accept),
    (203, "connect", Connect), (206, "sendto", Write), (207, "recvfrom", Read),
    (211, "sendmsg", Write), (212, "recvmsg", Read), (220, "clone", Other),
    (242, "accept4", Accept), (243, "recvmmsg", Read), (260, "wait4", Child),
    (269, "sendmmsg", Write), (286, "preadv2", Read), (287, "pwritev2", Write),
    (426, "io_uring_enter", Other), (441, "epoll_pwait2", Epoll), (449, "futex_waitv", Futex),
];

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: u64 = 0x7fff_1083_78e0;

    #[test]
    fn texts() {
        let text = b"288 0x3 0x7fff10837a00 0x7fff108379dc 0x80000 0x0 0x0 0x7fff108378e0 0x7f6736";
        let read = Syscall::Call {
            number: 288,
            arguments: [3, 0x7fff_1083_7a00, 0x7fff_1083_79dc, 0x80000, 0, 0],
            stack: STACK,
        };
        assert_eq!(syscall(text), Some(read));
        assert_eq!(syscall(b"running"), Some(Syscall::Running));
        assert_eq!(syscall(b"-1 0x7ffe 0x7f67"), Some(Syscall::NoCall));
        for bad in [
            &b""[..],
            b"288",
            b"288 3 4",
            b"x 0x1",
            b"\xff",
            b"runningly",
        ] {
            assert_eq!(syscall(bad), None);
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(call(b"x86_64", 0, STACK), Some(("read", Read)));
        assert_eq!(call(b"aarch64", 63, STACK), Some(("read", Read)));
        assert_eq!(call(b"x86_64", 0, 0xffff_d000), None, "a 32-bit program");
        assert_eq!(call(b"sparc64", 3, STACK), None);
        for table in [&X86_64[..], &GENERIC] {
            assert!(table.is_sorted_by_key(|(number, ..)| *number));
        }
    }

    /// Where the headers are installed.
    #[test]
    fn names_are_those_of_the_headers() {
        let headers = [
            "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
            "/usr/include/asm-generic/unistd.h",
        ];
        for (header, table) in headers.into_iter().zip([&X86_64[..], &GENERIC]) {
            let Ok(text) = std::fs::read_to_string(header) else {
                continue;
            };
            for (number, name, _) in table {
                let defined = text.lines().any(|line| {
                    let mut words = line.split_ascii_whitespace().skip(1);
                    let is_it = words.next().is_some_and(|word| {
                        word.strip_prefix("__NR_")
                            .or(word.strip_prefix("__NR3264_"))
                            == Some(*name)
                    });
                    is_it && words.next() == Some(&number.to_string())
                });
                assert!(defined, "{header}: {name} {number}");
            }
        }
    }
}
