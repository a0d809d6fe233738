//! The collector is read-only: every system call it makes is on a list of harmless ones, and the
//! arguments of those that could do more are checked.

use std::collections::BTreeSet;
use std::process::Command;

use whotalks_tests::environment::{makes_namespaces, skip, works};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::script::Script;
use whotalks_tests::{Kind, World};

/// By far the most calls, which can do nothing but read: without them a trace takes no minutes.
const UNSEEN: &str = "trace=!read,readlinkat,close,getdents64,futex,statx,newfstatat,recvfrom";

/// Calls of the C library itself, for threads, memory and clocks, and calls that read without
/// side effects. Review a call before adding it.
const HARMLESS: &str = "access arch_prctl brk capget clock_nanosleep clone clone3 execve exit exit_group \
    fadvise64 fcntl fstat fstatfs getcpu getegid geteuid getpid getrandom getsockopt gettid \
    kcmp lseek madvise mmap mprotect mremap munmap pidfd_getfd pidfd_open poll prctl pread64 \
    prlimit64 readlink restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn \
    rt_sigtimedwait sched_getaffinity sched_yield set_robust_list set_tid_address setsockopt \
    sigaltstack stat statfs sysinfo uname";

/// A line of the trace: the thread, the call, its arguments and result.
#[derive(Debug)]
struct Call<'a> {
    tid: &'a str,
    name: &'a str,
    rest: &'a str,
}

/// `TID name(arguments…`; what continues an earlier line has been seen there.
fn call(line: &str) -> Option<Call<'_>> {
    let (tid, line) = line.split_once(' ')?;
    let (name, rest) = line.trim_start().split_once('(')?;
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !name.is_empty()).then_some(Call { tid, name, rest })
}

/// The trace of a capture into the world's folder.
fn trace(world: &World, arguments: &[&str]) -> String {
    let file = world.directory().join("trace");
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-s",
        "256",
        "-e",
        UNSEEN,
        "-o",
    ]);
    strace.arg(&file);
    strace
        .arg(&programs().collect)
        .args(["-q", "--force", "-o"]);
    strace
        .arg(world.directory().join("machine.whotalks"))
        .args(arguments);
    run(&mut strace, b"").succeeds();
    std::fs::read_to_string(&file).unwrap()
}

/// Checks every call; returns the names seen.
#[track_caller]
fn only_reads(world: &World, trace: &str) -> BTreeSet<String> {
    let folder = world.directory().to_str().unwrap();
    let main = call(trace.lines().next().unwrap()).unwrap().tid;
    let known: BTreeSet<&str> = HARMLESS.split_whitespace().collect();
    let mut names = BTreeSet::new();
    let mut executed = 0;
    for line in trace.lines() {
        let Some(Call { tid, name, rest }) = call(line) else {
            continue;
        };
        let first = rest.split([',', ')']).next().unwrap_or_default();
        let fine = match name {
            "execve" => {
                executed += 1;
                executed == 1
            }
            "open" | "openat" | "openat2" | "creat" => {
                let writes = [
                    "O_WRONLY",
                    "O_RDWR",
                    "O_CREAT",
                    "O_TRUNC",
                    "O_APPEND",
                    "O_TMPFILE",
                ];
                !writes.iter().any(|flag| rest.contains(flag)) || rest.contains(folder)
            }
            // Under its own names, in its own folder.
            "linkat" | "rename" | "renameat2" | "unlink" => rest.contains(folder),
            // Writes to the snapshot and standard error; files opened for writing are checked at `open`.
            "write" => true,
            "socket" => rest.starts_with("AF_NETLINK,") || rest.starts_with("AF_UNIX, SOCK_DGRAM"),
            // A Unix socket has no address to send to, and connecting is not among these calls.
            "sendto" => rest.contains("NULL, 0"),
            // Which namespace a socket is in, and of what type a namespace is; whether the output is a terminal.
            "ioctl" => ["SIOCGSKNS", "0x894c", "NS_GET_NSTYPE", "0xb703", "TCGETS"]
                .iter()
                .any(|ask| rest.contains(ask)),
            // Who used a semaphore last.
            "semctl" => rest.contains("GETPID"),
            // The name of a socket's protocol.
            "getxattr" => rest.contains("\"system.sockprotoname\""),
            "setns" => tid != main,
            // A thread that goes from processor to processor, never the first one.
            "sched_setaffinity" => tid != main && (first == "0" || first == tid),
            _ => known.contains(name),
        };
        assert!(fine, "not known to be harmless: {line}");
        names.insert(name.to_owned());
    }
    names
}

fn traces() -> bool {
    let can = works(&["strace", "-f", "-o", "/dev/null", "true"]);
    if !can {
        skip("strace is not there, or may not trace");
    }
    can
}

#[test]
fn a_capture_only_reads() {
    if !traces() {
        return;
    }
    let world = World::new();
    let actor = world.actor();
    actor.pair(Kind::Stream);
    let _elsewhere = makes_namespaces().then(|| world.actor_with(&["unshare", "-n", "-m"], &[]));
    let seen = only_reads(&world, &trace(&world, &[]));
    // Else the trace is not that of a capture, and proves nothing.
    for name in ["openat", "sendto", "socket", "write"] {
        assert!(seen.contains(name), "{name} was not seen: {seen:?}");
    }
    assert_eq!(seen.contains("setns"), makes_namespaces(), "{seen:?}");
}

#[test]
fn a_passive_capture_does_less() {
    if !traces() {
        return;
    }
    let world = World::new();
    world.actor().pair(Kind::Stream);
    let trace = trace(&world, &["--passive"]);
    let seen = only_reads(&world, &trace);
    for name in ["pidfd_getfd", "ioctl", "getxattr"] {
        assert!(!seen.contains(name), "{name} was seen: {seen:?}");
    }
    // Paths are looked up in the dentry cache only.
    let lookups: Vec<_> = trace
        .lines()
        .filter(|line| line.contains(" openat2("))
        .collect();
    assert!(
        lookups.iter().all(|line| line.contains("RESOLVE_CACHED")),
        "{lookups:#?}"
    );
}

/// Memory is not even opened.
#[test]
fn memory_is_left_alone_on_request() {
    if !traces() {
        return;
    }
    let world = World::new();
    let poll = "a, b = S.socketpair()\nready(os.getpid())\nselect.select([a], [], [])";
    let _scene = Script::start(poll);
    let opened = |arguments: &[&str]| {
        let trace = trace(&world, arguments);
        assert!(!trace.contains("process_vm"), "{trace}");
        let lines = trace.lines();
        let opened = lines.filter(|line| line.contains("\"mem\"") || line.contains("/mem\""));
        opened.count()
    };
    assert!(opened(&[]) > 0);
    for arguments in [
        &["--waits", "calls"][..],
        &["--waits", "no"],
        &["--passive"],
    ] {
        assert_eq!(opened(arguments), 0, "{arguments:?}");
    }
}
