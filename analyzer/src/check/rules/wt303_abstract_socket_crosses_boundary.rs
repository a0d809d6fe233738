//! WT303: an abstract listener that a container or sandbox beside it can reach.

use std::collections::BTreeMap;

use crate::check::facts::describe::{plural, some};
use crate::check::facts::protocols::is_for_all;
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Earlier, Facts, Rule};
use crate::model::{HostId, Process, ProcessId, SocketId, SocketState};

pub(super) static RULE: Rule = Rule {
    code: "WT303",
    name: "abstract-socket-crosses-boundary",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Abstract listeners can be reached from a container in the same network namespace.

## What it finds
Listening sockets with abstract names in a network namespace where a process lives that is walled
off from their owners otherwise: it has another pid namespace or is in another container. A user
namespace alone counts for little: service managers give one to many services. It is high for
containerd's shims, medium where a privileged program owns the listener, else low, as where the
protocol is meant for everybody (X11). Mount namespaces alone (PrivateTmp) are no wall.

## Why it matters
An abstract name has no file and no permissions: whoever shares the network namespace may connect,
whatever else it is walled off from. Containers that share the host's network reach all of the
host's abstract sockets.

## Example
    HIGH     WT303  @/containerd-shim/4f1a.sock of containerd-shim [900] is open to 1 container
             app [1200] (container 77ab) shares network namespace 4026531833

CVE-2020-15257: containers with the host's network could command containerd's shims, and so become
root on the host.

## What to do
Give the container a network namespace of its own, or the socket a path instead of an abstract name.
A server that must keep the name can check SO_PEERCRED.

## References
- unix(7), \"Abstract sockets\"; GHSA-36xw-fx78-c5r4 (CVE-2020-15257)
";

/// What a process is walled off by: pid namespace and container.
type Walls<'a> = (Option<u64>, Option<&'a str>);

fn walls(process: &Process) -> Walls<'_> {
    let container = process.container.as_ref();
    (process.pidns, container.map(|container| &*container.id))
}

/// Processes of one network namespace by their walls, and user namespaces: the first of each.
type Residents<'a> = BTreeMap<(HostId, u64), BTreeMap<(Walls<'a>, Option<u64>), ProcessId>>;

/// A listener, and who reaches it from behind another wall.
type Reached = (SocketId, Vec<ProcessId>);

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let mut residents: Residents<'_> = BTreeMap::new();
    for (at, process) in facts.map.processes.iter().enumerate() {
        if let (Some(netns), Some(_)) = (process.netns, process.pidns) {
            let of_space = residents.entry((process.host, netns)).or_default();
            let key = (walls(process), process.userns);
            of_space.entry(key).or_insert_with(|| ProcessId::new(at));
        }
    }
    let mut open: BTreeMap<(HostId, u64, Severity), Vec<Reached>> = BTreeMap::new();
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        let is_abstract = socket.name.as_ref().is_some_and(|name| name.is_abstract());
        let Some(netns) = socket.netns.filter(|_| is_abstract) else {
            continue;
        };
        let id = SocketId::new(at);
        let Some(of_space) = residents
            .get(&(socket.host, netns))
            .filter(|of_space| of_space.len() > 1 && socket.state == SocketState::Listening)
        else {
            continue;
        };
        if let Some((severity, outsiders)) = judged(facts, id, of_space) {
            let key = (socket.host, netns, severity);
            open.entry(key).or_default().push((id, outsiders));
        }
    }
    for ((_, netns, severity), sockets) in open {
        said.found(found(facts, netns, severity, &sockets));
    }
    for why in facts.unread().into_iter().chain(facts.homeless()) {
        said.unknown(why);
    }
}

/// How bad it is that the listener is within the others' reach, and who they are.
fn judged(
    facts: &Facts<'_>,
    listener: SocketId,
    of_space: &BTreeMap<(Walls<'_>, Option<u64>), ProcessId>,
) -> Option<(Severity, Vec<ProcessId>)> {
    let holders = facts.map.holding_processes(listener);
    let owner = holders
        .iter()
        .copied()
        .find(|process| facts.map.process(*process).pidns.is_some())?;
    let inside = |id: ProcessId| walls(facts.map.process(id));
    let among = |walls: Walls<'_>| holders.iter().any(|holder| inside(*holder) == walls);
    let beyond = of_space.iter().filter(|((walls, _), _)| !among(*walls));
    let mut outsiders: Vec<ProcessId> = beyond.map(|(_, process)| *process).collect();
    outsiders.sort_unstable();
    if outsiders.is_empty() {
        return None;
    }
    let shim = |id: &ProcessId| {
        let exe = &facts.map.process(*id).exe;
        exe.windows(15).any(|part| part == b"containerd-shim")
    };
    let name = facts.map.socket(listener).name.as_ref();
    let for_all = name.is_some_and(|name| is_for_all(&String::from_utf8_lossy(name.bytes())));
    // A sandbox's own listener is not its owner's weakness, but the name may be trusted outside.
    let privileged = facts.is_privileged(owner) && !facts.is_contained(owner) && !for_all;
    let severity = match privileged {
        true if holders.iter().any(shim) => Severity::High,
        true => Severity::Medium,
        false => Severity::Low,
    };
    Some((severity, outsiders))
}

fn found(
    facts: &Facts<'_>,
    netns: u64,
    severity: Severity,
    sockets: &[(SocketId, Vec<ProcessId>)],
) -> Found {
    let (first, outsiders) = &sockets[0];
    let name = match sockets.len() {
        1 => format!("{} of {}", facts.socket(*first), facts.owner(*first)),
        count => format!(
            "{count} abstract listeners, {} first,",
            facts.socket(*first)
        ),
    };
    let outside = plural(outsiders.len(), "sandbox", "sandboxes");
    let mut evidence: Vec<String> = outsiders
        .iter()
        .take(8)
        .map(|process| {
            let (who, home) = (facts.process(*process), facts.container(*process));
            format!("{who} ({home}) shares network namespace {netns}")
        })
        .collect();
    if sockets.len() > 1 {
        let names = sockets
            .iter()
            .map(|(socket, _)| format!("{} of {}", facts.socket(*socket), facts.owner(*socket)));
        evidence.push(format!("listeners: {}", some(names)));
    }
    let mut processes: Vec<ProcessId> = sockets
        .iter()
        .flat_map(|(socket, _)| facts.map.holding_processes(*socket))
        .collect();
    processes.extend(outsiders);
    Found {
        severity,
        subject: Subject::Socket(*first),
        processes,
        sockets: sockets.iter().map(|(socket, _)| *socket).collect(),
        title: format!("{name} can be reached from {outside}"),
        evidence,
        advice: "give the sandbox a network namespace of its own, or the socket a path".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "a root daemon, and a container with the host's network",
        scene: |scene| beside(scene, "/usr/sbin/multipathd", 0, 98),
        finds: &[("WT303", Severity::Medium)],
    },
    Case {
        about: "containerd's shim",
        scene: |scene| beside(scene, "/usr/bin/containerd-shim", 0, 98),
        finds: &[("WT303", Severity::High)],
    },
    Case {
        about: "an X server, and a sandboxed application",
        scene: |scene| beside(scene, "/usr/bin/Xorg", 1000, 98),
        finds: &[("WT303", Severity::Low)],
    },
    Case {
        about: "an X server of root's: its protocol asks for a cookie",
        scene: |scene| {
            beside(scene, "/usr/lib/xorg/Xorg", 0, 98);
            scene.map.sockets[0].name = crate::model::Name::from_diag(b"\0/tmp/.X11-unix/X0");
        },
        finds: &[("WT303", Severity::Low)],
    },
    Case {
        about: "a service with mounts of its own is no sandbox",
        scene: |scene| beside(scene, "/usr/sbin/multipathd", 0, 11),
        finds: &[],
    },
];

/// A listener, and a process in another mount and pid namespace beside it.
#[cfg(test)]
fn beside(scene: &mut Scene, exe: &str, uid: u32, pidns: u64) {
    let owner = scene.process(600, 1, exe);
    let app = scene.process(700, 1, "/usr/bin/app");
    scene.machine();
    scene.map.processes[owner.index()].uid = Some(uid);
    let app = &mut scene.map.processes[app.index()];
    (app.mntns, app.pidns) = (Some(99), Some(pidns));
    scene.listener(&[(owner, 5, Some(true))], "shim");
}
