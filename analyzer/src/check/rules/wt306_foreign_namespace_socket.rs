//! WT306: sockets of another network namespace than their holder's.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::facts::describe::{plural, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Earlier, Facts, Rule};
use crate::graph::program;
use crate::model::{Family, HostId, ProcessId, SocketId};
use crate::text::escape;

pub(super) static RULE: Rule = Rule {
    code: "WT306",
    name: "foreign-namespace-socket",
    severity: Severity::Medium,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
A process holds sockets of a network namespace that it does not live in.

## What it finds
Internet, packet and raw sockets that belong to another network namespace than their holder's. It is
medium where a process that lives in that namespace holds the same socket and this copy is not
close-on-exec (it was inherited), else low. And network namespaces where no process lives and that
are mounted nowhere: only a descriptor keeps them.

Unix sockets cross namespaces by design and are not meant; service managers, socket activation, and
programs that work in several networks (pasta, slirp4netns, ztunnel) are left out.

## Why it matters
Such a socket talks in a network whose rules do not hold for its process: a firewall, or the lack of
any network, is passed by. While it is open the namespace, its interfaces and addresses stay, though
nobody lives there.

## Example
    MEDIUM   WT306  backup [912] holds 1 socket of network namespace 4026532290
             10.0.0.2:443, inherited from app [880] which lives there, not close-on-exec

## What to do
Where it is meant, name it in an ignore file. Else open sockets with SOCK_CLOEXEC, and close them
before setns(2).

## References
- network_namespaces(7), setns(2), ip-netns(8)
- util-linux/util-linux issue 3200
";

/// Programs whose trade is to have sockets in several networks.
pub(super) const BETWEEN: [&str; 13] = [
    "slirp4netns",
    "pasta",
    "pasta.avx2",
    "passt",
    "rootlessport",
    "rootlesskit",
    "rootlessport-child",
    "ztunnel",
    "cilium-agent",
    "openvpn",
    "vpnkit",
    "NetworkManager",
    "systemd-networkd",
];

/// Foreign sockets of a process: its namespace, and who lives there and holds one too.
#[derive(Default)]
struct Foreign {
    sockets: Vec<SocketId>,
    /// Sockets that a resident holds, and of which this process's copy is not close-on-exec.
    inherited: Vec<(SocketId, ProcessId)>,
}

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let mut foreign: BTreeMap<(ProcessId, u64), Foreign> = BTreeMap::new();
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        let is_meant = matches!(socket.family, Family::Inet | Family::Inet6 | Family::Packet);
        let Some(netns) = socket.netns.filter(|_| is_meant) else {
            continue;
        };
        note(facts, SocketId::new(at), netns, &mut foreign);
    }
    for ((process, netns), foreign) in foreign {
        said.found(of_process(facts, process, netns, &foreign));
    }
    kept_alive(facts, said);
    for why in facts.unread().into_iter().chain(facts.homeless()) {
        said.unknown(why);
    }
}

fn note(
    facts: &Facts<'_>,
    id: SocketId,
    netns: u64,
    foreign: &mut BTreeMap<(ProcessId, u64), Foreign>,
) {
    let holders = facts.map.holders(id);
    let home = |process: ProcessId| facts.map.process(process).netns;
    let abroad = |process: ProcessId| home(process).is_some_and(|home| home != netns);
    if !holders.iter().any(|holder| abroad(holder.process))
        || holders
            .iter()
            .any(|holder| facts.kin.is_manager(holder.process))
    {
        return;
    }
    let resident = holders
        .iter()
        .find(|holder| home(holder.process) == Some(netns))
        .map(|holder| holder.process);
    for holder in holders.iter().filter(|holder| abroad(holder.process)) {
        let name = program(facts.map.process(holder.process));
        if BETWEEN.contains(&&*name) {
            continue;
        }
        let of_process = foreign.entry((holder.process, netns)).or_default();
        if of_process.sockets.last() != Some(&id) {
            of_process.sockets.push(id);
        }
        if let Some(resident) = resident.filter(|_| holder.cloexec == Some(false)) {
            of_process.inherited.push((id, resident));
        }
    }
}

fn of_process(facts: &Facts<'_>, process: ProcessId, netns: u64, foreign: &Foreign) -> Found {
    let names = foreign.sockets.iter().map(|socket| facts.socket(*socket));
    let mut evidence = vec![format!("sockets: {}", some(names))];
    let own = facts.map.process(process).netns.unwrap_or_default();
    evidence.push(format!("it lives in network namespace {own}"));
    let mut processes = vec![process];
    let severity = match foreign.inherited.first() {
        Some((_, resident)) => {
            processes.push(*resident);
            let who = facts.process(*resident);
            evidence.push(format!(
                "inherited: {who}, which lives there, has it too, and this copy is not close-on-exec"
            ));
            Severity::Medium
        }
        None => Severity::Low,
    };
    let count = plural(foreign.sockets.len(), "socket", "sockets");
    Found {
        severity,
        subject: Subject::Process(process),
        processes,
        sockets: foreign.sockets.clone(),
        title: format!(
            "{} holds {count} of network namespace {netns}",
            facts.process(process)
        ),
        evidence,
        advice: "open them with SOCK_CLOEXEC; close them before setns(2)".to_owned(),
    }
}

/// Namespaces that only a descriptor keeps.
fn kept_alive(facts: &Facts<'_>, said: &mut RuleOutput) {
    let inhabited: BTreeSet<(HostId, u64)> = facts
        .map
        .processes
        .iter()
        .filter_map(|process| Some((process.host, process.netns?)))
        .collect();
    for (at, capture) in facts.captures.iter().enumerate() {
        let host = HostId::new(at);
        for space in &capture.namespaces {
            if space.found_by != b"descriptor" || inhabited.contains(&(host, space.inode)) {
                continue;
            }
            let Some(keeper) = facts.find(host, space.pid) else {
                continue;
            };
            let name = program(facts.map.process(keeper));
            if facts.kin.is_manager(keeper) || BETWEEN.contains(&&*name) {
                continue;
            }
            let who = facts.process(keeper);
            let path = escape::display(&space.path);
            said.found(Found {
                severity: Severity::Low,
                subject: Subject::Process(keeper),
                processes: vec![keeper],
                sockets: vec![],
                title: format!("network namespace {} lives by {who} alone", space.inode),
                evidence: vec![format!(
                    "no process lives in it, it is mounted nowhere; {path} leads to it"
                )],
                advice: "close the descriptor, or mount the namespace (ip netns attach)".to_owned(),
            });
        }
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "a child in another network has its parent's socket",
        scene: |scene| {
            let (app, child) = apart(scene);
            scene.inet(&[(app, 5, Some(false)), (child, 5, Some(false))], 443);
        },
        finds: &[("WT306", Severity::Medium)],
    },
    Case {
        about: "a socket that was opened there on purpose",
        scene: |scene| {
            let (_, child) = apart(scene);
            scene.tcp(&[(child, 5, Some(true))], 443);
        },
        finds: &[("WT306", Severity::Low)],
    },
    Case {
        about: "a namespace that only a descriptor keeps",
        scene: |scene| {
            apart(scene);
            scene
                .capture
                .namespaces
                .push(whotalks_snapshot::records::Netns {
                    inode: 77,
                    found_by: b"descriptor".to_vec(),
                    pid: 600,
                    path: b"/proc/600/fd/4".to_vec(),
                    ..Default::default()
                });
        },
        finds: &[("WT306", Severity::Low)],
    },
    Case {
        about: "socket activation of a service with a private network",
        scene: |scene| {
            let (_, child) = apart(scene);
            let init = ProcessId(0);
            scene.tcp(&[(init, 50, Some(true)), (child, 3, Some(false))], 443);
        },
        finds: &[],
    },
    Case {
        about: "Unix sockets cross networks",
        scene: |scene| {
            let (app, child) = apart(scene);
            scene.pair(&[(app, 5, Some(true))], &[(child, 5, Some(true))]);
        },
        finds: &[],
    },
];

/// A program, and its child in another network namespace.
#[cfg(test)]
fn apart(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let app = scene.process(600, 1, "/usr/bin/app");
    let child = scene.process(700, 600, "/usr/bin/app");
    scene.machine();
    scene.map.processes[child.index()].netns = Some(2);
    (app, child)
}
