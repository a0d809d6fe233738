//! WT206: descriptors that were sent over a socket and are not received.

use crate::check::Facts;
use crate::check::facts::LONG_NS;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{ProcessId, SocketId};
use std::collections::BTreeMap;

rule! { WT206 "descriptors-in-flight", High, since "0.1.0", earlier Needed }

const DOC: &str = "\
Descriptors that were sent over a socket are not taken off it.

## What it finds
Sockets in whose receive queue descriptors wait (SCM_RIGHTS; scm_fds of fdinfo): many of them, or
the same socket in two captures. A few in one capture are on their way, and are not reported.

## Why it matters
What is in flight is open and nobody's: sockets do not close, files stay on full disks, and no
table of any process shows them. The kernel counts them against the sender's RLIMIT_NOFILE, and
sendmsg(2) fails with ETOOMANYREFS when they are too many.

## Example
    MEDIUM   WT206  worker [812] does not take 3 descriptors off fd 5
             still there after 12 s; sent by broker [800]

## What to do
Receive with recvmsg(2) and room for control messages, even where none are expected; close what
comes. See what the receiver waits for.

## References
- unix(7) SCM_RIGHTS, ETOOMANYREFS; proc_pid_fdinfo(5) scm_fds
- mercury issue 385
";

/// More descriptors in flight than a reader that keeps up leaves.
const MANY: u32 = 64;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    if !facts.fdinfo.is_complete() {
        output.unknown("fdinfo was not captured (--fdinfo)");
    }
    let mut sockets: BTreeMap<SocketId, (u32, ProcessId, u32)> = BTreeMap::new();
    for (id, _) in facts.sockets() {
        for holder in facts.map.holders(id) {
            let key = (holder.process, holder.tid, holder.fd);
            if let Some(count) = facts.fdinfo.in_flight.get(&key) {
                let new = (*count, holder.process, holder.fd);
                let most = sockets.entry(id).or_insert(new);
                most.0 = most.0.max(*count);
            }
        }
    }
    for (id, (count, process, fd)) in sockets {
        let before = earlier_age_ns(facts, id);
        let old = before.is_some_and(|age| age >= LONG_NS);
        let severity = match (before.is_some(), count >= MANY) {
            (true, true) => Severity::High,
            (true, false) if !old => Severity::Low,
            (true, false) | (false, true) => Severity::Medium,
            (false, false) => continue,
        };
        let mut evidence = vec![format!("scm_fds of fd {fd}: {count}")];
        evidence.extend(before.map(|age| format!("still there after {}", duration(age))));
        let mut involved = vec![id];
        if let Some(peer) = facts.peer(id) {
            evidence.push(format!("sent by {}", facts.owner(peer)));
            involved.push(peer);
        }
        let name = facts.process_name(process);
        let descriptors = plural(count as usize, "descriptor", "descriptors");
        output.finding(RawFinding {
            severity,
            subject: Subject::Socket(id),
            processes: facts.holders_of(&involved),
            sockets: involved,
            title: format!("{name} does not take {descriptors} off fd {fd}"),
            evidence,
            advice: "receive them with recvmsg and room for control messages".to_owned(),
        });
    }
}

/// The age of the earlier capture, where descriptors were in flight to the same socket in it.
fn earlier_age_ns(facts: &Facts<'_>, id: SocketId) -> Option<u64> {
    let history = facts.history()?;
    facts.age_ns_where(id, |earlier| {
        let mut holders = history.map.holders(earlier.id).iter();
        holders.any(|holder| {
            let key = (holder.process, holder.tid, holder.fd);
            history.fdinfo.in_flight.contains_key(&key)
        })
    })
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("the same socket after half a minute", |scene| {
        sent(scene, 3);
        scene.advance(30);
    }),
    Case::medium("a hundred of them", |scene| sent(scene, 100)),
    Case::quiet("on their way", |scene| sent(scene, 3)),
];

#[cfg(test)]
fn sent(scene: &mut Scene, count: u32) {
    let broker = scene.process(50, 1, "/usr/bin/broker");
    let worker = scene.process(60, 1, "/usr/bin/worker");
    scene.pair(&[(broker, 4, Some(true))], &[(worker, 5, Some(true))]);
    let text = format!("pos:\t0\nflags:\t02\nscm_fds: {count}\n");
    scene.fdinfo(worker, 5, &text);
}
