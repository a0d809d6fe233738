//! What counts as one: a process, a program, a unit, a user, a host, a role.

use std::collections::BTreeMap;

use super::program::program;
use crate::model::{Map, Process, ProcessId};
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

/// Processes put together; groups are numbered in the order of their first process.
#[derive(Debug, Clone)]
pub struct Groups {
    of_process: Vec<u32>,
    labels: Vec<String>,
    by_socket: bool,
}

impl Groups {
    /// Groups all processes of a map.
    pub fn of(map: &Map, by: By) -> Self {
        let groups = Self::with(map, |process| {
            let label = label(map, process, by);
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

    /// Groups them by another name, which is printable.
    pub fn with(map: &Map, name: impl Fn(&Process) -> String) -> Self {
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let mut groups = Self {
            of_process: Vec::with_capacity(map.processes.len()),
            labels: vec![],
            by_socket: false,
        };
        for process in &map.processes {
            let next = groups.labels.len() as u32;
            let number = *numbers.entry(name(process)).or_insert_with_key(|label| {
                groups.labels.push(label.clone());
                next
            });
            groups.of_process.push(number);
        }
        groups
    }

    /// The group of a process.
    pub fn of_process(&self, process: ProcessId) -> u32 {
        self.of_process[process.index()]
    }

    /// Whether each socket is to be one.
    pub fn by_socket(&self) -> bool {
        self.by_socket
    }

    /// A group's label, printable.
    pub fn label(&self, group: u32) -> &str {
        &self.labels[group as usize]
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

fn host_name(map: &Map, process: &Process) -> String {
    escape::display(&map.hosts[process.host.index()].hostname)
}

/// What a process is one with, printable.
pub fn label(map: &Map, process: &Process, by: By) -> String {
    match by {
        By::Role => role(process),
        By::Process | By::Socket => format!("{} [{}]", program(process), process.pid),
        By::Exe if process.exe.is_empty() => escape::display(&process.comm),
        By::Exe => escape::display(&process.exe),
        By::Unit => process
            .unit
            .as_deref()
            .map_or_else(|| "(no unit)".to_owned(), printable),
        By::Container => container(process).unwrap_or_else(|| "(no container)".to_owned()),
        By::User => match (&process.user, process.uid) {
            (Some(name), _) => escape::display(name),
            (None, Some(uid)) => format!("uid {uid}"),
            (None, None) => "(unknown user)".to_owned(),
        },
        By::Host => host_name(map, process),
    }
}

fn printable(text: &str) -> String {
    escape::display(text.as_bytes())
}

/// A container's name, or the usual first twelve digits of its id.
fn container(process: &Process) -> Option<String> {
    let container = process.container.as_ref()?;
    let short = || container.id.chars().take(12).collect();
    Some(printable(&container.name.clone().unwrap_or_else(short)))
}

/// `checkout/java`: unit or container, and program; one word where they are the same.
fn role(process: &Process) -> String {
    let program = program(process);
    match container(process).or_else(|| process.unit.as_deref().and_then(unit_base)) {
        // `postgres` in `postgresql@15-main.service`: one name says it.
        Some(home) if home.starts_with(&program) || program.starts_with(&home) => home,
        Some(home) => format!("{home}/{program}"),
        None => program,
    }
}

/// `nginx` of `nginx.service`, `getty` of `getty@tty1.service`; `None` for units that only say that
/// somebody has logged in.
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
