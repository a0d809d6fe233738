//! WT104: numbers of descriptors or connections that only grow.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::{Capture, proc_pid};
use crate::model::{HostId, Map, ProcessId, SocketId, SocketState};
use crate::trend::{Growth, growth};

rule! { WT104 "descriptor-growth", High, since "0.1.0", earlier Needed }

/// Percentages of a limit in use.
const NEAR_PERCENT: u64 = 80;
const CRITICAL_PERCENT: u64 = 95;
/// `max_connections_per_user` of the system bus.
const BUS_LIMIT: usize = 256;
/// Age from which a process is no longer starting.
const SETTLED_NS: u64 = 60_000_000_000;
const DOC: &str = "\
Descriptors or connections only become more, or a limit on them is near.

## What it finds
A process that uses most of its RLIMIT_NOFILE. A user whose connections to the system D-Bus come
near the 256 that it allows each. Given a series or two snapshots: a process whose descriptors
rise from capture to capture, and a listener to which ever more connections stay open.

It is quiet about what rises once and stays, as programs do while they start; what rises steadily in
a program that began within the minute before is low. A single capture shows limits, not growth.

## Why it matters
A leak of descriptors is quiet until the limit: then accept(2), open(2) and socket(2) fail with
EMFILE, most programs handle that badly, and the machine looks broken for everybody who talks to
it.

## Example
    MEDIUM   WT104  sshd [901] 41 → 97 descriptors in 10 min
             eventfd 2 → 58

pam_usb issue 23: its checks left their connections to the system bus open, until the user had 256
and was refused.

## What to do
See what rises (`whotalks list --fds`, `whotalks trend`), and close it in the program. A higher
limit (LimitNOFILE= of the unit) only buys time.

## References
- getrlimit(2) RLIMIT_NOFILE, accept(2) EMFILE, dbus-daemon(1) max_connections_per_user
- systemd/systemd issue 41584; aluzzardi/pam_usb issue 23
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    near_fd_limit(facts, output);
    near_bus_limit(facts, output);
    for host in facts.hosts() {
        growing_tables(facts, host, output);
    }
    growing_listeners(facts, output);
}

fn near_fd_limit(facts: &Facts<'_>, output: &mut RuleOutput) {
    for (host, capture) in facts.captures.iter().enumerate() {
        for record in &capture.processes {
            let Some(limit) = soft_limit(&record.limits).filter(|limit| *limit > 0) else {
                continue;
            };
            let Some(id) = facts.process_by_pid(HostId::new(host), record.pid) else {
                continue;
            };
            let counts = &facts.map.process(id).fd_counts;
            let used: u64 = counts.values().map(|count| u64::from(*count)).sum();
            // The limit is on the numbers: the lowest free one must be below it.
            let percent = used.saturating_mul(100) / limit;
            if percent < NEAR_PERCENT {
                continue;
            }
            output.finding(RawFinding {
                severity: Severity::Medium.raised_if(percent >= CRITICAL_PERCENT),
                subject: Subject::Process(id),
                processes: vec![id],
                sockets: vec![],
                title: format!(
                    "{} has {used} of {limit} descriptors",
                    facts.process_name(id)
                ),
                evidence: vec![
                    format!("RLIMIT_NOFILE {limit}, {percent} % in use"),
                    kind_counts(facts, id),
                ],
                advice: "find what is not closed (whotalks list --fds)".to_owned(),
            });
        }
    }
}

/// The soft limit of `/proc/PID/limits`:
/// `Max open files            1024                 524288               files`.
fn soft_limit(limits: &[u8]) -> Option<u64> {
    let mut lines = limits.split(|byte| *byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(b"Max open files"))?;
    let mut fields = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    fields.next()?.parse().ok()
}

/// Lists the counts of descriptors by kind, highest first.
fn kind_counts(facts: &Facts<'_>, id: ProcessId) -> String {
    let counts = &facts.map.process(id).fd_counts;
    let mut kinds: Vec<(u32, &str)> = counts
        .iter()
        .map(|(kind, count)| (*count, &**kind))
        .collect();
    kinds.sort_by_key(|(count, kind)| (std::cmp::Reverse(*count), *kind));
    let kinds = kinds
        .iter()
        .take(4)
        .map(|(count, kind)| format!("{kind} {count}"));
    kinds.collect::<Vec<_>>().join(", ")
}

fn near_bus_limit(facts: &Facts<'_>, output: &mut RuleOutput) {
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
            by_user
                .entry((listener, uid))
                .or_default()
                .push(holder.process);
        }
    }
    for ((listener, uid), mut clients) in by_user {
        let count = clients.len();
        if count * 100 < BUS_LIMIT * NEAR_PERCENT as usize {
            continue;
        }
        let programs = facts.program_names(&clients);
        clients.dedup();
        output.finding(RawFinding {
            severity: Severity::Medium
                .raised_if(count * 100 >= BUS_LIMIT * CRITICAL_PERCENT as usize),
            subject: Subject::Socket(listener),
            processes: clients,
            sockets: vec![listener],
            title: format!("uid {uid} has {count} of {BUS_LIMIT} connections to the system D-Bus"),
            evidence: vec![format!("clients: {programs}")],
            advice: "close connections that are not used; see max_connections_per_user".to_owned(),
        });
    }
}

fn growing_tables(facts: &Facts<'_>, host: HostId, output: &mut RuleOutput) {
    let Some(history) = facts.history() else {
        return;
    };
    let Some(captures) = history
        .captures
        .get(host.index())
        .filter(|captures| !captures.is_empty())
    else {
        return;
    };
    let now = facts.captures[host.index()];
    let earlier: Vec<_> = captures
        .iter()
        .map(|capture| descriptor_counts(capture))
        .collect();
    let start_ns = captures.iter().find_map(|capture| capture.host.as_ref());
    let start_ns = start_ns.map_or(0, |host| host.started_boottime_ns);
    let end_ns = now
        .host
        .as_ref()
        .map_or(start_ns, |host| host.started_boottime_ns);
    for (key, last) in descriptor_counts(now) {
        let mut values: Vec<u64> = earlier
            .iter()
            .filter_map(|counts| counts.get(&key))
            .copied()
            .collect();
        values.push(last);
        let Some(id) = facts.process_by_pid(host, key.0) else {
            continue;
        };
        let process = facts.map.process(id);
        let age_ns = start_ns.saturating_sub(process.started_boottime_ns);
        let Some(severity) = severity(&values, age_ns >= SETTLED_NS) else {
            continue;
        };
        let steps: Vec<String> = values.iter().map(u64::to_string).collect();
        let mut evidence = vec![format!("descriptors: {}", last_steps(&steps))];
        evidence.push(kind_counts(facts, id));
        output.finding(RawFinding {
            severity,
            subject: Subject::Process(id),
            processes: vec![id],
            sockets: vec![],
            title: format!(
                "{} {} → {last} descriptors in {}",
                facts.process_name(id),
                values[0],
                duration(end_ns.saturating_sub(start_ns))
            ),
            evidence,
            advice: "find what is not closed (whotalks list --fds, whotalks trend)".to_owned(),
        });
    }
}

/// Counts the descriptors of each process (pid, start in ticks) in a capture's tables.
fn descriptor_counts(capture: &Capture) -> BTreeMap<(u32, u64), u64> {
    let mut starts: BTreeMap<u32, u64> = BTreeMap::new();
    for record in &capture.processes {
        if let Some(stat) = proc_pid::stat(&record.stat) {
            starts.insert(record.pid, stat.start_ticks);
        }
    }
    let mut tables: BTreeMap<(u32, u8), u64> = BTreeMap::new();
    for table in capture.tables.iter().filter(|table| table.tid == 0) {
        *tables.entry((table.pid, table.pass)).or_default() += table.kinds.len() as u64;
    }
    // The tables of a later pass come after those of an earlier one, and replace them.
    let counts = tables
        .iter()
        .filter_map(|((pid, _), count)| Some(((*pid, *starts.get(pid)?), *count)));
    counts.collect()
}

/// The severity of growth: a steady one, or a jump of a settled process. A process that is still
/// starting opens descriptors as it goes.
fn severity(values: &[u64], settled: bool) -> Option<Severity> {
    match (growth(values)?, settled) {
        (Growth::Steady, true) => Some(Severity::Medium),
        (Growth::Steady, false) | (Growth::Jump, true) => Some(Severity::Low),
        (Growth::Jump, false) => None,
    }
}

fn last_steps(steps: &[String]) -> String {
    const SHOWN: usize = 12;
    match steps.len().checked_sub(SHOWN) {
        Some(left @ 1..) => format!("… {}", steps[left..].join(" → ")),
        _ => steps.join(" → "),
    }
}

fn growing_listeners(facts: &Facts<'_>, output: &mut RuleOutput) {
    let Some(history) = facts.history() else {
        return;
    };
    let before = connection_counts(&history.map);
    for (listener, now) in connection_counts(facts.map) {
        let socket = facts.map.socket(listener);
        let Some(then) = facts
            .earlier_socket(listener)
            .filter(|_| socket.state == SocketState::Listening)
        else {
            continue;
        };
        let first = before.get(&then.id).copied().unwrap_or(0);
        let Some(severity) = severity(&[first, now], true) else {
            continue;
        };
        output.finding(RawFinding {
            severity,
            subject: Subject::Socket(listener),
            processes: facts.map.holding_processes(listener),
            sockets: vec![listener],
            title: format!(
                "{} {first} → {now} open connections in {}",
                facts.socket_name(listener),
                duration(then.age_ns)
            ),
            evidence: vec![format!(
                "served by {}, {} more",
                facts.owner(listener),
                plural((now - first) as usize, "connection", "connections")
            )],
            advice: "see which client does not close (whotalks list)".to_owned(),
        });
    }
}

/// Counts the open connections of each listener.
fn connection_counts(map: &Map) -> BTreeMap<SocketId, u64> {
    let mut counts = BTreeMap::new();
    for listener in map
        .connections
        .iter()
        .filter_map(|connection| connection.listener)
    {
        *counts.entry(listener).or_default() += 1;
    }
    counts
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("all but a few descriptors in use", |scene| {
        limited(scene, 1_000)
    }),
    Case::medium("most in use", |scene| limited(scene, 850)),
    Case::quiet("half in use", |scene| limited(scene, 512)),
    Case::medium("a user's connections to the system bus", |scene| {
        bus(scene, 210)
    }),
    Case::quiet("a dozen connections to the system bus", |scene| {
        bus(scene, 12)
    }),
    Case::low("a listener's connections pile up", |scene| {
        let server = scene.process(50, 1, "/usr/bin/server");
        let listener = scene.listener(&[(server, 3, Some(true))], "app");
        scene.advance(60);
        let client = scene.process(60, 1, "/usr/bin/client");
        for fd in 3..153 {
            let (a, b) = ([(client, fd, None)], [(server, fd + 1, None)]);
            scene.accepted(&a, &b, Some(listener));
        }
    }),
];

#[cfg(test)]
fn limited(scene: &mut Scene, used: u32) {
    let id = scene.process(50, 1, "/usr/bin/server");
    let counts = &mut scene.process_mut(id).fd_counts;
    counts.insert("socket".into(), used);
    scene
        .capture
        .processes
        .push(whotalks_snapshot::records::Process {
            pid: 50,
            limits: b"Max open files            1024                 524288               files\n"
                .to_vec(),
            ..Default::default()
        });
}

#[cfg(test)]
fn bus(scene: &mut Scene, clients: u32) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        for (text, expected) in [
            (
                &b"Max open files            1024   4096   files\n"[..],
                Some(1024),
            ),
            (b"Max open files            unlimited unlimited files", None),
        ] {
            assert_eq!(soft_limit(text), expected);
        }
    }

    #[test]
    fn a_starting_process_may_grow() {
        for (values, settled, expected) in [
            (&[20, 60, 90, 120][..], true, Some(Severity::Medium)),
            (&[20, 60, 90, 120], false, Some(Severity::Low)),
            (&[20, 120, 120, 120], true, None),
            (&[20, 300], true, Some(Severity::Low)),
            (&[20, 300], false, None),
        ] {
            assert_eq!(severity(values, settled), expected, "{values:?}");
        }
    }
}
