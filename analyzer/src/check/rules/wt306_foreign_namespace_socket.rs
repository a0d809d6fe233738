//! WT306: sockets of another network namespace than that of their holder.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::graph::program;
use crate::model::{Family, Holder, HostId, ProcessId, SocketId};
use crate::text::escape;

rule! { WT306 "foreign-namespace-socket", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
A process holds sockets of a network namespace other than its own.

## What it finds
Internet, packet and raw sockets that belong to another network namespace than their holder's. It is
medium where a process that lives in that namespace holds the same socket and this copy is not
close-on-exec (it was inherited), else low. And network namespaces where no process lives and that
are mounted nowhere: only a descriptor keeps them.

Unix sockets cross namespaces by design and are not reported; service managers, socket activation,
and programs that work in several networks (pasta, slirp4netns, ztunnel) are left out.

## Why it matters
Such a socket talks in a network whose rules do not hold for its process: a firewall, or the lack of
any network, is passed by. While it is open the namespace, its interfaces and addresses stay, though
no process is in it.

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

/// Programs that have sockets in several network namespaces by design.
pub(super) const MULTI_NAMESPACE: &str = "
    slirp4netns pasta pasta.avx2 passt rootlessport rootlesskit rootlessport-child ztunnel
    cilium-agent openvpn vpnkit NetworkManager systemd-networkd
";

fn is_multi_namespace(facts: &Facts<'_>, process: ProcessId) -> bool {
    let name = program(facts.map.process(process));
    let mut known = MULTI_NAMESPACE.split_ascii_whitespace();
    known.any(|known| known == name)
}

/// Sockets that a process holds of one other network namespace.
#[derive(Default)]
struct Foreign {
    sockets: Vec<SocketId>,
    /// Sockets whose copy here is not close-on-exec, each with a holder inside the namespace.
    inherited: Vec<(SocketId, ProcessId)>,
}

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut foreign: BTreeMap<(ProcessId, u64), Foreign> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let is_checked = matches!(socket.family, Family::Inet | Family::Inet6 | Family::Packet);
        let Some(netns) = socket.netns.filter(|_| is_checked) else {
            continue;
        };
        add_foreign(facts, id, netns, &mut foreign);
    }
    for ((process, netns), foreign) in foreign {
        output.finding(foreign_finding(facts, process, netns, foreign));
    }
    kept_alive(facts, output);
    output.unknowns(facts.missing_holders());
    output.unknowns(facts.missing_namespaces());
}

fn add_foreign(
    facts: &Facts<'_>,
    id: SocketId,
    netns: u64,
    foreign: &mut BTreeMap<(ProcessId, u64), Foreign>,
) {
    let holders = facts.map.holders(id);
    let own_netns = |holder: &Holder| facts.map.process(holder.process).netns;
    let is_foreign = |holder: &Holder| own_netns(holder).is_some_and(|own| own != netns);
    let is_manager = |holder: &Holder| facts.process_tree.is_manager(holder.process);
    if !holders.iter().any(is_foreign) || holders.iter().any(is_manager) {
        return;
    }
    let mut all = holders.iter();
    let resident = all.find(|holder| own_netns(holder) == Some(netns));
    for holder in holders.iter().filter(|holder| is_foreign(holder)) {
        if is_multi_namespace(facts, holder.process) {
            continue;
        }
        let of_process = foreign.entry((holder.process, netns)).or_default();
        if of_process.sockets.last() != Some(&id) {
            of_process.sockets.push(id);
        }
        if let Some(resident) = resident.filter(|_| holder.cloexec == Some(false)) {
            of_process.inherited.push((id, resident.process));
        }
    }
}

fn foreign_finding(
    facts: &Facts<'_>,
    process: ProcessId,
    netns: u64,
    foreign: Foreign,
) -> RawFinding {
    let own = facts.map.process(process).netns.unwrap_or_default();
    let mut evidence = vec![
        format!("sockets: {}", facts.socket_names(&foreign.sockets)),
        format!("it lives in network namespace {own}"),
    ];
    let mut processes = vec![process];
    let severity = match foreign.inherited.first() {
        Some((_, resident)) => {
            processes.push(*resident);
            let name = facts.process_name(*resident);
            evidence.push(format!(
                "inherited: {name}, which lives there, has it too, and this copy is not close-on-exec"
            ));
            Severity::Medium
        }
        None => Severity::Low,
    };
    let name = facts.process_name(process);
    let count = plural(foreign.sockets.len(), "socket", "sockets");
    RawFinding {
        severity,
        subject: Subject::Process(process),
        processes,
        sockets: foreign.sockets,
        title: format!("{name} holds {count} of network namespace {netns}"),
        evidence,
        advice: "open them with SOCK_CLOEXEC; close them before setns(2)".to_owned(),
    }
}

/// Network namespaces that exist only by a descriptor.
fn kept_alive(facts: &Facts<'_>, output: &mut RuleOutput) {
    let processes = facts.map.processes.iter();
    let inhabited = processes.filter_map(|process| Some((process.host, process.netns?)));
    let inhabited: BTreeSet<(HostId, u64)> = inhabited.collect();
    for (index, capture) in facts.captures.iter().enumerate() {
        let host = HostId::new(index);
        for netns in &capture.namespaces {
            if netns.found_by != b"descriptor" || inhabited.contains(&(host, netns.inode)) {
                continue;
            }
            let Some(holder) = facts.process_by_pid(host, netns.pid) else {
                continue;
            };
            if facts.process_tree.is_manager(holder) || is_multi_namespace(facts, holder) {
                continue;
            }
            let (inode, path) = (netns.inode, escape::display(&netns.path));
            let name = facts.process_name(holder);
            output.finding(RawFinding {
                severity: Severity::Low,
                subject: Subject::Process(holder),
                processes: vec![holder],
                sockets: vec![],
                title: format!("network namespace {inode} lives by {name} alone"),
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
    Case::medium(
        "a child in another namespace holds a socket of its parent",
        |scene| {
            let (app, child) = apart(scene);
            scene.tcp_socket(&[(app, 5, Some(false)), (child, 5, Some(false))], 443);
        },
    ),
    Case::low(
        "a socket that was opened in another namespace on purpose",
        |scene| {
            let (_, child) = apart(scene);
            scene.tcp_listener(&[(child, 5, Some(true))], 443);
        },
    ),
    Case::low("a namespace that exists only by a descriptor", |scene| {
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
    }),
    Case::quiet(
        "socket activation of a service with a private network",
        |scene| {
            let (_, child) = apart(scene);
            let init = ProcessId(0);
            scene.tcp_listener(&[(init, 50, Some(true)), (child, 3, Some(false))], 443);
        },
    ),
    Case::quiet("Unix sockets between namespaces", |scene| {
        let (app, child) = apart(scene);
        scene.pair(&[(app, 5, Some(true))], &[(child, 5, Some(true))]);
    }),
];

/// A program, and its child in another network namespace.
#[cfg(test)]
fn apart(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let app = scene.process(600, 1, "/usr/bin/app");
    let child = scene.process(700, 600, "/usr/bin/app");
    scene.set_namespaces();
    scene.process_mut(child).netns = Some(2);
    (app, child)
}
