//! Parsers of `/proc/PID/stat`, `status` and `cgroup`, for the fields in use.
//!
//! Reference: proc_pid_stat(5), proc_pid_status(5), cgroups(7).

/// Fields of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat<'a> {
    /// Field 2, without its parentheses; may contain any byte, also parentheses and spaces.
    pub comm: &'a [u8],
    /// Field 3.
    pub state: u8,
    /// Field 4: parent.
    pub ppid: u32,
    /// Field 6: session, the pid of its leader.
    pub session: u32,
    /// Field 9: `PF_*`.
    pub flags: u32,
    /// Field 22: clock ticks since boot.
    pub start_ticks: u64,
}

/// `PF_KTHREAD` of `linux/sched.h`.
pub const PF_KTHREAD: u32 = 0x0020_0000;

/// Parses `stat`; `None` if the text is malformed.
pub fn stat(text: &[u8]) -> Option<Stat<'_>> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    // The name may contain parentheses, the fields after it do not.
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let comm = text.get(open + 1..close)?;
    let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    // Counting from field 3, the first after the name.
    let state = *fields.next()?.as_bytes().first()?;
    let ppid = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let flags = fields.nth(2)?.parse().ok()?;
    let start_ticks = fields.nth(12)?.parse().ok()?;
    Some(Stat {
        comm,
        state,
        ppid,
        session,
        flags,
        start_ticks,
    })
}

/// The session of a process (field 6), and the number of the pseudo-terminal that controls it (field 7).
pub fn session(stat: &[u8]) -> Option<(u32, Option<u64>)> {
    /// `UNIX98_PTY_SLAVE_MAJOR`.
    const PTY_SLAVE: u32 = 136;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace().skip(3);
    let session = fields.next()?.parse().ok()?;
    let device: i32 = fields.next()?.parse().ok()?;
    // `new_encode_dev` of the kernel: the minor number's low byte, the major number, the rest of the minor.
    let device = device.cast_unsigned();
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00);
    Some((session, (major == PTY_SLAVE).then_some(minor.into())))
}

/// The value of a key in `status` or fdinfo: the text after the colon, trimmed.
pub fn status_line<'a>(status: &'a [u8], key: &str) -> Option<&'a str> {
    let mut lines = status.split(|byte| *byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(key.as_bytes())?.strip_prefix(b":"))?;
    std::str::from_utf8(line).ok().map(str::trim)
}

/// The effective user id (`Uid:` second number).
pub fn effective_uid(status: &[u8]) -> Option<u32> {
    let mut ids = status_line(status, "Uid")?.split_ascii_whitespace();
    ids.nth(1)?.parse().ok()
}

/// The effective capabilities (`CapEff:`).
pub fn effective_capabilities(status: &[u8]) -> Option<u64> {
    u64::from_str_radix(status_line(status, "CapEff")?, 16).ok()
}

/// The pid in the innermost namespace (`NSpid:` last number).
pub fn innermost_pid(status: &[u8]) -> Option<u32> {
    let pids = status_line(status, "NSpid")?.split_ascii_whitespace();
    pids.last()?.parse().ok()
}

/// The pid of the tracer (`TracerPid:`), in the pid namespace of the reader; `None`: not traced.
pub fn tracer_pid(status: &[u8]) -> Option<u32> {
    let pid = status_line(status, "TracerPid")?.parse().ok()?;
    (pid != 0).then_some(pid)
}

/// The most specific control group path: that of systemd's v1 hierarchy, else of v2, else of another v1
/// hierarchy; the root path only if there is no other.
///
/// A service manager inside a container may work in the v2 hierarchy only, below the group that the
/// outer one has in both: then that of v2.
pub fn cgroup_path(cgroup: &[u8]) -> &[u8] {
    let paths = cgroup.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut parts = line.splitn(3, |byte| *byte == b':');
        let (_id, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        Some((controllers, path))
    });
    let (mut best, mut rank, mut unified) = (&b""[..], 0, &b""[..]);
    for (controllers, path) in paths {
        let own = match (controllers, path) {
            (_, b"/") => 1,
            (b"name=systemd", _) => 4,
            (b"", _) => 3,
            _ => 2,
        };
        if own == 3 {
            unified = path;
        }
        if own > rank {
            (best, rank) = (path, own);
        }
    }
    let below = unified.strip_prefix(best).filter(|_| rank == 4);
    match below {
        Some([b'/', ..]) => unified,
        _ => best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_fields() {
        let text = b"77 (a) S 1 ) R 5 6 7 8 9 4194560 1 2 3 4 5 6 7 8 9 10 11 12 4242 99\n";
        let read = stat(text).map(|s| (s.comm, s.state, s.ppid, s.flags, s.start_ticks));
        assert_eq!(read, Some((&b"a) S 1 "[..], b'R', 5, 4_194_560, 4242)));
        assert_eq!(stat(text).map(|stat| stat.session), Some(7));
        assert_eq!(stat(b"77 (a"), None);
        assert_eq!(stat(b")("), None);
    }

    #[test]
    fn sessions() {
        assert_eq!(session(b"77 (a) S) S 5 6 7 34819 8"), Some((7, Some(3))));
        assert_eq!(session(b"77 (a) S 5 6 7 1083393 8"), Some((7, Some(257))));
        assert_eq!(session(b"77 (a) S 5 6 7 1025 8"), Some((7, None)), "tty1");
        assert_eq!(session(b"77 (a) S 5 6 7 0 -1"), Some((7, None)));
        assert_eq!(session(b"77 (a"), None);
    }

    #[test]
    fn status_and_cgroup() {
        let status = b"Name:\tx\nUid:\t0\t33\t0\t0\nNSpid:\t812\t7\n";
        assert_eq!(effective_uid(status), Some(33));
        assert_eq!(innermost_pid(status), Some(7));
        assert_eq!(effective_uid(b"Uid:\t0"), None);
        assert_eq!(tracer_pid(b"TracerPid:\t77\n"), Some(77));
        assert_eq!(tracer_pid(b"TracerPid:\t0\n"), None);
        let v1 = b"4:memory:/m\n1:name=systemd:/system.slice/a.service\n0::/\n";
        assert_eq!(cgroup_path(v1), b"/system.slice/a.service");
        let guest = b"1:name=systemd:/machine.slice/a.scope\n0::/machine.slice/a.scope/x.service\n";
        assert_eq!(cgroup_path(guest), b"/machine.slice/a.scope/x.service");
        assert_eq!(cgroup_path(b"0::/user.slice\n"), b"/user.slice");
        assert_eq!(cgroup_path(b"3:cpu:/\n0::/\n"), b"/");
        assert_eq!(cgroup_path(b"nonsense"), b"");
    }
}
