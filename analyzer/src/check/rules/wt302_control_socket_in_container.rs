//! WT302: a control socket of the host that a container can reach.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::bound_paths::PathMatch;
use crate::check::facts::describe::short_list;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
#[cfg(test)]
use crate::check::test_scene_files::OWN_MNTNS;
use crate::model::{HostId, ProcessId, Socket, SocketId, SocketState};
use crate::text::escape;

rule! { WT302 "control-socket-in-container", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A container can reach the control socket of the machine's own container manager.

## What it finds
A listening socket of the host's docker, containerd, cri-o, podman, buildkit or systemd, known by
its bound file, that a path inside a container leads to, or that a process of a container holds or
is connected to. A container is what its control group says is one, or a process with both mounts
and processes of its own. Medium where such a process has the machine's own root file system: it may
be a service that is walled off a little.

The control socket of a container manager that itself runs in the container is not reported.

## Why it matters
Whoever can connect to such a socket can start a container with the host's root directory mounted
and every privilege: the container's walls are gone.

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

/// Paths of control sockets, by their last parts.
pub(super) const CONTROL: &str = "
    /docker.sock /containerd.sock /crio.sock /podman.sock /podman/podman.sock /buildkitd.sock
    /cri-dockerd.sock /systemd/private /systemd/io.systemd.Manager
";

fn is_control(path: &[u8]) -> bool {
    let mut ends = CONTROL.split_ascii_whitespace();
    ends.any(|end| path.ends_with(end.as_bytes()))
}

/// Processes of containers that reach a control socket, with the evidence.
#[derive(Default)]
struct Reach {
    processes: BTreeSet<ProcessId>,
    evidence: BTreeSet<String>,
}

impl Reach {
    fn add(&mut self, process: ProcessId, evidence: String) {
        self.processes.insert(process);
        self.evidence.insert(evidence);
    }
}

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let controls = controls(facts);
    if !controls.is_empty() {
        let containers = container_namespaces(facts);
        let mut connected = connected(facts, &controls);
        for control in controls {
            let mut reach = connected.remove(&control).unwrap_or_default();
            add_holders(facts, control, "holds the listener", &mut reach);
            add_paths(facts, control, &containers, &mut reach);
            if !reach.processes.is_empty() {
                output.finding(finding(facts, control, reach));
            }
        }
    }
    output.unknowns(facts.missing_holders());
    output.unknowns(facts.missing_namespaces());
    if facts.bound_paths().unread_namespaces > 0 {
        output.unknown("some mount namespaces could not be looked into");
    }
}

/// Control sockets that a process outside of containers holds.
fn controls(facts: &Facts<'_>) -> Vec<SocketId> {
    let is_listed = |(_, socket): &(SocketId, &Socket)| {
        let name = socket.name.as_ref();
        name.is_some_and(|name| is_control(name.bytes())) && socket.state == SocketState::Listening
    };
    let of_host = |id: &SocketId| {
        let holders = facts.map.holding_processes(*id);
        holders.iter().any(|holder| !facts.is_in_container(*holder))
    };
    let sockets = facts.sockets().filter(is_listed);
    sockets.map(|(id, _)| id).filter(of_host).collect()
}

/// Mount namespaces of only processes in containers, with the first process of each.
fn container_namespaces(facts: &Facts<'_>) -> BTreeMap<(HostId, u64), ProcessId> {
    let mut containers = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for (index, process) in facts.map.processes.iter().enumerate() {
        let Some(mntns) = process.mntns else {
            continue;
        };
        let key = (process.host, mntns);
        let id = ProcessId::new(index);
        if facts.is_in_container(id) {
            containers.entry(key).or_insert(id);
        } else {
            shared.insert(key);
        }
    }
    containers.retain(|key, _| !shared.contains(key));
    containers
}

/// Connections from containers to control sockets.
fn connected(facts: &Facts<'_>, controls: &[SocketId]) -> BTreeMap<SocketId, Reach> {
    let mut reached: BTreeMap<SocketId, Reach> = BTreeMap::new();
    for connection in &facts.map.connections {
        if let Some(listener) = connection.listener
            && controls.binary_search(&listener).is_ok()
        {
            let reach = reached.entry(listener).or_default();
            add_holders(facts, connection.a, "is connected to it", reach);
        }
    }
    reached
}

/// Adds processes in containers that hold the listener or a socket connected to it.
fn add_holders(facts: &Facts<'_>, socket: SocketId, how: &str, reach: &mut Reach) {
    for holder in facts.map.holding_processes(socket) {
        if facts.is_in_container(holder) {
            reach.add(holder, format!("{} {how}", facts.process_name(holder)));
        }
    }
}

/// Adds paths inside containers that refer to the socket: captured ones, and mounts of the file alone.
fn add_paths(
    facts: &Facts<'_>,
    control: SocketId,
    containers: &BTreeMap<(HostId, u64), ProcessId>,
    reach: &mut Reach,
) {
    let socket = facts.map.socket(control);
    let (Some(bound), Some(name)) = (socket.vfs, &socket.name) else {
        return;
    };
    let bound_paths = facts.bound_paths();
    for (host, path) in bound_paths.all() {
        let container = containers.get(&(*host, path.mntns));
        if let Some(inside) = container.filter(|_| *host == socket.host)
            && bound_paths.compare(*host, path, bound) == PathMatch::Bound
        {
            let path = escape::display(&path.path);
            let container = facts.container_name(*inside);
            reach.add(*inside, format!("{path} leads to it in {container}"));
        }
    }
    let device = (bound.1 >> 20, bound.1 & 0xf_ffff);
    for ((host, mntns), inside) in containers {
        for mount in bound_paths.mounts(*host, *mntns) {
            // The file within its file system: `/docker.sock` of what is mounted on /run.
            let of_file = mount.root.len() > 1 && name.bytes().ends_with(&mount.root);
            let is_control = of_file && is_control(&mount.root);
            if *host == socket.host && is_control && mount.device == device {
                let point = escape::display(&mount.point);
                let container = facts.container_name(*inside);
                reach.add(*inside, format!("it is mounted on {point} in {container}"));
            }
        }
    }
}

fn finding(facts: &Facts<'_>, control: SocketId, reach: Reach) -> RawFinding {
    let mut processes = Vec::from_iter(reach.processes);
    let containers = processes.iter().map(|id| facts.container_name(*id));
    let containers: BTreeSet<String> = containers.collect();
    let is_walled = processes.iter().any(|id| has_own_root(facts, *id));
    processes.extend(facts.map.holding_processes(control));
    let (name, owner) = (facts.socket_name(control), facts.owner(control));
    RawFinding {
        severity: Severity::Medium.raised_if(is_walled),
        subject: Subject::Socket(control),
        processes,
        sockets: vec![control],
        title: format!(
            "{name} of {owner} can be reached in {}",
            short_list(containers)
        ),
        evidence: reach.evidence.into_iter().take(16).collect(),
        advice: "do not mount it; put a proxy or a builder of its own between".to_owned(),
    }
}

/// Whether a process has another root file system than the host. A service with its own mount and pid
/// namespaces alone is no container.
fn has_own_root(facts: &Facts<'_>, id: ProcessId) -> bool {
    let process = facts.map.process(id);
    let root = |mntns: Option<u64>| {
        let mounts = facts.bound_paths().mounts(process.host, mntns?);
        // Of two mounts on one mount point the later one covers the earlier.
        let root = mounts.iter().rfind(|mount| *mount.point == *b"/")?;
        Some((root.device, root.root.clone()))
    };
    let hosts = facts.host_record(process.host).map(|host| host.mntns);
    match (root(process.mntns), root(hosts)) {
        (Some(own), Some(hosts)) => process.container.is_some() || own != hosts,
        // The root of one of them is not known.
        _ => true,
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("docker.sock is mounted in a container", |scene| {
        docker(scene);
        scene.path_exists(99, "/run/docker.sock", 7, 0o660);
    }),
    Case::medium(
        "a service with its own mount and pid namespaces, on the root of the host",
        |scene| {
            docker(scene);
            scene.path_exists(99, "/run/docker.sock", 7, 0o660);
            scene.mounts(OWN_MNTNS, "1 0 8:1 / / rw - ext4 x rw\n");
            scene.mounts(99, "7 0 8:1 / / rw - ext4 x rw\n");
        },
    ),
    Case::high("a container without a name, on its own root", |scene| {
        docker(scene);
        scene.path_exists(99, "/run/docker.sock", 7, 0o660);
        scene.mounts(OWN_MNTNS, "1 0 8:1 / / rw - ext4 x rw\n");
        scene.mounts(99, "7 0 0:40 / / rw - overlay x rw\n");
    }),
    Case::quiet("the container has another file of that name", |scene| {
        docker(scene);
        scene.path_missing(99, "/run/docker.sock", 2);
        scene.path_exists(99, "/srv/docker.sock", 8, 0o660);
        let inner = ProcessId(2);
        scene.path_listener(&[(inner, 5, Some(true))], "/srv/docker.sock", 8);
    }),
    Case::quiet("the container's own manager", |scene| {
        scene.set_namespaces();
        let inner = scene.process(700, 1, "/usr/bin/dockerd");
        contain(scene, inner);
        scene.path_listener(&[(inner, 4, Some(true))], "/run/docker.sock", 7);
        scene.path_exists(99, "/run/docker.sock", 7, 0o660);
    }),
];

#[cfg(test)]
fn docker(scene: &mut Scene) {
    let docker = scene.process(600, 1, "/usr/bin/dockerd");
    scene.set_namespaces();
    scene.path_listener(&[(docker, 4, Some(true))], "/run/docker.sock", 7);
    scene.path_exists(OWN_MNTNS, "/run/docker.sock", 7, 0o660);
    let inner = scene.process(700, 1, "/usr/bin/app");
    contain(scene, inner);
}

#[cfg(test)]
fn contain(scene: &mut Scene, process: ProcessId) {
    let process = scene.process_mut(process);
    (process.netns, process.mntns) = (Some(2), Some(99));
    (process.pidns, process.userns) = (Some(98), Some(12));
}
