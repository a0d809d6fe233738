//! WT314: a program whose executable file is deleted, and that listens.

use std::collections::BTreeMap;

use super::wt309_deleted_executable_talks::{exists_again, is_deleted, is_relevant, live};
use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::facts::is_zombie;
use crate::check::facts::system_directories::is_temporary;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Family, Process, ProcessId, Socket, SocketId, SocketState, SocketType};
use crate::text::escape;

rule! { WT314 "deleted-executable-listens", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
A process whose executable is in no directory listens for clients of this machine.

## What it finds
Processes whose executable has link count 0 (it was deleted) or is a memfd, and that listen on the
loopback interface or on a Unix socket, or receive UDP there. Medium where the file was in a
directory for temporary files, or in memory; else low, as after an upgrade. Processes that reach
further are WT309.

## Why it matters
After an upgrade the old program, with its old holes, serves until it is restarted. A backdoor that
waits on the loopback interface is reached through a tunnel or by an unprivileged user, and deletes
its file so that nothing is left to examine.

## Example
    MEDIUM   WT314  agent [4312] runs a deleted file and listens on 127.0.0.1:4444
             executable: /tmp/.x/agent (link count 0)
             it was in a directory for temporary files

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
        let mut by_process: BTreeMap<ProcessId, (bool, Vec<SocketId>)> = BTreeMap::new();
        for (id, socket) in facts.sockets() {
            for holder in facts.map.holders(id) {
                if !deleted[holder.process.index()] {
                    continue;
                }
                let (reaches_further, listeners) = by_process.entry(holder.process).or_default();
                *reaches_further |= is_relevant(facts, holder.process, id);
                if listens(socket) && listeners.last() != Some(&id) {
                    listeners.push(id);
                }
            }
        }
        let live = live(facts);
        for (process, (reaches_further, listeners)) in by_process {
            if !reaches_further && !listeners.is_empty() {
                let exists = exists_again(facts, &live, process);
                output.finding(finding(facts, process, exists, listeners));
            }
        }
    }
    let is_unread = |process: &&Process| process.exe.is_empty() && !is_zombie(process);
    let unread = facts.map.processes.iter().filter(is_unread).count();
    if unread > 0 {
        let processes = plural(unread, "process's", "processes'");
        output.unknown(format!("{processes} executables could not be read"));
    }
    output.unknowns(facts.missing_holders());
}

/// Whether clients can connect or send to a socket by its address.
fn listens(socket: &Socket) -> bool {
    let is_datagram_server = || {
        let is_service = match socket.family {
            Family::Unix => socket.name.is_some(),
            _ => socket.local.is_some_and(|local| local.is_service()),
        };
        socket.kind == SocketType::Dgram && socket.state == SocketState::Unconnected && is_service
    };
    matches!(socket.family, Family::Unix | Family::Inet | Family::Inet6)
        && (socket.state == SocketState::Listening || is_datagram_server())
}

fn finding(
    facts: &Facts<'_>,
    id: ProcessId,
    exists_again: Option<bool>,
    listeners: Vec<SocketId>,
) -> RawFinding {
    use Severity::{Low, Medium};
    let exe = &facts.map.process(id).exe;
    let in_memory = exe.starts_with(b"/memfd:");
    let (severity, how) = match exists_again {
        _ if in_memory => (Medium, "it is a memfd: it never was in any directory"),
        Some(true) => (Low, "another file is at its path now, as after an upgrade"),
        _ if is_temporary(exe) => (Medium, "it was in a directory for temporary files"),
        Some(false) => (Low, "nothing is at its path any more"),
        None => (Low, "whether its path exists again was not captured"),
    };
    let runs = match in_memory {
        true => "from memory",
        false => "a deleted file",
    };
    let (name, exe) = (facts.process_name(id), escape::display(exe));
    let names = facts.socket_names(&listeners);
    RawFinding {
        severity,
        subject: Subject::Process(id),
        processes: vec![id],
        sockets: listeners,
        title: format!("{name} runs {runs} and listens on {names}"),
        evidence: vec![format!("executable: {exe} (link count 0)"), how.to_owned()],
        advice: "restart it after an upgrade; else keep a copy of /proc/PID/exe".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("a memfd on the loopback interface", |scene| {
        listening(scene, "/memfd:x");
    }),
    Case::medium(
        "a file in a temporary directory, on a Unix socket",
        |scene| {
            let agent = deleted(scene, "/tmp/.x/agent");
            scene.listener(&[(agent, 4, Some(true))], "agent");
        },
    ),
    Case::low("an upgrade", |scene| {
        listening(scene, "/usr/sbin/app");
        scene.process(700, 1, "/usr/sbin/app");
        scene.set_namespaces();
    }),
    Case::quiet("it has only a connection of its own", |scene| {
        let agent = deleted(scene, "/tmp/.x/agent");
        scene.pair(&[(agent, 5, Some(true))], &[(agent, 6, Some(true))]);
    }),
    Case::quiet("its file is still there", |scene| {
        let agent = listening(scene, "/tmp/.x/agent");
        scene.process_mut(agent).exe_deleted = false;
    }),
];

#[cfg(test)]
fn deleted(scene: &mut Scene, exe: &str) -> ProcessId {
    let agent = scene.process(600, 1, exe);
    scene.set_namespaces();
    scene.process_mut(agent).exe_deleted = true;
    agent
}

#[cfg(test)]
fn listening(scene: &mut Scene, exe: &str) -> ProcessId {
    let agent = deleted(scene, exe);
    scene.tcp_listener(&[(agent, 7, Some(true))], 4444);
    agent
}
