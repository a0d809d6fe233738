//! WT303: an abstract listener that a container or sandbox in its network namespace can reach.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::{plural, short_list};
use crate::check::facts::well_known_sockets::is_public;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{HostId, Process, ProcessId, SocketId, SocketState};

rule! { WT303 "abstract-socket-crosses-boundary", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
Abstract listeners can be reached from a container in the same network namespace.

## What it finds
Listening sockets with abstract names in a network namespace where a process lives that is walled
off from their owners otherwise: it has another pid namespace or is in another container. A user
namespace alone counts for little: service managers give one to many services. It is high for
containerd's shims, medium where a privileged program owns the listener, else low, as where the
protocol is meant for every user (X11). Mount namespaces alone (PrivateTmp) do not count.

## Why it matters
An abstract name has no file and no permissions: any process in the network namespace can connect,
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

/// The sandbox of a process: pid namespace and container.
type Sandbox<'a> = (Option<u64>, Option<&'a str>);

fn sandbox(process: &Process) -> Sandbox<'_> {
    let container = process.container.as_ref();
    (process.pidns, container.map(|container| &*container.id))
}

/// The first process of each sandbox and user namespace.
type Residents<'a> = BTreeMap<(Sandbox<'a>, Option<u64>), ProcessId>;

/// A listener, and the processes that reach it from other sandboxes.
type Reached = (SocketId, Vec<ProcessId>);

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    // By host and network namespace.
    let mut residents: BTreeMap<(HostId, u64), Residents<'_>> = BTreeMap::new();
    for (index, process) in facts.map.processes.iter().enumerate() {
        if let (Some(netns), Some(_)) = (process.netns, process.pidns) {
            let of_netns = residents.entry((process.host, netns)).or_default();
            let key = (sandbox(process), process.userns);
            of_netns.entry(key).or_insert_with(|| ProcessId::new(index));
        }
    }
    let mut reached: BTreeMap<(HostId, u64, Severity), Vec<Reached>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let is_abstract = socket.name.as_ref().is_some_and(|name| name.is_abstract());
        let Some(netns) = socket.netns.filter(|_| is_abstract) else {
            continue;
        };
        if socket.state == SocketState::Listening
            && let Some(of_netns) = residents.get(&(socket.host, netns))
            && of_netns.len() > 1
            && let Some((severity, outsiders)) = assess(facts, id, of_netns)
        {
            let key = (socket.host, netns, severity);
            reached.entry(key).or_default().push((id, outsiders));
        }
    }
    for ((_, netns, severity), sockets) in reached {
        output.finding(finding(facts, netns, severity, &sockets));
    }
    output.unknowns(facts.missing_holders());
    output.unknowns(facts.missing_namespaces());
}

/// The severity of reaching a listener, and the processes in other sandboxes that do; `None`: none.
fn assess(
    facts: &Facts<'_>,
    listener: SocketId,
    of_netns: &Residents<'_>,
) -> Option<(Severity, Vec<ProcessId>)> {
    let holders = facts.map.holding_processes(listener);
    let is_known = |id: &&ProcessId| facts.map.process(**id).pidns.is_some();
    let owner = *holders.iter().find(is_known)?;
    let is_holders = |other: Sandbox<'_>| {
        let mut holders = holders.iter();
        holders.any(|holder| sandbox(facts.map.process(*holder)) == other)
    };
    let others = of_netns.iter().filter(|(key, _)| !is_holders(key.0));
    let mut outsiders: Vec<ProcessId> = others.map(|(_, process)| *process).collect();
    outsiders.sort_unstable();
    if outsiders.is_empty() {
        return None;
    }
    let is_shim = |id: &ProcessId| {
        let exe = &facts.map.process(*id).exe;
        exe.windows(15).any(|part| part == b"containerd-shim")
    };
    let name = facts.map.socket(listener).name.as_ref();
    let public = name.is_some_and(|name| is_public(&String::from_utf8_lossy(name.bytes())));
    // A listener of a sandbox gives nothing to others, but its name may be trusted outside.
    let privileged = facts.is_privileged(owner) && !facts.is_in_container(owner) && !public;
    let severity = match privileged {
        true if holders.iter().any(is_shim) => Severity::High,
        true => Severity::Medium,
        false => Severity::Low,
    };
    Some((severity, outsiders))
}

fn finding(facts: &Facts<'_>, netns: u64, severity: Severity, reached: &[Reached]) -> RawFinding {
    let (first, outsiders) = &reached[0];
    let sockets: Vec<SocketId> = reached.iter().map(|(socket, _)| *socket).collect();
    let name = |id: &SocketId| format!("{} of {}", facts.socket_name(*id), facts.owner(*id));
    let outside = plural(outsiders.len(), "sandbox", "sandboxes");
    let outsiders_shown = outsiders.iter().take(8).map(|process| {
        let (name, container) = (facts.process_name(*process), facts.container_name(*process));
        format!("{name} ({container}) shares network namespace {netns}")
    });
    let mut evidence: Vec<String> = outsiders_shown.collect();
    let name = match sockets.len() {
        1 => name(first),
        count => {
            let names = short_list(sockets.iter().map(name));
            evidence.push(format!("listeners: {names}"));
            let first = facts.socket_name(*first);
            format!("{count} abstract listeners, {first} first,")
        }
    };
    let mut processes = facts.holders_of(&sockets);
    processes.extend(outsiders);
    RawFinding {
        severity,
        subject: Subject::Socket(*first),
        processes,
        sockets,
        title: format!("{name} can be reached from {outside}"),
        evidence,
        advice: "give the sandbox a network namespace of its own, or the socket a path".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium(
        "a root daemon, and a container with the host's network",
        |scene| beside(scene, "/usr/sbin/multipathd", 0, 98),
    ),
    Case::high("containerd's shim", |scene| {
        beside(scene, "/usr/bin/containerd-shim", 0, 98)
    }),
    Case::low("an X server, and a sandboxed application", |scene| {
        beside(scene, "/usr/bin/Xorg", 1000, 98)
    }),
    Case::low(
        "an X server as root, whose protocol demands a cookie",
        |scene| {
            beside(scene, "/usr/lib/xorg/Xorg", 0, 98);
            scene.map.sockets[0].name = crate::model::Name::from_diag(b"\0/tmp/.X11-unix/X0");
        },
    ),
    Case::quiet(
        "a service with its own mount namespace is no sandbox",
        |scene| beside(scene, "/usr/sbin/multipathd", 0, 11),
    ),
];

/// A listener, and a process in another mount and pid namespace but the same network namespace.
#[cfg(test)]
fn beside(scene: &mut Scene, exe: &str, uid: u32, pidns: u64) {
    let owner = scene.process(600, 1, exe);
    let app = scene.process(700, 1, "/usr/bin/app");
    scene.set_namespaces();
    scene.process_mut(owner).uid = Some(uid);
    let app = scene.process_mut(app);
    (app.mntns, app.pidns) = (Some(99), Some(pidns));
    scene.listener(&[(owner, 5, Some(true))], "shim");
}
