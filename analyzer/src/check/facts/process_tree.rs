//! Who is whose child, and who is the same program.

use std::collections::BTreeMap;

use crate::model::{Map, Process, ProcessId};

/// Ancestors that are looked at: deeper trees are not people's.
const DEPTH: usize = 64;

/// Programs that start others and keep their descriptors for them: service managers, the first
/// process of containers, container runtimes and their shims.
pub(in crate::check) const MANAGERS: [&[u8]; 31] = [
    b"systemd",
    b"init",
    b"upstart",
    b"openrc-init",
    b"runit",
    b"runit-init",
    b"runsvdir",
    b"runsv",
    b"s6-svscan",
    b"s6-supervise",
    b"dinit",
    b"shepherd",
    b"launchd",
    b"tini",
    b"tini-static",
    b"dumb-init",
    b"catatonit",
    b"docker-init",
    b"dockerd",
    b"docker-proxy",
    b"containerd",
    b"containerd-shim",
    b"containerd-shim-runc-v1",
    b"containerd-shim-runc-v2",
    b"conmon",
    b"crio",
    b"podman",
    b"runc",
    b"crun",
    b"lxc-start",
    b"systemd-nspawn",
];

/// Directories that hold many programs, or those of one architecture: they are no install directory.
const SHARED: [&str; 9] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/lib",
    "/usr/local/libexec",
    "/lib",
    "/lib64",
    "/opt",
    "/snap",
];

/// Families of processes and programs.
#[derive(Debug, Default)]
pub(crate) struct ProcessTree {
    parents: Vec<Option<ProcessId>>,
    /// A number for each program; `None` where the executable is not known.
    programs: Vec<Option<u32>>,
    managers: Vec<bool>,
}

impl ProcessTree {
    pub(super) fn of(map: &Map) -> Self {
        let mut numbers: BTreeMap<(u32, &[u8]), u32> = BTreeMap::new();
        let mut kin = Self::default();
        for process in &map.processes {
            let parent = find(map, process.host.0, process.ppid);
            // A pid that was given again since is nobody's parent.
            let parent = parent.filter(|id| map.process(*id).start_ticks <= process.start_ticks);
            kin.parents.push(parent);
            let next = numbers.len() as u32;
            let known = (!process.exe.is_empty()).then(|| program(&process.exe));
            kin.programs
                .push(known.map(|name| *numbers.entry((process.host.0, name)).or_insert(next)));
            kin.managers.push(is_manager(map, process));
        }
        kin
    }

    /// The process that started it, or that it was given to.
    pub(crate) fn parent(&self, process: ProcessId) -> Option<ProcessId> {
        self.parents[process.index()]
    }

    /// From its parent up.
    pub(crate) fn ancestors(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> {
        std::iter::successors(self.parent(process), |id| self.parent(*id)).take(DEPTH)
    }

    /// Whether two run the same program: one executable, or helpers from one install directory. Of
    /// processes whose executable is not known nothing else can be said.
    pub(crate) fn same_program(&self, one: ProcessId, other: ProcessId) -> bool {
        match (self.program(one), self.program(other)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }

    /// A number that all processes of one program have.
    pub(crate) fn program(&self, process: ProcessId) -> Option<u32> {
        self.programs[process.index()]
    }

    /// Whether it starts and keeps others: init, a user's service manager, a container's runtime.
    pub(crate) fn is_manager(&self, process: ProcessId) -> bool {
        self.managers[process.index()]
    }
}

/// The process of a pid; processes are sorted by host, then pid.
pub(super) fn find(map: &Map, host: u32, pid: u32) -> Option<ProcessId> {
    let key = (host, pid);
    let at = map
        .processes
        .binary_search_by_key(&key, |process| (process.host.0, process.pid));
    at.ok().map(ProcessId::new)
}

fn is_manager(map: &Map, process: &Process) -> bool {
    let name = process.exe.rsplit(|byte| *byte == b'/').next();
    let coverage = &map.hosts[process.host.index()].coverage;
    // A container's first process may be anything; the machine's is init.
    (process.pid == 1 && coverage.initial_pidns)
        || name.is_some_and(|name| MANAGERS.contains(&name))
        || process
            .exe
            .starts_with(b"/usr/lib/systemd/systemd-executor")
}

/// What an executable belongs to: its install directory where it has one of its own, else itself.
fn program(exe: &[u8]) -> &[u8] {
    let exe = exe.strip_suffix(b" (deleted)").unwrap_or(exe);
    let below =
        |shared: &&str| exe.starts_with(shared.as_bytes()) && exe.get(shared.len()) == Some(&b'/');
    let Some(shared) = SHARED
        .iter()
        .filter(|dir| below(dir))
        .max_by_key(|dir| dir.len())
    else {
        return exe;
    };
    let mut end = shared.len();
    for part in exe[end + 1..].split(|byte| *byte == b'/') {
        end += 1 + part.len();
        // `x86_64-linux-gnu` holds as many programs as the directory above it.
        if !part.windows(7).any(|word| word == b"-linux-") {
            break;
        }
    }
    &exe[..end.min(exe.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_of_one_package_are_one_program() {
        let check = |exe: &str, expected: &str| {
            assert_eq!(String::from_utf8_lossy(program(exe.as_bytes())), expected);
        };
        check("/usr/lib/postfix/sbin/master", "/usr/lib/postfix");
        check("/usr/lib/firefox/firefox (deleted)", "/usr/lib/firefox");
        check(
            "/usr/lib/x86_64-linux-gnu/xfce4/panel/wrapper-2.0",
            "/usr/lib/x86_64-linux-gnu/xfce4",
        );
        check(
            "/usr/libexec/at-spi-bus-launcher",
            "/usr/libexec/at-spi-bus-launcher",
        );
        check("/opt/google/chrome/chrome", "/opt/google");
        check("/usr/bin/bash", "/usr/bin/bash");
        check("/home/a/tool (deleted)", "/home/a/tool");
        check("/usr/lib/", "/usr/lib/");
    }
}
