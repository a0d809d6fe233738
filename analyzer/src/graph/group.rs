//! Groups of processes: by role, executable, unit, container, user or host.

use std::collections::BTreeMap;

use crate::model::{Map, Process, ProcessId, program};
use crate::text::escape;

/// What a group of processes has in common (`--by`, `--view`).
///
/// The documentation of a variant is its `--help` text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Unit or container, and program
    Role,
    /// Process
    Process,
    /// Executable
    Exe,
    /// Systemd unit
    Unit,
    /// Container
    Container,
    /// User
    User,
    /// Host
    Host,
    /// Socket, in list; the same as process elsewhere
    Socket,
}

/// The group of each process. Groups are numbered in the order of their first process.
#[derive(Debug, Clone)]
pub struct Groups {
    by_process: Vec<u32>,
    labels: Vec<String>,
    by_socket: bool,
}

impl Groups {
    /// Groups the processes of a map. Of several hosts, labels begin with the hostname.
    pub fn new(map: &Map, by: By) -> Self {
        let groups = Self::by_label(map, |process| {
            let label = group_label(map, process, by);
            if map.hosts.len() > 1 && by != By::Host {
                return format!("{}:{label}", host_name(map, process));
            }
            label
        });
        Self {
            by_socket: by == By::Socket,
            ..groups
        }
    }

    /// Groups the processes that get the same label, which must be printable.
    pub fn by_label(map: &Map, label: impl Fn(&Process) -> String) -> Self {
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let mut groups = Self {
            by_process: Vec::with_capacity(map.processes.len()),
            labels: vec![],
            by_socket: false,
        };
        for process in &map.processes {
            let next = groups.labels.len() as u32;
            let number = *numbers.entry(label(process)).or_insert_with_key(|label| {
                groups.labels.push(label.clone());
                next
            });
            groups.by_process.push(number);
        }
        groups
    }

    /// The group of a process.
    pub fn group_of(&self, process: ProcessId) -> u32 {
        self.by_process[process.index()]
    }

    /// Whether links are to be listed by socket; groups are processes then.
    pub fn by_socket(&self) -> bool {
        self.by_socket
    }

    /// A group's label, printable.
    pub fn label(&self, group: u32) -> &str {
        &self.labels[group as usize]
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

fn host_name(map: &Map, process: &Process) -> String {
    escape::display(&map.hosts[process.host.index()].hostname)
}

/// The label of a process's group, printable.
pub fn group_label(map: &Map, process: &Process, by: By) -> String {
    match by {
        By::Role => role(process),
        By::Process | By::Socket => format!("{} [{}]", program(process), process.pid),
        By::Exe if process.exe.is_empty() => escape::display(&process.comm),
        By::Exe => escape::display(&process.exe),
        By::Unit => match (&process.unit, container_with_units(process)) {
            (None, _) => "(no unit)".to_owned(),
            (Some(unit), None) => printable(unit),
            (Some(unit), Some(container)) => format!("{container}:{}", printable(unit)),
        },
        By::Container => container(process).unwrap_or_else(|| "(no container)".to_owned()),
        // The users of a container are not the host's of the same name.
        By::User => match (&process.user, process.uid) {
            (Some(name), _) => {
                let outer = container(process).map(|container| format!("{container}:"));
                outer.unwrap_or_default() + &escape::display(name)
            }
            (None, Some(uid)) => format!("uid {uid}"),
            (None, None) => "(unknown user)".to_owned(),
        },
        By::Host => host_name(map, process),
    }
}

fn printable(text: &str) -> String {
    escape::display(text.as_bytes())
}

/// The name of a container and of those around it.
fn container(process: &Process) -> Option<String> {
    process
        .container
        .as_ref()
        .map(|container| printable(&container.path()))
}

/// The container whose own service manager the unit of a process belongs to.
fn container_with_units(process: &Process) -> Option<String> {
    let container = process.container.as_ref();
    container
        .filter(|container| container.has_unit)
        .map(|container| printable(&container.path()))
}

/// `checkout/java`: container or unit, and program; one of them where both have the same name. In a
/// container with units, `guest/checkout/java`.
fn role(process: &Process) -> String {
    let program = program(process);
    let unit = || process.unit.as_deref().and_then(unit_base);
    let (outer, owner) = match container_with_units(process) {
        Some(container) => (Some(container), unit()),
        None => (None, container(process).or_else(unit)),
    };
    let role = match owner {
        // `postgres` in `postgresql@15-main.service` is `postgresql`.
        Some(owner) if owner.starts_with(&program) || program.starts_with(&owner) => owner,
        Some(owner) => format!("{owner}/{program}"),
        None => program,
    };
    match outer {
        Some(container) => format!("{container}/{role}"),
        None => role,
    }
}

/// `nginx` of `nginx.service`, `getty` of `getty@tty1.service`; `None` for the units of login
/// sessions and user managers.
pub fn unit_base(unit: &str) -> Option<String> {
    let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
    let base = stem.split_once('@').map_or(stem, |(template, _)| template);
    let login = base.starts_with("session-") || ["user", "init"].contains(&base);
    (!login && !base.is_empty()).then(|| printable(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles() {
        let check = |unit: Option<&str>, exe: &str, expected: &str| {
            let process = Process {
                exe: exe.as_bytes().into(),
                unit: unit.map(str::to_owned),
                ..Process::default()
            };
            assert_eq!(role(&process), expected);
        };
        check(
            Some("postgresql@15-main.service"),
            "/usr/lib/postgresql/15/bin/postgres",
            "postgresql",
        );
        check(Some("checkout.service"), "/usr/bin/java", "checkout/java");
        check(Some("session-3.scope"), "/usr/bin/vi", "vi");
        check(
            Some("user@1000.service"),
            "/usr/lib/systemd/systemd",
            "systemd",
        );
        check(None, "/usr/bin/Xorg", "Xorg");
    }
}
