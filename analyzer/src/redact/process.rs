//! Redacts the records of processes: the texts of `/proc/PID`, of which known lines are copied.

use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::{DescriptorInfo, Process, ReadError, Wait};

use super::blocked_call;
use super::names::Names;
use super::number_tables;
use super::pointers::{stat_without_addresses, without_epoll_data};

/// `ECANCELED`: how the format records that something was not captured on purpose.
pub(super) const NOT_WANTED: u16 = 125;

/// Keys of `status` with numeric values: ids of processes and users, sizes, counts, signals.
#[rustfmt::skip]
const STATUS: [&str; 36] = [
    "CapAmb", "CapBnd", "CapEff", "CapInh", "CapPrm", "FDSize", "Gid", "Kthread", "NSpgid", "NSpid",
    "NSsid", "NStgid", "Ngid", "NoNewPrivs", "PPid", "Pid", "RssAnon", "RssFile", "RssShmem",
    "Seccomp", "ShdPnd", "SigBlk", "SigCgt", "SigIgn", "SigPnd", "SigQ", "State", "Tgid", "Threads",
    "TracerPid", "Uid", "Umask", "VmRSS", "VmSize", "nonvoluntary_ctxt_switches",
    "voluntary_ctxt_switches",
];

/// Keys of `fdinfo` with numeric values.
#[rustfmt::skip]
const FDINFO: [&str; 22] = [
    "NSpid", "Pid", "SqMask", "SqHead", "SqTail", "UserFiles", "clockid", "eventfd-count",
    "eventfd-id", "eventfd-semaphore", "flags", "ino", "mnt_id", "pos", "scm_fds", "settime flags",
    "lock", "sigmask", "tfd", "ticks", "tty-index", "SqThread",
];

/// Redacts a process.
pub(super) fn process(record: &Process, names: &mut Names) -> Process {
    let keep = names.keep;
    let exe = match keep.exe {
        true => record.exe.clone(),
        false => names.text(&record.exe),
    };
    let mut cmdline = names.text(&record.cmdline);
    if record.cmdline.ends_with(b"\0") && !cmdline.ends_with(b"\0") {
        cmdline.push(0);
    }
    Process {
        stat: stat(&record.stat, names),
        status: status(&record.status, names),
        cgroup: cgroup(&record.cgroup, names),
        cmdline,
        exe,
        cwd: names.text(&record.cwd),
        root: names.text(&record.root),
        limits: limits(&record.limits),
        errors: record.errors.iter().map(error).collect(),
        ..record.clone()
    }
}

fn comm(comm: &[u8], names: &mut Names) -> Vec<u8> {
    match names.keep.comm {
        true => comm.to_vec(),
        false => names.text(comm),
    }
}

/// The numbers, and the redacted name between the first and the last parenthesis.
fn stat(text: &[u8], names: &mut Names) -> Vec<u8> {
    let open = text.iter().position(|byte| *byte == b'(');
    let close = text.iter().rposition(|byte| *byte == b')');
    let (Some(open), Some(close)) = (open, close.filter(|close| Some(*close) > open)) else {
        return Vec::new();
    };
    let (pid, rest) = (&text[..open], &text[close + 1..]);
    let number = |byte: &u8| byte.is_ascii_digit() || b" -\n".contains(byte);
    // The state is the only letter among the numbers.
    let letters = rest.iter().filter(|byte| !number(byte)).count();
    if letters > 1 || !pid.iter().all(number) {
        return Vec::new();
    }
    let comm = comm(&text[open + 1..close], names);
    [pid, b"(", &comm, b")", &stat_without_addresses(rest)].concat()
}

/// The lines `KEY: VALUE` with known keys and acceptable values.
fn lines(text: &[u8], keys: &[&str], mut accept: impl FnMut(&str, &[u8]) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (key, value) = (&line[..colon], &line[colon + 1..]);
        let known = keys.iter().find(|known| known.as_bytes() == key);
        if let Some(key) = known
            && accept(key, value)
        {
            out.extend_from_slice(line);
        }
    }
    out
}

fn is_numeric(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || b" \t\n-+/:xkB".contains(byte))
}

fn status(text: &[u8], names: &mut Names) -> Vec<u8> {
    let first = text.split(|byte| *byte == b'\n').next();
    let name = first.and_then(|line| line.strip_prefix(b"Name:\t"));
    let mut out = match name {
        Some(name) => [b"Name:\t", &comm(name, names)[..], b"\n"].concat(),
        None => Vec::new(),
    };
    out.extend(lines(text, &STATUS, |key, value| {
        // `S (sleeping)`
        let state = value.len() < 24
            && value
                .iter()
                .all(|b| b.is_ascii_alphabetic() || b" \t\n()-".contains(b));
        is_numeric(value) || (key == "State" && state)
    }));
    out
}

/// Lines `ID:CONTROLLERS:PATH` (cgroups(7)), of which the path and the name of a hierarchy are
/// redacted.
fn cgroup(text: &[u8], names: &mut Names) -> Vec<u8> {
    if names.keep.unit {
        return text.to_vec();
    }
    let mut out = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let mut parts = line.splitn(3, |byte| *byte == b':');
        let (Some(id), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if !id.iter().all(u8::is_ascii_digit) {
            continue;
        }
        let word = |byte: &u8| byte.is_ascii_lowercase() || b",_".contains(byte);
        let controllers = match controllers {
            b"name=systemd" => controllers.to_vec(),
            other if other.iter().all(word) && !other.starts_with(b"name") => other.to_vec(),
            other => names.text(other),
        };
        out.extend([id, &controllers, &names.text(path)].join(&b':'));
    }
    out
}

/// The heading of the table and the line of open files.
fn limits(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let rest = line.strip_prefix(b"Max open files");
        let value = |byte: &u8| byte.is_ascii_digit() || b" \nunlimitedfiles".contains(byte);
        let head = line.starts_with(b"Limit ") && line.ends_with(b"Units     \n");
        if head || rest.is_some_and(|rest| rest.iter().all(value)) {
            out.extend_from_slice(line);
        }
    }
    out
}

/// An error, with the name of the file below `/proc/PID` if the collector writes such names.
fn error(record: &ReadError) -> ReadError {
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || b"/:_".contains(byte);
    let mut what = record.what.clone();
    if what.len() > 16 || !what.iter().all(is_name) {
        what.clear();
    }
    ReadError {
        what,
        errno: record.errno,
    }
}

/// Redacts the information on a descriptor: copies the numbers.
pub(super) fn info(record: &DescriptorInfo) -> DescriptorInfo {
    let mut text = Vec::new();
    for line in record.text.split_inclusive(|byte| *byte == b'\n') {
        let trimmed = line.trim_ascii();
        // `0: socket:[123]`: a file registered with an io_uring.
        let registered = trimmed.strip_suffix(b"]").and_then(|line| {
            let start = line
                .windows(10)
                .position(|window| window == b": socket:[")?;
            Some([&line[..start], &line[start + 10..]].concat())
        });
        let is_number = |text: Vec<u8>| text.iter().all(u8::is_ascii_digit);
        if registered.is_some_and(is_number) {
            text.extend_from_slice(line);
        } else {
            let accepted = lines(line, &FDINFO, |key, value| {
                let words = [&b"tfd"[..], b"events", b"data", b"pos", b"ino", b"sdev"];
                let poll = key == "tfd"
                    && value
                        .split(|byte| b" \t\n:".contains(byte))
                        .all(|word| words.contains(&word) || is_numeric(word));
                let lock = key == "lock" && number_tables::is_understood(value);
                is_numeric(value) || poll || lock
            });
            text.extend(without_epoll_data(accepted));
        }
    }
    DescriptorInfo {
        text,
        ..record.clone()
    }
}

/// Redacts what a thread waits in: copies numbers that are no addresses, and the name of a kernel
/// function.
pub(super) fn wait(record: &Wait, arch: &[u8], order: ByteOrder, names: &mut Names) -> Wait {
    let (syscall, memory) = blocked_call::redact(record, arch, order);
    let left_out = memory.is_empty() && !record.memory.is_empty();
    let is_symbol = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut wchan = record.wchan.clone();
    if !wchan.iter().all(is_symbol) {
        wchan.clear();
    }
    Wait {
        pid: record.pid,
        tid: record.tid,
        syscall,
        syscall_errno: record.syscall_errno,
        wchan,
        wchan_errno: record.wchan_errno,
        comm: comm(&record.comm, names),
        memory,
        memory_errno: match left_out {
            true => NOT_WANTED,
            false => record.memory_errno,
        },
        ns_tid: record.ns_tid,
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::Keep;
    use super::*;

    #[test]
    fn only_what_is_known_is_copied() {
        let mut names = Names::new([3; 32], Keep::default());
        let redacted = stat(b"7 (se) S (cret) S 1 7 7 0 -1 42", &mut names);
        assert!(
            redacted.ends_with(b") S 1 7 7 0 -1 42") && !redacted.windows(4).any(|w| w == b"cret")
        );
        assert_eq!(stat(b"7 (x) S 1 secret", &mut names), b"");
        let redacted = status(
            b"Name:\tsecret\nUid:\t0\t33\nState:\tS (sleeping)\nSecret:\t1\nPid:\tx!\n",
            &mut names,
        );
        assert!(
            redacted.ends_with(b"\nUid:\t0\t33\nState:\tS (sleeping)\n"),
            "{redacted:?}"
        );
        assert!(!redacted.windows(6).any(|w| w == b"secret"));
        assert_eq!(
            cgroup(b"0::/system.slice\n", &mut names),
            b"0::/system.slice\n"
        );
        let record = DescriptorInfo {
            text: b"pos:\t0\nino:\t7\ntfd: 7 events: 19 data: 55d0aa  pos:0 ino:3c08 sdev:8\n0: socket:[12]\nexe: /secret\n".to_vec(),
            ..DescriptorInfo::default()
        };
        let redacted = String::from_utf8_lossy(&info(&record).text).into_owned();
        let expected = String::from_utf8_lossy(&record.text).replace("data: 55d0aa ", "data: 0 ");
        assert_eq!(redacted, expected.replace("exe: /secret\n", ""));
    }
}
