//! WT104: numbers of descriptors or connections that only grow.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::{Capture, proc_pid};
use crate::model::{HostId, Map, ProcessId, SocketId, SocketState};
use crate::trend::{Growth, Sample, growth};

rule! { WT104 "descriptor-growth", High, since "0.1.0", earlier Needed }

/// Percentages of a limit in use.
const NEAR_PERCENT: u64 = 80;
const CRITICAL_PERCENT: u64 = 95;
/// Age from which a process is no longer starting.
const SETTLED_NS: u64 = 60_000_000_000;
const DOC: &str = "\
The number of descriptors or connections keeps rising, or is near its limit.

## What it finds
A process that uses most of its RLIMIT_NOFILE (limits of users are WT216). Given a series or two
snapshots: a process whose descriptors rise from capture to capture, and a listener to which ever
more connections stay open.

It is quiet about what rises once and stays, as programs do while they start; what rises steadily in
a program that began within the minute before is low. A single capture shows limits, not growth.

## Why it matters
A leak of descriptors is quiet until the limit: then accept(2), open(2) and socket(2) fail with
EMFILE, most programs handle that badly, and the machine looks broken to every client.

## Example
    MEDIUM   WT104  sshd [901] 41 → 97 descriptors in 10 min
             eventfd 2 → 58

pam_usb issue 23: its checks left their connections to the system bus open, until the user had 256
and was refused.

## What to do
See what rises (`whotalks list --fds`, `whotalks trend`), and close it in the program. A higher
limit (LimitNOFILE= of the unit) only buys time.

## References
- getrlimit(2) RLIMIT_NOFILE, accept(2) EMFILE
- systemd/systemd issue 41584; aluzzardi/pam_usb issue 23
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    near_fd_limit(facts, output);
    for host in facts.hosts() {
        growing_tables(facts, host, output);
    }
    growing_listeners(facts, output);
}

fn near_fd_limit(facts: &Facts<'_>, output: &mut RuleOutput) {
    for (host, capture) in facts.captures.iter().enumerate() {
        for record in &capture.processes {
            let limit = soft_limit(&record.limits).filter(|limit| *limit > 0);
            let id = facts.process_by_pid(HostId::new(host), record.pid);
            let (Some(limit), Some(id)) = (limit, id) else {
                continue;
            };
            let counts = &facts.map.process(id).fd_counts;
            let used: u64 = counts.values().map(|count| u64::from(*count)).sum();
            // The limit is on the numbers: the lowest free one must be below it.
            let percent = used.saturating_mul(100) / limit;
            if percent < NEAR_PERCENT {
                continue;
            }
            let name = facts.process_name(id);
            output.finding(RawFinding {
                severity: Severity::Medium.raised_if(percent >= CRITICAL_PERCENT),
                subject: Subject::Process(id),
                processes: vec![id],
                sockets: vec![],
                title: format!("{name} has {used} of {limit} descriptors"),
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
    let mut kinds: Vec<_> = counts.iter().collect();
    kinds.sort_by_key(|(kind, count)| (Reverse(**count), *kind));
    let first = kinds.iter().take(4);
    let first: Vec<String> = first
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    first.join(", ")
}

fn growing_tables(facts: &Facts<'_>, host: HostId, output: &mut RuleOutput) {
    let Some(history) = facts.history() else {
        return;
    };
    let captures = history.captures.get(host.index());
    let Some(captures) = captures.filter(|captures| !captures.is_empty()) else {
        return;
    };
    let now = facts.captures[host.index()];
    // A capture whose time is lost is too damaged to count.
    let started_ns = |capture: &Capture| Some(capture.host.as_ref()?.started_boottime_ns);
    let earlier = captures.iter().filter_map(|then| {
        let at_ns = started_ns(then)?;
        Some((at_ns, descriptor_counts(then)))
    });
    let earlier: Vec<_> = earlier.collect();
    let start_ns = earlier.first().map_or(0, |(at_ns, _)| *at_ns);
    let now_ns = started_ns(now).unwrap_or(start_ns);
    let span_ns = now_ns.saturating_sub(start_ns);
    for (key, last) in descriptor_counts(now) {
        let before = earlier.iter().filter_map(|(at_ns, counts)| {
            let (at_ns, count) = (*at_ns, *counts.get(&key)?);
            Some(Sample { at_ns, count })
        });
        let (at_ns, count) = (now_ns, last);
        let samples: Vec<Sample> = before.chain([Sample { at_ns, count }]).collect();
        let Some(id) = facts.process_by_pid(host, key.0) else {
            continue;
        };
        let process = facts.map.process(id);
        let age_ns = start_ns.saturating_sub(process.started_boottime_ns);
        let Some(severity) = severity(&samples, age_ns >= SETTLED_NS) else {
            continue;
        };
        let (name, first, time) = (facts.process_name(id), samples[0].count, duration(span_ns));
        output.finding(RawFinding {
            severity,
            subject: Subject::Process(id),
            processes: vec![id],
            sockets: vec![],
            title: format!("{name} {first} → {last} descriptors in {time}"),
            evidence: vec![
                format!("descriptors: {}", last_steps(&samples)),
                kind_counts(facts, id),
            ],
            advice: "find what is not closed (whotalks list --fds, whotalks trend)".to_owned(),
        });
    }
}

/// Counts the descriptors of each process (pid, start in ticks) in a capture's tables.
fn descriptor_counts(capture: &Capture) -> BTreeMap<(u32, u64), u64> {
    let records = capture.processes.iter();
    let starts: BTreeMap<u32, u64> = records
        .filter_map(|record| Some((record.pid, proc_pid::stat(&record.stat)?.start_ticks)))
        .collect();
    let mut tables: BTreeMap<(u32, u8), u64> = BTreeMap::new();
    for table in capture.tables.iter().filter(|table| table.tid == 0) {
        *tables.entry((table.pid, table.pass)).or_default() += table.kinds.len() as u64;
    }
    // The tables of a later pass come after those of an earlier one, and replace them.
    let counts = tables.into_iter();
    let counts = counts.filter_map(|((pid, _), count)| Some(((pid, *starts.get(&pid)?), count)));
    counts.collect()
}

/// The severity of growth: a steady one, or a jump of a settled process. A process that is still
/// starting opens descriptors as it goes.
fn severity(samples: &[Sample], settled: bool) -> Option<Severity> {
    match (growth(samples)?, settled) {
        (Growth::Steady, true) => Some(Severity::Medium),
        (Growth::Steady, false) | (Growth::Jump, true) => Some(Severity::Low),
        (Growth::Jump, false) => None,
    }
}

fn last_steps(samples: &[Sample]) -> String {
    const SHOWN: usize = 12;
    let steps: Vec<String> = samples
        .iter()
        .map(|sample| sample.count.to_string())
        .collect();
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
        let listens = facts.map.socket(listener).state == SocketState::Listening;
        let Some(then) = facts.earlier_socket(listener).filter(|_| listens) else {
            continue;
        };
        let first = before.get(&then.id).copied().unwrap_or(0);
        let samples = [(0, first), (then.age_ns, now)];
        let samples = samples.map(|(at_ns, count)| Sample { at_ns, count });
        let Some(severity) = severity(&samples, true) else {
            continue;
        };
        let (name, time) = (facts.socket_name(listener), duration(then.age_ns));
        let server = facts.owner(listener);
        let more = plural((now - first) as usize, "connection", "connections");
        output.finding(RawFinding {
            severity,
            subject: Subject::Socket(listener),
            processes: facts.map.holding_processes(listener),
            sockets: vec![listener],
            title: format!("{name} {first} → {now} open connections in {time}"),
            evidence: vec![format!("served by {server}, {more} more")],
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
            let samples = (0..).zip(values).map(|(at_ns, count)| Sample {
                at_ns,
                count: *count,
            });
            let samples: Vec<Sample> = samples.collect();
            assert_eq!(severity(&samples, settled), expected, "{values:?}");
        }
    }
}
