//! Processes and their containers.

use std::collections::BTreeMap;

use super::coverage::FdsStatus;
use super::ids::{HostId, ProcessId};

/// A container that a process runs in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Container {
    /// Its id, as in the control group path.
    pub id: String,
    /// Its name, where the control group path has one.
    pub name: Option<String>,
    /// `docker`, `containerd`, `cri-o`, `podman`, `lxc`, `nspawn`, ….
    pub runtime: &'static str,
    /// The containers around it, outermost first.
    pub within: Vec<Self>,
    /// Whether the unit of the process is one of the container's own service manager.
    pub has_unit: bool,
}

impl Container {
    /// Its name, else the first twelve digits of its id, as Docker shows it.
    pub fn short_name(&self) -> &str {
        let end = self
            .id
            .char_indices()
            .nth(12)
            .map_or(self.id.len(), |(end, _)| end);
        self.name.as_deref().unwrap_or(&self.id[..end])
    }

    /// The names of the containers around it and its own, joined by slashes.
    pub fn path(&self) -> String {
        let outer = self.within.iter().map(Self::short_name);
        let all: Vec<&str> = outer.chain([self.short_name()]).collect();
        all.join("/")
    }
}

/// A process (thread group) with a user address space.
#[derive(Debug, Clone, Default)]
pub struct Process {
    /// Its host.
    pub host: HostId,
    /// Pid in the pid namespace of the collector.
    pub pid: u32,
    /// Pid in its innermost pid namespace.
    pub ns_pid: u32,
    /// Start time, clock ticks since boot (`stat` field 22).
    pub start_ticks: u64,
    /// Start time, boot clock, nanoseconds; rounded down to a tick.
    pub started_boottime_ns: u64,
    /// Start time, wall clock, nanoseconds since 1970.
    pub started_at_ns: u64,
    /// Parent's pid.
    pub ppid: u32,
    /// State letter of the main thread (`stat` field 3); 0: not known.
    pub state: u8,
    /// Pid of the process that traces it (ptrace(2)).
    pub tracer_pid: Option<u32>,
    /// `comm`: at most 15 bytes.
    pub comm: Box<[u8]>,
    /// Path of the executable, without the suffix ` (deleted)`; empty: not known.
    pub exe: Box<[u8]>,
    /// Whether the executable was deleted: its link count is 0.
    pub exe_deleted: bool,
    /// Arguments, each terminated by a NUL; empty: none or not captured.
    pub cmdline: Box<[u8]>,
    /// Effective user id; `None`: not known.
    pub uid: Option<u32>,
    /// Effective capabilities (`CapEff`); `None`: not known.
    pub capabilities: Option<u64>,
    /// User name, where the capture has it.
    pub user: Option<Box<[u8]>>,
    /// systemd unit.
    pub unit: Option<String>,
    /// Container.
    pub container: Option<Container>,
    /// Control group path (v2, else systemd's v1 hierarchy).
    pub cgroup: Box<[u8]>,
    /// Network namespace (inode); `None`: not known.
    pub netns: Option<u64>,
    /// Mount namespace (inode).
    pub mntns: Option<u64>,
    /// Pid namespace (inode).
    pub pidns: Option<u64>,
    /// User namespace (inode).
    pub userns: Option<u64>,
    /// Whether its descriptors were read.
    pub fds_status: FdsStatus,
    /// Number of descriptors by kind: `socket`, `pipe`, `file`, `eventfd`, ….
    pub fd_counts: BTreeMap<Box<str>, u32>,
}

impl Process {
    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.cmdline.strip_suffix(b"\0").unwrap_or(&self.cmdline);
        let some = (!self.cmdline.is_empty()).then(|| whole.split(|byte| *byte == 0));
        some.into_iter().flatten()
    }

    /// Whether the process is stopped by a signal or a debugger: it answers nobody.
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// The title that the process has written over its arguments (`nginx: worker process`); `None`: they
    /// are arguments.
    ///
    /// setproctitle(3) leaves one text with spaces, of which a program that was started without arguments
    /// has only its own path.
    pub fn title(&self) -> Option<&[u8]> {
        let text = self.cmdline.trim_ascii_end();
        let text = match text.iter().rposition(|byte| *byte != 0) {
            Some(last) => text[..=last].trim_ascii(),
            None => return None,
        };
        let is_one = text.contains(&b' ') && !text.contains(&0);
        let path = text.strip_prefix(b".").unwrap_or(text);
        (is_one && !self.exe.ends_with(path)).then_some(text)
    }
}

/// The process of a pid, among one host's processes, which start at `first` and are sorted by pid.
pub(super) fn find_pid(processes: &[Process], first: usize, pid: u32) -> Option<ProcessId> {
    let index = processes[first..]
        .binary_search_by_key(&pid, |process| process.pid)
        .ok()?;
    Some(ProcessId::new(first + index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_not_arguments() {
        let check = |exe: &[u8], cmdline: &[u8]| {
            let process = Process {
                exe: exe.into(),
                cmdline: cmdline.into(),
                ..Process::default()
            };
            let title = process.title().map(String::from_utf8_lossy);
            title.map(|title| title.into_owned())
        };
        let title = |text: &str| Some(text.to_owned());
        assert_eq!(
            check(b"/usr/sbin/nginx", b"nginx: worker process\0\0\0"),
            title("nginx: worker process")
        );
        assert_eq!(
            check(b"/bin/redis-server", b"/bin/redis-server *:6379\0"),
            title("/bin/redis-server *:6379")
        );
        assert_eq!(
            check(b"/lib/pg/postgres", b"postgres: app shop [local] idle  \0"),
            title("postgres: app shop [local] idle")
        );
        assert_eq!(check(b"/opt/my app/run", b"/opt/my app/run\0"), None);
        assert_eq!(check(b"/opt/my app/run me", b"./run me\0"), None);
        assert_eq!(check(b"/bin/sh", b"sh\0-c\0a b\0"), None);
        assert_eq!(check(b"/bin/sh", b"-bash\0"), None);
        assert_eq!(check(b"/bin/sh", b""), None);
        assert_eq!(check(b"/bin/sh", b"\0\0"), None);
    }
}
