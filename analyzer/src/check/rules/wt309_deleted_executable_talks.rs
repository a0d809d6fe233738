//! WT309: a program whose executable file is deleted, and that has sockets.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::facts::is_zombie;
use crate::check::facts::system_directories::is_temporary;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Address, Family, HostId, Process, ProcessId, SocketId};
use crate::text::escape;

rule! { WT309 "deleted-executable-talks", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A process whose executable is in no directory has network or privileged connections.

## What it finds
Processes whose executable has link count 0 (it was deleted) or is a memfd, and that hold internet
sockets beyond the loopback interface, packet sockets, or connections to privileged programs as an
unprivileged user. A memfd is high. A deleted file is low when the same path exists again (an
upgrade) or the capture does not tell, and medium when nothing is there any more, or the file was in
a directory for temporary files.

The helpers that runc and crun copy into memfds, and managers of services and containers, are left
out: those in a directory of the system's that init or another manager started. A name proves
nothing.

## Why it matters
After an upgrade the old program, with its old holes, runs until it is restarted. A program that
never had a file, or deleted it, leaves nothing to examine: that is how intruders like theirs.

## Example
    HIGH     WT309  kworker [4312] runs from memory and has 2 connections
             executable: /memfd:x; sockets: 10.0.0.5:51312, 10.0.0.5:51314

## What to do
After an upgrade: restart the service (needrestart, checkrestart and systemctl show which). Else
copy /proc/PID/exe away before you end the process: it is the only copy.

## References
- proc_pid_exe(5), memfd_create(2), needrestart(1)
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let processes = facts.map.processes.iter().enumerate();
    let deleted: Vec<bool> = processes
        .map(|(index, process)| is_deleted(facts, ProcessId::new(index), process))
        .collect();
    if deleted.contains(&true) {
        let mut by_process: BTreeMap<ProcessId, Vec<SocketId>> = BTreeMap::new();
        for (id, _) in facts.sockets() {
            for holder in facts.map.holders(id) {
                if deleted[holder.process.index()] && is_relevant(facts, holder.process, id) {
                    let sockets = by_process.entry(holder.process).or_default();
                    if sockets.last() != Some(&id) {
                        sockets.push(id);
                    }
                }
            }
        }
        let live = live(facts);
        for (process, sockets) in by_process {
            output.finding(finding(facts, &live, process, sockets));
        }
    }
    let processes = facts.map.processes.iter();
    let unread = processes.filter(|process| process.exe.is_empty() && !is_zombie(process));
    let unread = unread.count();
    if unread > 0 {
        let processes = plural(unread, "process's", "processes'");
        output.unknown(format!("{processes} executables could not be read"));
    }
    output.unknowns(facts.missing_holders());
}

/// Executables of running programs that exist as files, by host and mount namespace.
pub(super) type Live<'a> = BTreeSet<(HostId, Option<u64>, &'a [u8])>;

pub(super) fn live<'a>(facts: &Facts<'a>) -> Live<'a> {
    let processes = facts.map.processes.iter();
    let live = processes.filter(|process| !process.exe_deleted);
    live.map(|process| (process.host, process.mntns, &*process.exe))
        .collect()
}

/// Whether the executable of a process is deleted. Container runtimes run a copy of themselves from
/// memory, which does not count.
pub(super) fn is_deleted(facts: &Facts<'_>, id: ProcessId, process: &Process) -> bool {
    let is_copy = process.exe.starts_with(b"/memfd:")
        && process.exe.windows(8).any(|part| part == b"_cloned:");
    process.exe_deleted && !is_copy && !facts.process_tree.is_manager_in_place(id)
}

/// Whether a socket reaches other hosts, or a privileged process.
pub(super) fn is_relevant(facts: &Facts<'_>, process: ProcessId, id: SocketId) -> bool {
    let socket = facts.map.socket(id);
    match socket.family {
        Family::Inet | Family::Inet6 => {
            !matches!(socket.local, Some(Address::Ip(ip, _)) if ip.is_loopback())
        }
        Family::Packet | Family::Vsock => true,
        Family::Unix => {
            let mut peers = facts.peer_processes(id).into_iter();
            !facts.is_privileged(process) && peers.any(|peer| facts.is_privileged(peer))
        }
        _ => false,
    }
}

fn finding(
    facts: &Facts<'_>,
    live: &Live<'_>,
    id: ProcessId,
    sockets: Vec<SocketId>,
) -> RawFinding {
    use Severity::{High, Low, Medium};
    let process = facts.map.process(id);
    let in_memory = process.exe.starts_with(b"/memfd:");
    let temporary = is_temporary(&process.exe);
    let (severity, how) = match exists_again(facts, live, id) {
        _ if in_memory => (High, "it is a memfd: it never was in any directory"),
        Some(true) => (Low, "another file is at its path now, as after an upgrade"),
        _ if temporary => (Medium, "it was in a directory for temporary files"),
        Some(false) => (Medium, "nothing is at its path any more"),
        None => (Low, "whether its path exists again was not captured"),
    };
    let runs = match in_memory {
        true => "from memory",
        false => "a deleted file",
    };
    let (name, exe) = (facts.process_name(id), escape::display(&process.exe));
    let count = plural(sockets.len(), "socket", "sockets");
    RawFinding {
        severity,
        subject: Subject::Process(id),
        processes: vec![id],
        title: format!("{name} runs {runs} and has {count}"),
        evidence: vec![
            format!("executable: {exe} (link count 0)"),
            how.to_owned(),
            format!("sockets: {}", facts.socket_names(&sockets)),
        ],
        sockets,
        advice: "restart it after an upgrade; else keep a copy of /proc/PID/exe".to_owned(),
    }
}

/// Whether a file is at the path of a deleted executable again: another process runs it, or the path
/// was captured.
pub(super) fn exists_again(facts: &Facts<'_>, live: &Live<'_>, id: ProcessId) -> Option<bool> {
    let process = facts.map.process(id);
    if live.contains(&(process.host, process.mntns, &*process.exe)) {
        return Some(true);
    }
    let mut views = facts.bound_paths().views(process.host, &process.exe).iter();
    let (_, path) = views.find(|(_, path)| Some(path.mntns) == process.mntns)?;
    match path.errno {
        0 => Some(true),
        2 | 20 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("a memfd", |scene| with_socket(scene, "/memfd:x")),
    Case::medium("nothing is at its path any more", |scene| {
        with_socket(scene, "/usr/bin/app");
        scene.path_missing(crate::check::test_scene_files::OWN_MNTNS, "/usr/bin/app", 2);
    }),
    Case::medium(
        "a name of a manager's in a directory for temporary files",
        |scene| {
            with_socket(scene, "/dev/shm/systemd");
        },
    ),
    Case::medium(
        "a manager's name and directory, started by a shell",
        |scene| {
            let shell = scene.process(500, 1, "/bin/bash");
            with_socket(scene, "/usr/sbin/containerd");
            scene.map.processes[2].ppid = scene.map.process(shell).pid;
            let path = "/usr/sbin/containerd";
            scene.path_missing(crate::check::test_scene_files::OWN_MNTNS, path, 2);
        },
    ),
    Case::quiet("a container manager that was upgraded", |scene| {
        with_socket(scene, "/usr/bin/containerd");
    }),
    Case::low("an upgrade", |scene| {
        with_socket(scene, "/usr/bin/app");
        scene.process(700, 1, "/usr/bin/app");
        scene.set_namespaces();
    }),
    Case::quiet("it has sockets to itself only", |scene| {
        let app = scene.process(600, 1, "/memfd:x");
        scene.set_namespaces();
        scene.process_mut(app).exe_deleted = true;
        scene.pair(&[(app, 5, Some(true))], &[(app, 6, Some(true))]);
    }),
];

#[cfg(test)]
fn with_socket(scene: &mut Scene, exe: &str) {
    let app = scene.process(600, 1, exe);
    scene.set_namespaces();
    scene.process_mut(app).exe_deleted = true;
    let socket = scene.tcp_socket(&[(app, 5, Some(true))], 443);
    let local = Address::Ip(std::net::IpAddr::from([10, 0, 0, 5]), 443);
    scene.socket_mut(socket).local = Some(local);
}
