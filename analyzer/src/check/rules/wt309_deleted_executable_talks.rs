//! WT309: a program without a file talks.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::facts::describe::{plural, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Earlier, Facts, Rule};
use crate::model::{Address, Family, HostId, ProcessId, SocketId};
use crate::text::escape;

pub(super) static RULE: Rule = Rule {
    code: "WT309",
    name: "deleted-executable-talks",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
A process whose executable is in no directory has network or privileged connections.

## What it finds
Processes whose executable has link count 0 (it was deleted) or is a memfd, and that hold internet
sockets beyond the loopback interface, packet sockets, or connections to privileged programs as an
unprivileged user. A memfd is high. A deleted file is low when the same path exists again (an
upgrade) or the capture does not tell, and medium when nothing is there any more, or the file was in
a directory for temporary files.

The helpers that runc and crun copy into memfds, and managers, are left out.

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

/// Where programs are put that shall not stay.
const TEMPORARY: [&[u8]; 4] = [b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/user/"];

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let gone: Vec<bool> = facts
        .map
        .processes
        .iter()
        .enumerate()
        .map(gone(facts))
        .collect();
    if gone.contains(&true) {
        let mut talks: BTreeMap<ProcessId, Vec<SocketId>> = BTreeMap::new();
        for at in 0..facts.map.sockets.len() {
            let id = SocketId::new(at);
            for holder in facts.map.holders(id) {
                if gone[holder.process.index()] && matters(facts, holder.process, id) {
                    let sockets = talks.entry(holder.process).or_default();
                    if sockets.last() != Some(&id) {
                        sockets.push(id);
                    }
                }
            }
        }
        let live = facts
            .map
            .processes
            .iter()
            .filter(|process| !process.exe_deleted);
        let live: Live<'_> = live
            .map(|process| (process.host, process.mntns, &*process.exe))
            .collect();
        for (process, sockets) in talks {
            said.found(found(facts, &live, process, sockets));
        }
    }
    let processes = facts.map.processes.iter();
    let hidden = processes.filter(|process| process.exe.is_empty()).count();
    if hidden > 0 {
        let whose = plural(hidden, "process's", "processes'");
        said.unknown(format!("{whose} executables could not be read"));
    }
    for why in facts.unread() {
        said.unknown(why);
    }
}

/// Executables with a file that somebody runs, by host and mount namespace.
type Live<'a> = BTreeSet<(HostId, Option<u64>, &'a [u8])>;

fn gone<'a>(facts: &'a Facts<'_>) -> impl Fn((usize, &crate::model::Process)) -> bool + 'a {
    |(at, process)| {
        let copied = process.exe.starts_with(b"/memfd:")
            && process.exe.windows(8).any(|part| part == b"_cloned:");
        process.exe_deleted && !copied && !facts.kin.is_manager(ProcessId::new(at))
    }
}

/// Whether a socket reaches beyond the machine, or to somebody privileged.
fn matters(facts: &Facts<'_>, process: ProcessId, id: SocketId) -> bool {
    let socket = facts.map.socket(id);
    match socket.family {
        Family::Inet | Family::Inet6 => {
            let own = socket.local.is_some_and(|address| match address {
                Address::Ip(ip, _) => ip.is_loopback(),
                Address::Vsock(..) => false,
            });
            !own
        }
        Family::Packet | Family::Vsock => true,
        Family::Unix => {
            let peer = facts.peer(id).map(|peer| facts.map.holding_processes(peer));
            !facts.is_privileged(process)
                && peer.is_some_and(|peers| peers.iter().any(|peer| facts.is_privileged(*peer)))
        }
        _ => false,
    }
}

fn found(facts: &Facts<'_>, live: &Live<'_>, id: ProcessId, sockets: Vec<SocketId>) -> Found {
    let process = facts.map.process(id);
    let memory = process.exe.starts_with(b"/memfd:");
    let temporary = TEMPORARY.iter().any(|place| process.exe.starts_with(place));
    let again = is_there_again(facts, live, id);
    let (severity, how) = match (memory, again) {
        (true, _) => (
            Severity::High,
            "it is a memfd: it never was in any directory",
        ),
        (_, Some(true)) => (
            Severity::Low,
            "another file is at its path now, as after an upgrade",
        ),
        (_, _) if temporary => (
            Severity::Medium,
            "it was in a directory for temporary files",
        ),
        (_, Some(false)) => (Severity::Medium, "nothing is at its path any more"),
        (_, None) => (
            Severity::Low,
            "whether its path exists again was not captured",
        ),
    };
    let names = sockets.iter().map(|socket| facts.socket(*socket));
    let runs = if memory {
        "from memory"
    } else {
        "a deleted file"
    };
    Found {
        severity,
        subject: Subject::Process(id),
        processes: vec![id],
        title: format!(
            "{} runs {runs} and has {}",
            facts.process(id),
            plural(sockets.len(), "socket", "sockets")
        ),
        evidence: vec![
            format!(
                "executable: {} (link count 0)",
                escape::display(&process.exe)
            ),
            how.to_owned(),
            format!("sockets: {}", some(names)),
        ],
        sockets,
        advice: "restart it after an upgrade; else keep a copy of /proc/PID/exe".to_owned(),
    }
}

/// Whether a file is at the executable's path again: it was looked at, or others run it.
fn is_there_again(facts: &Facts<'_>, live: &Live<'_>, id: ProcessId) -> Option<bool> {
    let process = facts.map.process(id);
    if live.contains(&(process.host, process.mntns, &*process.exe)) {
        return Some(true);
    }
    let looks = facts.places().at(process.host, &process.exe);
    let look = looks
        .iter()
        .find(|(_, look)| Some(look.mntns) == process.mntns)?;
    match look.1.errno {
        0 => Some(true),
        2 | 20 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "a program that never had a file",
        scene: |scene| talks(scene, "/memfd:x"),
        finds: &[("WT309", Severity::High)],
    },
    Case {
        about: "nothing is at its path any more",
        scene: |scene| {
            talks(scene, "/usr/bin/app");
            scene.lacks(crate::check::fixture_names::OWN_MNTNS, "/usr/bin/app", 2);
        },
        finds: &[("WT309", Severity::Medium)],
    },
    Case {
        about: "an upgrade",
        scene: |scene| {
            talks(scene, "/usr/bin/app");
            scene.process(700, 1, "/usr/bin/app");
            scene.machine();
        },
        finds: &[("WT309", Severity::Low)],
    },
    Case {
        about: "it only talks to itself",
        scene: |scene| {
            let app = scene.process(600, 1, "/memfd:x");
            scene.machine();
            scene.map.processes[app.index()].exe_deleted = true;
            scene.pair(&[(app, 5, Some(true))], &[(app, 6, Some(true))]);
            scene.tcp(&[(app, 7, Some(true))], 80);
        },
        finds: &[],
    },
];

#[cfg(test)]
fn talks(scene: &mut Scene, exe: &str) {
    let app = scene.process(600, 1, exe);
    scene.machine();
    scene.map.processes[app.index()].exe_deleted = true;
    let socket = scene.inet(&[(app, 5, Some(true))], 443);
    let local = Address::Ip(std::net::IpAddr::from([10, 0, 0, 5]), 443);
    scene.map.sockets[socket.index()].local = Some(local);
}
