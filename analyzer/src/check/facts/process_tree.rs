//! Parents of processes, and which processes run the same program.

use std::collections::{BTreeMap, BTreeSet};

use super::system_directories::is_in_system_directory;
use crate::model::{MANAGERS, Map, Process, ProcessId, script_path};

/// Most ancestors to visit: deeper trees are not of ordinary use.
const MAX_DEPTH: usize = 64;

/// Directories that hold many programs, so that none of them is the install directory of one.
const SHARED_DIRECTORIES: &str = "
    /usr/lib /usr/lib64 /usr/libexec /usr/local/lib /usr/local/libexec /lib /lib64 /opt /snap
";

/// Parents, programs and managers, by process.
#[derive(Debug, Default)]
pub(crate) struct ProcessTree {
    parents: Vec<Option<ProcessId>>,
    /// The program of each process; `None`: the executable is not known.
    programs: Vec<Option<Program>>,
    managers: Vec<bool>,
    /// Processes with pid 1 in their pid namespace.
    inits: Vec<bool>,
}

/// A program, by number: its executable or install directory, and that with the script that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Program {
    executable: u32,
    with_script: u32,
    has_script: bool,
}

impl ProcessTree {
    pub(super) fn new(map: &Map) -> Self {
        let mut numbers: BTreeMap<(u32, &[u8], &[u8]), u32> = BTreeMap::new();
        let managers: BTreeSet<&str> = MANAGERS.split_ascii_whitespace().collect();
        let mut tree = Self::default();
        for process in &map.processes {
            let parent = find(map, process.host.0, process.ppid);
            // A process that started later has reused the parent's pid.
            let parent = parent.filter(|id| map.process(*id).start_ticks <= process.start_ticks);
            tree.parents.push(parent);
            let known = (!process.exe.is_empty()).then(|| install_path(&process.exe));
            let script = script_path(process).unwrap_or_default();
            let script = script.rsplit(|byte| *byte == b'/').next();
            let script = script.unwrap_or_default();
            let mut number = |path, script| {
                let next = numbers.len() as u32;
                *numbers
                    .entry((process.host.0, path, script))
                    .or_insert(next)
            };
            tree.programs.push(known.map(|path| Program {
                executable: number(path, b""),
                with_script: number(path, script),
                has_script: !script.is_empty(),
            }));
            tree.managers.push(is_manager(map, process, &managers));
            tree.inits.push(process.ns_pid == 1 || process.pid == 1);
        }
        tree
    }

    /// The parent of a process.
    pub(crate) fn parent(&self, process: ProcessId) -> Option<ProcessId> {
        self.parents[process.index()]
    }

    /// The ancestors of a process, from its parent up.
    pub(crate) fn ancestors(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> {
        std::iter::successors(self.parent(process), |id| self.parent(*id)).take(MAX_DEPTH)
    }

    /// Whether two processes may run the same program: one executable, or helpers from one install
    /// directory; of an interpreter, one script. True where an executable is not known.
    pub(crate) fn same_program(&self, a: ProcessId, b: ProcessId) -> bool {
        let [a, b] = [a, b].map(|process| self.programs[process.index()]);
        let (Some(a), Some(b)) = (a, b) else {
            return true;
        };
        let same_script = a.with_script == b.with_script || !a.has_script || !b.has_script;
        a.executable == b.executable && same_script
    }

    /// The number of a process's program, the same for all processes of that program.
    pub(crate) fn program(&self, process: ProcessId) -> Option<u32> {
        self.programs[process.index()].map(|program| program.with_script)
    }

    /// Whether a process is a service manager or container runtime, which hold descriptors for others,
    /// and its executable is in a directory of the system's.
    pub(crate) fn is_manager(&self, process: ProcessId) -> bool {
        self.managers[process.index()]
    }

    /// Whether a manager also has the place of one: it is the first process of its pid namespace, or was
    /// started by that one or another manager.
    pub(crate) fn is_manager_in_place(&self, process: ProcessId) -> bool {
        let parent = self.parent(process);
        let in_place = self.inits[process.index()]
            || parent.is_none_or(|parent| self.inits[parent.index()] || self.is_manager(parent));
        self.is_manager(process) && in_place
    }

    /// Whether a process is the first of its pid namespace, or a manager: orphans become its children.
    pub(crate) fn takes_orphans(&self, process: ProcessId) -> bool {
        self.inits[process.index()] || self.is_manager(process)
    }
}

/// The process of a pid; processes are sorted by host, then pid.
pub(super) fn find(map: &Map, host: u32, pid: u32) -> Option<ProcessId> {
    let key = |process: &Process| (process.host.0, process.pid);
    let index = map.processes.binary_search_by_key(&(host, pid), key);
    index.ok().map(ProcessId::new)
}

fn is_manager(map: &Map, process: &Process, managers: &BTreeSet<&str>) -> bool {
    let name = process.exe.rsplit(|byte| *byte == b'/').next();
    let name = name.and_then(|name| str::from_utf8(name).ok());
    let coverage = &map.hosts[process.host.index()].coverage;
    // The first process of a container may be any program; that of the host is init.
    (process.pid == 1 && coverage.initial_pidns)
        // Anybody can give a program the name of a manager.
        || name.is_some_and(|name| managers.contains(name)) && is_in_system_directory(&process.exe)
        || process
            .exe
            .starts_with(b"/usr/lib/systemd/systemd-executor")
}

/// The program of an executable: its install directory where it has one of its own, else the path.
fn install_path(exe: &[u8]) -> &[u8] {
    let exe = exe.strip_suffix(b" (deleted)").unwrap_or(exe);
    let below =
        |shared: &&str| exe.starts_with(shared.as_bytes()) && exe.get(shared.len()) == Some(&b'/');
    let shared = SHARED_DIRECTORIES.split_ascii_whitespace().filter(below);
    let Some(shared) = shared.max_by_key(|shared| shared.len()) else {
        return exe;
    };
    let mut end = shared.len();
    for part in exe[end + 1..].split(|byte| *byte == b'/') {
        end += 1 + part.len();
        // `x86_64-linux-gnu` holds the libraries of many programs, as the directory above it.
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
            assert_eq!(
                String::from_utf8_lossy(install_path(exe.as_bytes())),
                expected
            );
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
