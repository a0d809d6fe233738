//! WT205: processes that are blocked writing to each other.

use crate::check::Facts;
use crate::check::facts::describe::duration;
use crate::check::facts::{BlockedWriter, Serving};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Family, SocketId, SocketType};

rule! { WT205 "write-deadlock", High, since "0.1.0", earlier Helpful }

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

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    for cycle in facts.deadlocks() {
        output.finding(cycle_finding(facts, cycle));
    }
    for connection in &facts.map.connections {
        let (a, Some(b)) = (connection.a, connection.b) else {
            continue;
        };
        if a != b && is_full(facts, a) && is_full(facts, b) && !facts.is_deadlocked(a) {
            output.finding(full_both_ways(facts, a, b));
        }
    }
    if facts.map.waits.is_empty() && !facts.map.processes.is_empty() {
        output.unknown("what threads are blocked in was not captured (--waits)");
    }
}

/// Whether the written and unread bytes of a stream come near its limit; see WT204.
fn is_full(facts: &Facts<'_>, id: SocketId) -> bool {
    const NEAR_BYTES: u64 = 128 << 10;
    let socket = facts.map.socket(id);
    socket.family == Family::Unix
        && socket.kind != SocketType::Dgram
        && socket.send_queue_bytes >= NEAR_BYTES
}

fn cycle_finding(facts: &Facts<'_>, cycle: &[BlockedWriter]) -> RawFinding {
    let mut processes: Vec<_> = cycle.iter().map(|write| write.writer).collect();
    processes.dedup();
    let reading = |write: &BlockedWriter| {
        let incoming = write.socket.and_then(|socket| facts.peer(socket));
        incoming.map_or(Serving::No, |socket| facts.reading(write.reader, socket))
    };
    let certain = cycle.iter().all(|write| reading(write) == Serving::No);
    let lines = cycle.iter().take(8).map(|write| {
        let [writer, reader] = [write.writer, write.reader].map(|id| facts.process_name(id));
        let fd = write.fd;
        format!("{writer} is blocked writing fd {fd}, read by {reader} alone")
    });
    let mut evidence: Vec<String> = lines.collect();
    if !certain {
        evidence.push("another thread may read: not all are seen to be blocked".to_owned());
    }
    let title = match processes.as_slice() {
        [only] => format!("{} waits for itself to read", facts.process_name(*only)),
        all => format!("{} wait for each other to read", facts.process_names(all)),
    };
    RawFinding {
        severity: Severity::Medium.raised_if(certain),
        subject: Subject::Process(cycle[0].writer),
        processes,
        sockets: cycle.iter().filter_map(|write| write.socket).collect(),
        title,
        evidence,
        advice: "read while writing; ending one of them frees the others".to_owned(),
    }
}

fn full_both_ways(facts: &Facts<'_>, a: SocketId, b: SocketId) -> RawFinding {
    let bytes = |id: SocketId| facts.map.socket(id).send_queue_bytes;
    let age = |id| facts.age_ns_where(id, |earlier| earlier.socket.send_queue_bytes == bytes(id));
    let before = age(b).and(age(a));
    let (written, others) = (bytes(a), bytes(b));
    let mut evidence = vec![format!("{written} and {others} bytes written and not read")];
    evidence.extend(before.map(|age| format!("as many {} before", duration(age))));
    let (one, other) = (facts.owner(a), facts.owner(b));
    RawFinding {
        severity: Severity::Low.raised_if(before.is_some()),
        subject: Subject::Socket(a),
        processes: facts.holders_of(&[a, b]),
        sockets: vec![a, b],
        title: format!("{one} and {other} write and do not read"),
        evidence,
        advice: "see whether both are blocked (whotalks waits)".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("two processes that write to each other", |scene| {
        mutual(scene, 1)
    }),
    Case::medium("one of them may poll in another thread", |scene| {
        mutual(scene, 1);
        let second = crate::model::ProcessId(2);
        scene.blocked_thread(second, 61, 7, 0);
    }),
    Case::quiet("one writes, the other reads", |scene| {
        mutual(scene, 45);
        for socket in &mut scene.map.sockets {
            (socket.send_queue_bytes, socket.recv_queue_bytes) = (0, 0);
        }
    }),
];

/// Two processes with a full connection; the thread of the second is in this call.
#[cfg(test)]
fn mutual(scene: &mut Scene, call: i64) {
    let one = scene.process(50, 1, "/usr/bin/one");
    let two = scene.process(60, 1, "/usr/bin/two");
    let (a, b) = scene.pair(&[(one, 4, Some(true))], &[(two, 5, Some(true))]);
    for id in [a, b] {
        let socket = scene.socket_mut(id);
        (socket.send_queue_bytes, socket.recv_queue_bytes) = (200_000, 200_000);
    }
    scene.blocked(one, 1, 4);
    scene.blocked(two, call, 5);
}
