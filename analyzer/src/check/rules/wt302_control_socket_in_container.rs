//! WT302: the machine's own control socket within a container's reach.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::facts::bound_paths::Leads;
use crate::check::facts::describe::some;
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
#[cfg(test)]
use crate::check::fixture_names::OWN_MNTNS;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{HostId, ProcessId, SocketId, SocketState};
use crate::text::escape;

pub(super) static RULE: Rule = Rule {
    code: "WT302",
    name: "control-socket-in-container",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
A container can reach the control socket of the machine's own container manager.

## What it finds
A listening socket of the host's docker, containerd, cri-o, podman, buildkit or systemd, known by
its bound file, that a path inside a container leads to, or that a process of a container holds or
is connected to. A container is what its control group says is one, or a process with both mounts
and processes of its own. Medium where such a process has the machine's own root file system: it may
be a service that is walled off a little.

The control socket of a container manager that itself runs in the container is not meant.

## Why it matters
Who may talk to such a socket may start a container with the host's root directory mounted and every
privilege: the container's walls are gone.

## Example
    HIGH     WT302  /run/docker.sock of dockerd [612] is in container 4f1a9c0b7e2d
             /var/run/docker.sock leads to it there

## What to do
Do not mount the socket. Give builds a builder of their own (rootless, or in a virtual machine), and
monitoring a proxy that lets only the questions through that it needs. Read-only mounts do not help:
connecting does not write to the file system.

## References
- OWASP Docker Security Cheat Sheet, rule 1; CIS Docker Benchmark 5.31
- docker(1), \"Docker daemon attack surface\"
";

/// How the sockets are called, by the last parts of their paths.
pub(super) const CONTROL: [&str; 9] = [
    "/docker.sock",
    "/containerd.sock",
    "/crio.sock",
    "/podman.sock",
    "/podman/podman.sock",
    "/buildkitd.sock",
    "/cri-dockerd.sock",
    "/systemd/private",
    "/systemd/io.systemd.Manager",
];

/// What shows that a container has a socket: containers, and evidence.
#[derive(Default)]
struct Reach {
    processes: BTreeSet<ProcessId>,
    evidence: BTreeSet<String>,
}

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let controls = controls(facts);
    if !controls.is_empty() {
        let homes = homes(facts);
        let mut connected = connected(facts, &controls);
        for control in controls {
            let mut reach = connected.remove(&control).unwrap_or_default();
            held(facts, control, &mut reach);
            seen(facts, control, &homes, &mut reach);
            if !reach.processes.is_empty() {
                said.found(found(facts, control, reach));
            }
        }
    }
    for why in facts.unread().into_iter().chain(facts.homeless()) {
        said.unknown(why);
    }
    if facts.places().unanswered > 0 {
        said.unknown("some mount namespaces could not be looked into");
    }
}

/// Control sockets of the hosts themselves.
fn controls(facts: &Facts<'_>) -> Vec<SocketId> {
    let is_control = |at: &usize| {
        let socket = &facts.map.sockets[*at];
        let named = socket.name.as_ref().is_some_and(|name| {
            let path = name.bytes();
            CONTROL.iter().any(|end| path.ends_with(end.as_bytes()))
        });
        named && socket.state == SocketState::Listening
    };
    let of_host = |id: &SocketId| {
        let holders = facts.map.holding_processes(*id);
        holders.iter().any(|holder| !facts.is_contained(*holder))
    };
    let all = 0..facts.map.sockets.len();
    all.filter(is_control)
        .map(SocketId::new)
        .filter(of_host)
        .collect()
}

/// Mount namespaces where only processes of containers live, with the first of each.
fn homes(facts: &Facts<'_>) -> BTreeMap<(HostId, u64), ProcessId> {
    let mut homes = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for (at, process) in facts.map.processes.iter().enumerate() {
        let Some(mntns) = process.mntns else {
            continue;
        };
        let key = (process.host, mntns);
        let id = ProcessId::new(at);
        if facts.is_contained(id) {
            homes.entry(key).or_insert(id);
        } else {
            shared.insert(key);
        }
    }
    homes.retain(|key, _| !shared.contains(key));
    homes
}

/// Connections of containers' processes to control sockets.
fn connected(facts: &Facts<'_>, controls: &[SocketId]) -> BTreeMap<SocketId, Reach> {
    let mut reached: BTreeMap<SocketId, Reach> = BTreeMap::new();
    for connection in &facts.map.connections {
        let Some(listener) = connection.listener else {
            continue;
        };
        if controls.binary_search(&listener).is_err() {
            continue;
        }
        for holder in facts.map.holding_processes(connection.a) {
            if facts.is_contained(holder) {
                let reach = reached.entry(listener).or_default();
                reach.processes.insert(holder);
                let who = facts.process(holder);
                reach.evidence.insert(format!("{who} is connected to it"));
            }
        }
    }
    reached
}

/// Processes of containers that hold the listener itself.
fn held(facts: &Facts<'_>, control: SocketId, reach: &mut Reach) {
    for holder in facts.map.holding_processes(control) {
        if facts.is_contained(holder) {
            reach.processes.insert(holder);
            let who = facts.process(holder);
            reach.evidence.insert(format!("{who} holds the listener"));
        }
    }
}

/// Paths inside containers that lead to it: those that were looked at, and mounts of the file alone.
fn seen(
    facts: &Facts<'_>,
    control: SocketId,
    homes: &BTreeMap<(HostId, u64), ProcessId>,
    reach: &mut Reach,
) {
    let socket = facts.map.socket(control);
    let (Some(bound), Some(name)) = (socket.vfs, &socket.name) else {
        return;
    };
    let places = facts.places();
    for (host, look) in places.all() {
        let home = homes.get(&(*host, look.mntns));
        if let Some(inside) = home.filter(|_| *host == socket.host)
            && places.leads(*host, look, bound) == Leads::There
        {
            reach.processes.insert(*inside);
            let path = escape::display(&look.path);
            let container = facts.container(*inside);
            let line = format!("{path} leads to it in {container}");
            reach.evidence.insert(line);
        }
    }
    let device = (bound.1 >> 20, bound.1 & 0xf_ffff);
    for ((host, mntns), inside) in homes {
        for mount in places.mounts(*host, *mntns) {
            // The file within its file system: `/docker.sock` of what is mounted on /run.
            let of_file = mount.root.len() > 1 && name.bytes().ends_with(&mount.root);
            let named = CONTROL
                .iter()
                .any(|end| mount.root.ends_with(end.as_bytes()));
            if *host == socket.host && of_file && named && mount.device == device {
                reach.processes.insert(*inside);
                let point = escape::display(&mount.point);
                let container = facts.container(*inside);
                let line = format!("it is mounted on {point} in {container}");
                reach.evidence.insert(line);
            }
        }
    }
}

fn found(facts: &Facts<'_>, control: SocketId, reach: Reach) -> Found {
    let containers: BTreeSet<String> = reach
        .processes
        .iter()
        .map(|process| facts.container(*process))
        .collect();
    let walled = |process: &ProcessId| has_own_files(facts, *process);
    let severity = if reach.processes.iter().any(walled) {
        Severity::High
    } else {
        Severity::Medium
    };
    let mut processes: Vec<ProcessId> = reach.processes.into_iter().collect();
    let where_to = some(containers.into_iter().collect::<Vec<_>>().into_iter());
    let title = format!(
        "{} of {} can be reached in {where_to}",
        facts.socket(control),
        facts.owner(control)
    );
    processes.extend(facts.map.holding_processes(control));
    Found {
        severity,
        subject: Subject::Socket(control),
        processes,
        sockets: vec![control],
        title,
        evidence: reach.evidence.into_iter().take(16).collect(),
        advice: "do not mount it; put a proxy or a builder of its own between".to_owned(),
    }
}

/// Whether a container is one, and not a service that only got mounts and processes of its own: it is
/// called so, or has another root file system than the machine.
fn has_own_files(facts: &Facts<'_>, id: ProcessId) -> bool {
    let process = facts.map.process(id);
    let root = |mntns: Option<u64>| {
        let mounts = facts.places().mounts(process.host, mntns?);
        // Of two mounts on one place the later one covers the earlier.
        let root = mounts.iter().rfind(|mount| *mount.point == *b"/")?;
        Some((root.device, root.root.clone()))
    };
    let hosts = facts.host_record(process.host).map(|host| host.mntns);
    match (root(process.mntns), root(hosts)) {
        (Some(own), Some(hosts)) => process.container.is_some() || own != hosts,
        // Nothing says that it sees the machine's own files.
        _ => true,
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "docker.sock is mounted in a container",
        scene: |scene| {
            docker(scene);
            scene.shows(99, "/run/docker.sock", 7, 0o660);
        },
        finds: &[("WT302", Severity::High)],
    },
    Case {
        about: "a service with mounts and processes of its own, on the machine's root",
        scene: |scene| {
            docker(scene);
            scene.shows(99, "/run/docker.sock", 7, 0o660);
            scene.mounts(OWN_MNTNS, "1 0 8:1 / / rw - ext4 x rw\n");
            scene.mounts(99, "7 0 8:1 / / rw - ext4 x rw\n");
        },
        finds: &[("WT302", Severity::Medium)],
    },
    Case {
        about: "a container without a name, on a root of its own",
        scene: |scene| {
            docker(scene);
            scene.shows(99, "/run/docker.sock", 7, 0o660);
            scene.mounts(OWN_MNTNS, "1 0 8:1 / / rw - ext4 x rw\n");
            scene.mounts(99, "7 0 0:40 / / rw - overlay x rw\n");
        },
        finds: &[("WT302", Severity::High)],
    },
    Case {
        about: "another file of that name is in it",
        scene: |scene| {
            docker(scene);
            scene.lacks(99, "/run/docker.sock", 2);
            scene.shows(99, "/srv/docker.sock", 8, 0o660);
            let inner = ProcessId(2);
            scene.at_path(&[(inner, 5, Some(true))], "/srv/docker.sock", 8);
        },
        finds: &[],
    },
    Case {
        about: "the container's own manager",
        scene: |scene| {
            scene.machine();
            let inner = scene.process(700, 1, "/usr/bin/dockerd");
            contain(scene, inner);
            scene.at_path(&[(inner, 4, Some(true))], "/run/docker.sock", 7);
            scene.shows(99, "/run/docker.sock", 7, 0o660);
        },
        finds: &[],
    },
];

#[cfg(test)]
fn docker(scene: &mut Scene) {
    let docker = scene.process(600, 1, "/usr/bin/dockerd");
    scene.machine();
    scene.at_path(&[(docker, 4, Some(true))], "/run/docker.sock", 7);
    scene.shows(OWN_MNTNS, "/run/docker.sock", 7, 0o660);
    let inner = scene.process(700, 1, "/usr/bin/app");
    contain(scene, inner);
}

#[cfg(test)]
fn contain(scene: &mut Scene, process: ProcessId) {
    let process = &mut scene.map.processes[process.index()];
    (process.netns, process.mntns) = (Some(2), Some(99));
    (process.pidns, process.userns) = (Some(98), Some(12));
}
