//! WT216: a user has nearly as many inotify instances or D-Bus connections as one may have.

use std::collections::{BTreeMap, BTreeSet};

use whotalks_snapshot::descriptors::Link;

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::Capture;
use crate::model::{HostId, ProcessId, SocketId};
use crate::text::escape;

rule! { WT216 "user-limit-near", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A user has nearly all inotify instances or D-Bus connections that one may have.

## What it finds
80 % (medium) or 95 % (high) of fs.inotify.max_user_instances in use by the processes of one user,
or of the 256 connections to the system D-Bus that it allows each user. What a forked child has
inherited counts once.

Processes in other user namespaces count for the owner of the namespace, which is not captured:
where they could make the difference the answer is unknown.

## Why it matters
All processes of a user share these, so the one that is refused is seldom the one that has too many.
inotify_init(2) then fails with EMFILE, \"too many open files\", although the process has hardly any;
on a host with containers all their roots are one user. A refused D-Bus connection looks like a
broken service.

## Example
    HIGH     WT216  user root has 126 of 128 inotify instances
             kubelet ×14, containerd ×9, tail ×80, 23 more

## What to do
See who has them (`whotalks list --fds`); raise fs.inotify.max_user_instances (sysctl), or
max_connections_per_user in the bus's configuration, once it is clear that nothing leaks.

## References
- inotify(7), /proc/sys/fs/inotify; dbus-daemon(1) max_connections_per_user
- apecloud/kubeblocks issue 8460; bus1/dbus-broker issue 435
";

const NEAR_PERCENT: u64 = 80;
const CRITICAL_PERCENT: u64 = 95;

/// `max_connections_per_user` of the system bus.
const BUS_LIMIT: u64 = 256;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    for (index, capture) in facts.captures.iter().enumerate() {
        inotify(facts, HostId::new(index), capture, output);
    }
    bus(facts, output);
    output.unknowns(facts.missing_holders());
}

fn percent(used: u64, limit: u64) -> u64 {
    used.saturating_mul(100) / limit.max(1)
}

/// `user root`, `uid 1000`.
fn user_name(facts: &Facts<'_>, one: ProcessId, uid: u32) -> String {
    match &facts.map.process(one).user {
        Some(name) => format!("user {}", escape::display(name)),
        None => format!("uid {uid}"),
    }
}

fn inotify(facts: &Facts<'_>, host: HostId, capture: &Capture, output: &mut RuleOutput) {
    let processes = facts.map.processes.iter().enumerate();
    let with_some = processes
        .filter(|(_, process)| process.host == host && process.fd_counts.contains_key("inotify"));
    let with_some: BTreeSet<ProcessId> = with_some.map(|(id, _)| ProcessId::new(id)).collect();
    if with_some.is_empty() {
        return;
    }
    let limit = capture.sources("sys/fs/inotify/max_user_instances");
    let limit = limit.filter_map(|raw| str::from_utf8(&raw.bytes).ok()?.trim().parse().ok());
    let Some(limit) = limit.last().filter(|limit: &u64| *limit > 0) else {
        output.unknown("fs.inotify.max_user_instances was not captured");
        return;
    };
    let own_userns = facts.host_record(host).map_or(0, |record| record.userns);
    let mut by_user: BTreeMap<u32, Vec<ProcessId>> = BTreeMap::new();
    let mut elsewhere = 0;
    for (process, instances) in instances(facts, host, capture, &with_some) {
        let row = facts.map.process(process);
        let is_elsewhere = own_userns != 0 && row.userns.is_some_and(|own| own != own_userns);
        match row.uid {
            Some(uid) if !is_elsewhere => {
                let of_user = by_user.entry(uid).or_default();
                of_user.extend(std::iter::repeat_n(process, instances));
            }
            _ => elsewhere += instances as u64,
        }
    }
    let mut most = 0;
    for (uid, mut holders) in by_user {
        let used = holders.len() as u64;
        let percent = percent(used, limit);
        if percent < NEAR_PERCENT {
            most = most.max(used);
            continue;
        }
        let programs = facts.program_names(&holders);
        holders.dedup();
        let user = user_name(facts, holders[0], uid);
        let prefix = facts.host_prefix(host);
        output.finding(RawFinding {
            severity: Severity::Medium.raised_if(percent >= CRITICAL_PERCENT),
            subject: Subject::Process(most_of(&holders, facts)),
            processes: holders,
            sockets: vec![],
            title: format!("{prefix}{user} has {used} of {limit} inotify instances"),
            evidence: vec![programs, format!("fs.inotify.max_user_instances {limit}")],
            advice: "see who has them; raise fs.inotify.max_user_instances".to_owned(),
        });
    }
    if elsewhere > 0 && percent(most + elsewhere, limit) >= NEAR_PERCENT {
        let count = plural(elsewhere as usize, "inotify instance", "inotify instances");
        output.unknown(format!(
            "whom {count} in other user namespaces count for was not captured"
        ));
    }
}

/// The process with the most instances.
fn most_of(holders: &[ProcessId], facts: &Facts<'_>) -> ProcessId {
    let count = |id: &ProcessId| facts.map.process(*id).fd_counts.get("inotify").copied();
    let most = holders
        .iter()
        .max_by_key(|id| (count(id), std::cmp::Reverse(**id)));
    *most.unwrap_or(&holders[0])
}

/// The number of instances of each process, without those that it shares with its parent since fork(2):
/// under the same number, in the same program.
fn instances(
    facts: &Facts<'_>,
    host: HostId,
    capture: &Capture,
    with_some: &BTreeSet<ProcessId>,
) -> Vec<(ProcessId, usize)> {
    let mut fds: BTreeMap<ProcessId, BTreeSet<u32>> = BTreeMap::new();
    for table in capture.tables.iter().filter(|table| table.tid == 0) {
        let process = facts.process_by_pid(host, table.pid);
        let Some(process) = process.filter(|process| with_some.contains(process)) else {
            continue;
        };
        for (fd, link) in table.entries().map_while(Result::ok) {
            if matches!(link, Link::Other { text } if text == b"anon_inode:inotify") {
                fds.entry(process).or_default().insert(fd);
            }
        }
    }
    let is_inherited = |process: ProcessId, fd: &u32| {
        let parent = facts.process_tree.parent(process);
        let parent = parent.filter(|parent| {
            let exe = |id| &facts.map.process(id).exe;
            !exe(process).is_empty() && exe(process) == exe(*parent)
        });
        parent.is_some_and(|parent| fds.get(&parent).is_some_and(|fds| fds.contains(fd)))
    };
    fds.iter()
        .map(|(process, own)| {
            let own = own.iter().filter(|fd| !is_inherited(*process, fd));
            (*process, own.count())
        })
        .collect()
}

fn bus(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut by_user: BTreeMap<(SocketId, u32), Vec<ProcessId>> = BTreeMap::new();
    for connection in &facts.map.connections {
        let Some(listener) = connection.listener else {
            continue;
        };
        let name = facts.map.socket(listener).name.as_ref();
        let is_bus = name.is_some_and(|name| name.bytes().ends_with(b"/dbus/system_bus_socket"));
        if let Some(holder) = facts.map.holders(connection.a).first().filter(|_| is_bus)
            && let Some(uid) = facts.map.process(holder.process).uid
        {
            let clients = by_user.entry((listener, uid)).or_default();
            clients.push(holder.process);
        }
    }
    for ((listener, uid), mut clients) in by_user {
        let count = clients.len() as u64;
        let percent = percent(count, BUS_LIMIT);
        if percent < NEAR_PERCENT {
            continue;
        }
        let programs = facts.program_names(&clients);
        clients.dedup();
        let user = user_name(facts, clients[0], uid);
        output.finding(RawFinding {
            severity: Severity::Medium.raised_if(percent >= CRITICAL_PERCENT),
            subject: Subject::Socket(listener),
            processes: clients,
            sockets: vec![listener],
            title: format!("{user} has {count} of {BUS_LIMIT} connections to the system D-Bus"),
            evidence: vec![format!("clients: {programs}")],
            advice: "close connections that are not used; see max_connections_per_user".to_owned(),
        });
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("a user's connections to the system bus", |scene| {
        connections(scene, 210);
    }),
    Case::quiet("a dozen connections to the system bus", |scene| {
        connections(scene, 12);
    }),
    Case::medium("inotify instances of several processes", |scene| {
        watchers(scene, 11, 10, "/usr/bin/tail");
    }),
    Case::high("hardly any is left", |scene| {
        watchers(scene, 25, 5, "/usr/bin/tail")
    }),
    Case::quiet("a few", |scene| watchers(scene, 5, 5, "/usr/bin/tail")),
    Case::quiet("forked workers share those of their parent", |scene| {
        watchers(scene, 20, 6, "/usr/sbin/prefork");
    }),
];

/// So many processes with so many inotify instances each; `prefork` has forked all others.
#[cfg(test)]
fn watchers(scene: &mut Scene, processes: u32, instances: u32, exe: &str) {
    use whotalks_snapshot::descriptors::{DescriptorTable, TableBuilder};
    use whotalks_snapshot::records::RawHeader;
    let header = RawHeader {
        source: b"sys/fs/inotify/max_user_instances".to_vec(),
        ..RawHeader::default()
    };
    scene.table(header, b"128\n".to_vec());
    for pid in 600..600 + processes {
        let parent = if pid == 600 || !exe.ends_with("prefork") {
            1
        } else {
            600
        };
        let id = scene.process(pid, parent, exe);
        let process = scene.process_mut(id);
        process.uid = Some(1000);
        process.fd_counts.insert("inotify".into(), instances);
        let table = DescriptorTable {
            pid,
            last: true,
            ..DescriptorTable::default()
        };
        let mut builder = TableBuilder::new(table);
        for fd in 3..3 + instances {
            builder.push(
                fd,
                Link::Other {
                    text: b"anon_inode:inotify",
                },
            );
        }
        scene.capture.tables.push(builder.finish());
    }
}

/// So many connections of one user to the system bus.
#[cfg(test)]
fn connections(scene: &mut Scene, clients: u32) {
    let server = scene.process(50, 1, "/usr/bin/dbus-daemon");
    let listener = scene.listener(&[(server, 3, Some(true))], "x");
    scene.socket_mut(listener).name =
        crate::model::Name::from_diag(b"/run/dbus/system_bus_socket\0");
    let client = scene.process(60, 1, "/usr/bin/client");
    scene.process_mut(client).uid = Some(1000);
    for fd in 3..3 + clients {
        let (a, b) = ([(client, fd, None)], [(server, fd + 1, None)]);
        scene.accepted(&a, &b, Some(listener));
    }
}
