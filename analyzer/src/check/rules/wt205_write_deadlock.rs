//! WT205: writers that wait for each other.

use crate::check::facts::describe::duration;
use crate::check::facts::{BlockedWriters, Serving};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{Family, SocketId, SocketType};

pub(super) static RULE: Rule = Rule {
    code: "WT205",
    name: "write-deadlock",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Helpful,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Processes are blocked in writes, each until another of them reads.

## What it finds
A cycle of blocked writers: each is in write(2) or send(2) on a full socket or pipe whose only
reader is the next, and the last one's reader is the first. High where no other thread of them is
there to read. And connections that are full in both directions, where the blocked calls are not
known: low, medium where they were as full in an earlier capture.

## Why it matters
None of them will ever go on. No timeout of the kernel ends it, nothing is logged, and they use no
processor time: it looks like idleness.

## Example
    HIGH     WT205  producer [812] and filter [840] wait for each other to read
             producer [812] writes fd 4, read by filter [840] alone
             filter [840] writes fd 7, read by producer [812] alone

servo/ipc-channel issue 34: both sides sent large messages before they read.

## What to do
Read while writing: poll for both, or a thread for each direction. Ending one of them frees the
other.

## References
- pipe(7), unix(7), poll(2)
- servo/ipc-channel issue 34; Python's documentation of subprocess, on wait() and pipes
";

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    for cycle in facts.deadlocks() {
        said.found(cycle_found(facts, cycle));
    }
    for connection in &facts.map.connections {
        let (a, Some(b)) = (connection.a, connection.b) else {
            continue;
        };
        if a != b && is_full(facts, a) && is_full(facts, b) && !facts.is_deadlocked(a) {
            said.found(both_full(facts, a, b));
        }
    }
    if facts.all_threads().is_empty() && !facts.map.processes.is_empty() {
        said.unknown("what threads are blocked in was not captured (--waits)");
    }
}

/// Whether a stream's written and unread bytes come near its limit; see WT204.
fn is_full(facts: &Facts<'_>, id: SocketId) -> bool {
    const NEAR_BYTES: u64 = 128 << 10;
    let socket = facts.map.socket(id);
    socket.family == Family::Unix
        && socket.kind != SocketType::Dgram
        && socket.send_queue_bytes >= NEAR_BYTES
}

fn cycle_found(facts: &Facts<'_>, cycle: &[BlockedWriters]) -> Found {
    let mut processes: Vec<_> = cycle.iter().map(|stuck| stuck.writer).collect();
    processes.dedup();
    let free = |stuck: &BlockedWriters| {
        stuck
            .socket
            .and_then(|socket| facts.peer(socket))
            .map_or(Serving::No, |incoming| {
                facts.attends(stuck.reader, incoming)
            })
    };
    let certain = cycle.iter().all(|stuck| free(stuck) == Serving::No);
    let lines = cycle.iter().take(8).map(|stuck| {
        format!(
            "{} is blocked writing fd {}, read by {} alone",
            facts.process(stuck.writer),
            stuck.fd,
            facts.process(stuck.reader)
        )
    });
    let mut evidence: Vec<String> = lines.collect();
    if !certain {
        evidence.push("another thread may read: not all are seen to be blocked".to_owned());
    }
    let title = match processes.as_slice() {
        [one] => format!("{} waits for itself to read", facts.process(*one)),
        _ => format!(
            "{} wait for each other to read",
            facts.processes(&processes)
        ),
    };
    Found {
        severity: if certain {
            Severity::High
        } else {
            Severity::Medium
        },
        subject: Subject::Process(cycle[0].writer),
        processes,
        sockets: cycle.iter().filter_map(|stuck| stuck.socket).collect(),
        title,
        evidence,
        advice: "read while writing; ending one of them frees the others".to_owned(),
    }
}

fn both_full(facts: &Facts<'_>, a: SocketId, b: SocketId) -> Found {
    let bytes = |id: SocketId| facts.map.socket(id).send_queue_bytes;
    let before = facts.past().and_then(|past| {
        let then = |id: SocketId| Some(past.map.socket(past.socket(facts.map.socket(id))?));
        let same = then(a)?.send_queue_bytes == bytes(a) && then(b)?.send_queue_bytes == bytes(b);
        let age = past.host(facts.map.socket(a).host)?.1;
        same.then_some(age)
    });
    let mut evidence = vec![format!(
        "{} and {} bytes written and not read",
        bytes(a),
        bytes(b)
    )];
    evidence.extend(before.map(|age| format!("as many {} before", duration(age))));
    let mut processes = facts.map.holding_processes(a);
    processes.extend(facts.map.holding_processes(b));
    Found {
        severity: if before.is_some() {
            Severity::Medium
        } else {
            Severity::Low
        },
        subject: Subject::Socket(a),
        processes,
        sockets: vec![a, b],
        title: format!(
            "{} and {} write and do not read",
            facts.owner(a),
            facts.owner(b)
        ),
        evidence,
        advice: "see whether both are blocked (whotalks waits)".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "two processes that write to each other",
        scene: |scene| mutual(scene, 1),
        finds: &[("WT205", Severity::High)],
    },
    Case {
        about: "one of them may be in poll",
        scene: |scene| {
            mutual(scene, 1);
            let second = crate::model::ProcessId(2);
            scene.blocked_thread(second, 61, 7, 0);
        },
        finds: &[("WT205", Severity::Medium)],
    },
    Case {
        about: "one writes, the other reads",
        scene: |scene| {
            mutual(scene, 45);
            for socket in &mut scene.map.sockets {
                (socket.send_queue_bytes, socket.recv_queue_bytes) = (0, 0);
            }
        },
        finds: &[],
    },
];

/// Two processes with a full connection; the second one's thread is in this call.
#[cfg(test)]
fn mutual(scene: &mut crate::check::fixture::Scene, call: i64) {
    let one = scene.process(50, 1, "/usr/bin/one");
    let two = scene.process(60, 1, "/usr/bin/two");
    let (a, b) = scene.pair(&[(one, 4, Some(true))], &[(two, 5, Some(true))]);
    for id in [a, b] {
        let socket = &mut scene.map.sockets[id.index()];
        (socket.send_queue_bytes, socket.recv_queue_bytes) = (200_000, 200_000);
    }
    scene.blocked(one, 1, 4);
    scene.blocked(two, call, 5);
}
