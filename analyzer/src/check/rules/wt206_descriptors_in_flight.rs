//! WT206: descriptors that were sent over a socket are not taken off it.

use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{ProcessId, SocketId};
use std::collections::BTreeMap;

pub(super) static RULE: Rule = Rule {
    code: "WT206",
    name: "descriptors-in-flight",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Needed,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

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

/// So many in one socket are not just on their way.
const MANY: u32 = 64;
const LONG_NS: u64 = 10_000_000_000;

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    if !facts.infos.everywhere() {
        said.unknown("fdinfo was not captured (--fdinfo)");
    }
    let mut sockets: BTreeMap<SocketId, (u32, ProcessId, u32)> = BTreeMap::new();
    for (descriptor, count) in &facts.infos.in_flight {
        if let Some(socket) = facts.socket_at(*descriptor) {
            let (process, _, fd) = *descriptor;
            let seen = sockets.entry(socket).or_insert((*count, process, fd));
            seen.0 = seen.0.max(*count);
        }
    }
    for (id, (count, process, fd)) in sockets {
        let before = before(facts, id);
        let old = before.is_some_and(|age| age >= LONG_NS);
        let severity = match (before.is_some(), count >= MANY) {
            (true, true) => Severity::High,
            (true, false) if !old => Severity::Low,
            (true, false) | (false, true) => Severity::Medium,
            (false, false) => continue,
        };
        let mut evidence = vec![format!("scm_fds of fd {fd}: {count}")];
        evidence.extend(before.map(|age| format!("still there after {}", duration(age))));
        let mut processes = facts.map.holding_processes(id);
        let mut involved = vec![id];
        if let Some(peer) = facts.peer(id) {
            evidence.push(format!("sent by {}", facts.owner(peer)));
            processes.extend(facts.map.holding_processes(peer));
            involved.push(peer);
        }
        said.found(Found {
            severity,
            subject: Subject::Socket(id),
            processes,
            sockets: involved,
            title: format!(
                "{} does not take {} off fd {fd}",
                facts.process(process),
                plural(count as usize, "descriptor", "descriptors")
            ),
            evidence,
            advice: "receive them with recvmsg and room for control messages".to_owned(),
        });
    }
}

/// How long ago descriptors waited in the same socket.
fn before(facts: &Facts<'_>, id: SocketId) -> Option<u64> {
    let past = facts.past()?;
    let socket = facts.map.socket(id);
    let then = past.socket(socket)?;
    let waited = past.map.holders(then).iter().any(|holder| {
        let key = (holder.process, holder.tid, holder.fd);
        let waiting = past
            .infos
            .in_flight
            .binary_search_by_key(&key, |(of, _)| *of);
        waiting.is_ok()
    });
    waited.then_some(past.host(socket.host)?.1)
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "the same socket after half a minute",
        scene: |scene| {
            sent(scene, 3);
            scene.later(30);
        },
        finds: &[("WT206", Severity::Medium)],
    },
    Case {
        about: "a hundred of them",
        scene: |scene| sent(scene, 100),
        finds: &[("WT206", Severity::Medium)],
    },
    Case {
        about: "on their way",
        scene: |scene| sent(scene, 3),
        finds: &[],
    },
];

#[cfg(test)]
fn sent(scene: &mut crate::check::fixture::Scene, count: u32) {
    let broker = scene.process(50, 1, "/usr/bin/broker");
    let worker = scene.process(60, 1, "/usr/bin/worker");
    scene.pair(&[(broker, 4, Some(true))], &[(worker, 5, Some(true))]);
    scene.info(
        worker,
        5,
        &format!("pos:\t0\nflags:\t02\nscm_fds: {count}\n"),
    );
}
