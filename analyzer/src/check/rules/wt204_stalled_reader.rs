//! WT204: somebody does not read what was written to it.

use crate::check::facts::Serving;
use crate::check::facts::words::{duration, plural};
use crate::check::finding::{Found, Said, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Facts, Rule};
#[cfg(test)]
use crate::model::ProcessId;
use crate::model::{ConnectionState, Family, SocketId, SocketType};
use std::collections::BTreeMap;

pub(super) static RULE: Rule = Rule {
    code: "WT204",
    name: "stalled-reader",
    severity: Severity::High,
    since: "0.1.0",
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Somebody does not read what was written to it.

## What it finds
Bytes that wait in a socket's receive queue while their reader does something else: the writer is
blocked or its queue nearly full, or the same bytes waited in an earlier capture too. For datagram
sockets what counts is the sum of the senders' queues, since the receiver's own number shows only
the first datagram.

High where a writer is seen to be blocked and the reader is not waiting for it; low where a queue is
merely nearly full, which a fast transfer looks like too. Two that write to each other and do not
read are WT205.

## Why it matters
When the queue is full its writers block, and whoever waits for those. A logger or a message bus
that has stopped reading stops everybody who logs or sends, one after the other.

## Example
    HIGH     WT204  journald [312] does not read /run/systemd/journal/dev-log
             210 kB wait; 3 writers are blocked: cron [500], sshd [811], su [902]

systemd issue 16456: a full queue of the journal stopped every program that logged.

## What to do
See what the reader waits for (`whotalks waits`, `whotalks show`). Writers that must not hang set
O_NONBLOCK or a timeout (SO_SNDTIMEO) and cope with EAGAIN.

## References
- unix(7), socket(7) SO_SNDBUF, /proc/sys/net/unix/max_dgram_qlen
- systemd/systemd issue 16456; i3/i3 issue 2999
";

/// Bytes of unread data beyond which a writer is nearly stopped: half the usual send buffer
/// (net.core.wmem_default, 208 KiB) and a little.
const NEAR_BYTES: u64 = 128 << 10;
/// What stays unread so long is not just about to be read.
const LONG_NS: u64 = 10_000_000_000;

fn check(facts: &Facts<'_>, said: &mut Said) {
    let writers = facts.blocked_writers();
    let mut datagrams: BTreeMap<SocketId, (u64, Vec<SocketId>)> = BTreeMap::new();
    for connection in &facts.map.connections {
        let (a, Some(b)) = (connection.a, connection.b) else {
            continue;
        };
        if facts.is_deadlocked(a) || facts.is_deadlocked(b) {
            continue;
        }
        let datagram = facts.map.socket(a).kind == SocketType::Dgram;
        for (writer, reader) in [(a, b), (b, a)] {
            if connection.state == ConnectionState::OneWay && writer == b {
                continue;
            }
            let written = facts.map.socket(writer).send_queue_bytes;
            let is_blocked = writers.binary_search_by_key(&writer, |(of, _)| *of).is_ok();
            if datagram && (written > 0 || is_blocked) {
                let all = datagrams.entry(reader).or_default();
                all.0 += written;
                all.1.push(writer);
            } else if !datagram && connection.state == ConnectionState::Established {
                let unread = facts.map.socket(reader).recv_queue_bytes;
                if unread > 0 {
                    let queue = Queue {
                        reader,
                        unread,
                        written,
                        writers: vec![writer],
                    };
                    said.found.extend(judge(facts, queue));
                }
            }
        }
    }
    for (reader, (written, writers)) in datagrams {
        let queue = Queue {
            reader,
            unread: written,
            written,
            writers,
        };
        said.found.extend(judge(facts, queue));
    }
}

/// What waits for a reader.
struct Queue {
    reader: SocketId,
    unread: u64,
    written: u64,
    writers: Vec<SocketId>,
}

fn judge(facts: &Facts<'_>, queue: Queue) -> Option<Found> {
    let reader = facts.map.socket(queue.reader);
    let inet = matches!(reader.family, Family::Inet | Family::Inet6);
    // What TCP has not had acknowledged says nothing about its limit.
    let near = !inet && queue.written >= NEAR_BYTES;
    let blocked = facts.blocked_on(&queue.writers);
    let equal = unread_before(facts, &queue);
    if !near && blocked.is_empty() && equal.is_none() {
        return None;
    }
    let readers = facts.map.holding_processes(queue.reader);
    let attends = readers
        .iter()
        .map(|p| facts.attends(*p, queue.reader))
        .max();
    let elsewhere = attends == Some(Serving::No);
    let old = equal.is_some_and(|age| age >= LONG_NS);
    let severity = match (!blocked.is_empty(), near, elsewhere, equal.is_some()) {
        (true, _, true, _) | (true, _, _, true) => Severity::High,
        (_, true, true, _) | (_, true, _, true) => Severity::Medium,
        (_, _, true, _) if old => Severity::Medium,
        // Writers block for a moment whenever they are faster than the reader.
        (true, false, ..) => return None,
        _ => Severity::Low,
    };
    let who = facts.owner(queue.reader);
    let mut evidence = vec![format!("{} bytes wait to be read", queue.unread)];
    if !blocked.is_empty() {
        let writers = plural(blocked.len(), "writer is", "writers are");
        evidence.push(format!("{writers} blocked: {}", facts.processes(&blocked)));
    } else {
        let writers: Vec<_> = queue
            .writers
            .iter()
            .take(8)
            .map(|w| facts.owner(*w))
            .collect();
        evidence.push(format!("written by {}", writers.join(", ")));
    }
    if elsewhere {
        evidence.push("every thread of the reader waits for something else".to_owned());
    }
    evidence.extend(equal.map(|age| format!("the same bytes waited {} before", duration(age))));
    let mut processes = readers;
    processes.extend(&blocked);
    processes.extend(
        queue
            .writers
            .iter()
            .filter_map(|w| Some(facts.map.holders(*w).first()?.process)),
    );
    let mut sockets = queue.writers;
    sockets.push(queue.reader);
    Some(Found {
        severity,
        subject: Subject::Socket(queue.reader),
        processes,
        sockets,
        title: format!("{who} does not read {}", facts.socket(queue.reader)),
        evidence,
        advice: "see what the reader waits for (whotalks waits)".to_owned(),
    })
}

/// How long ago as many bytes waited there, where they did.
fn unread_before(facts: &Facts<'_>, queue: &Queue) -> Option<u64> {
    let past = facts.past()?;
    let reader = facts.map.socket(queue.reader);
    let then = past.socket(reader)?;
    let age = past.host(reader.host)?.1;
    let unread = if reader.kind == SocketType::Dgram {
        let of = |writer: &SocketId| {
            let then = past.socket(facts.map.socket(*writer))?;
            Some(past.map.socket(then).send_queue_bytes)
        };
        queue.writers.iter().filter_map(of).sum()
    } else {
        past.map.socket(then).recv_queue_bytes
    };
    (unread == queue.unread && unread > 0).then_some(age)
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "the writer is blocked, the reader waits for a child",
        scene: |scene| {
            let (_, reader) = unread(scene, 200_000, true);
            scene.blocked(reader, 61, 0);
        },
        finds: &[("WT204", Severity::High)],
    },
    Case {
        about: "a full queue, and nothing is known of the reader",
        scene: |scene| {
            unread(scene, 200_000, false);
        },
        finds: &[("WT204", Severity::Low)],
    },
    Case {
        about: "the same few bytes after a minute, and the reader is elsewhere",
        scene: |scene| {
            let (_, reader) = unread(scene, 10, false);
            scene.blocked(reader, 61, 0);
            scene.later(60);
        },
        finds: &[("WT204", Severity::Medium)],
    },
    Case {
        about: "a few bytes that were just written",
        scene: |scene| {
            let (_, reader) = unread(scene, 10, false);
            scene.blocked(reader, 61, 0);
        },
        finds: &[],
    },
    Case {
        about: "a writer that is faster than its reader",
        scene: |scene| {
            let (_, reader) = unread(scene, 100_000, true);
            scene.blocked(reader, 45, 5);
        },
        finds: &[],
    },
];

/// A writer and a reader with bytes between them.
#[cfg(test)]
fn unread(
    scene: &mut crate::check::fixture::Scene,
    bytes: u64,
    is_blocked: bool,
) -> (ProcessId, ProcessId) {
    let writer = scene.process(50, 1, "/usr/bin/writer");
    let reader = scene.process(60, 1, "/usr/bin/reader");
    let (a, b) = scene.pair(&[(writer, 4, Some(true))], &[(reader, 5, Some(true))]);
    scene.map.sockets[a.index()].send_queue_bytes = bytes;
    scene.map.sockets[b.index()].recv_queue_bytes = bytes;
    if is_blocked {
        scene.blocked(writer, 1, 4);
    }
    (writer, reader)
}
