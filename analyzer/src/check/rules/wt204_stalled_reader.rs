//! WT204: somebody does not read what was written to it.

use crate::check::facts::Serving;
use crate::check::facts::describe::{duration, plural, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{ConnectionState, Family, ProcessId, SocketId, SocketType};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static RULE: Rule = Rule {
    code: "WT204",
    name: "stalled-reader",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Needed,
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

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let writers = facts.blocked_writers();
    let mut judged: Vec<Judged> = Vec::new();
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
                    judged.extend(judge(facts, queue));
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
        judged.extend(judge(facts, queue));
    }
    // One reader that leaves many sockets unread is one trouble.
    let mut of_reader: BTreeMap<Unread, Vec<Judged>> = BTreeMap::new();
    for one in judged {
        let reader = one.queue.reader;
        let readers = facts.map.holding_processes(reader);
        let nobodys = readers.is_empty().then_some(reader);
        let key = (readers, nobodys, one.severity);
        of_reader.entry(key).or_default().push(one);
    }
    for ((readers, _, severity), mut all) in of_reader {
        all.sort_by_key(|one| one.queue.reader);
        said.found(found(facts, severity, readers, &all));
    }
}

/// Who does not read (a socket where that is nobody known), and how bad it is.
type Unread = (Vec<ProcessId>, Option<SocketId>, Severity);

/// What waits for a reader.
struct Queue {
    reader: SocketId,
    unread: u64,
    written: u64,
    writers: Vec<SocketId>,
}

/// A queue that is not read, and what shows it.
struct Judged {
    severity: Severity,
    queue: Queue,
    /// Who is blocked writing to it.
    blocked: Vec<ProcessId>,
    /// Every thread of its readers waits for something else.
    elsewhere: bool,
    /// How long ago the same bytes waited.
    equal: Option<u64>,
}

fn judge(facts: &Facts<'_>, queue: Queue) -> Option<Judged> {
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
    Some(Judged {
        severity,
        queue,
        blocked,
        elsewhere,
        equal,
    })
}

/// A reader and the queues that it does not read, all of one severity.
fn found(facts: &Facts<'_>, severity: Severity, readers: Vec<ProcessId>, all: &[Judged]) -> Found {
    let first = all[0].queue.reader;
    let unread: u64 = all.iter().map(|one| one.queue.unread).sum();
    let bytes = usize::try_from(unread).unwrap_or(usize::MAX);
    let what = match all.len() {
        1 => facts.socket(first),
        count => format!("{count} sockets"),
    };
    let mut evidence = vec![format!(
        "{} to be read",
        plural(bytes, "byte waits", "bytes wait")
    )];
    let mut blocked: Vec<ProcessId> = all.iter().flat_map(|one| &one.blocked).copied().collect();
    blocked.sort_unstable();
    blocked.dedup();
    let writers = || all.iter().flat_map(|one| &one.queue.writers).copied();
    if blocked.is_empty() {
        let owners: BTreeSet<String> = writers().map(|writer| facts.owner(writer)).collect();
        let owners: Vec<String> = owners.into_iter().collect();
        evidence.push(format!("written by {}", some(owners.into_iter())));
    } else {
        let count = plural(blocked.len(), "writer is", "writers are");
        evidence.push(format!("{count} blocked: {}", facts.processes(&blocked)));
    }
    if all.iter().all(|one| one.elsewhere) {
        evidence.push("every thread of the reader waits for something else".to_owned());
    }
    if let Some(age) = all.iter().filter_map(|one| one.equal).min() {
        evidence.push(format!("the same bytes waited {} before", duration(age)));
    }
    if all.len() > 1 {
        let names = all.iter().map(|one| facts.socket(one.queue.reader));
        evidence.push(format!("sockets: {}", some(names)));
    }
    let mut processes = readers;
    processes.extend(&blocked);
    processes.extend(writers().filter_map(|w| Some(facts.map.holders(w).first()?.process)));
    let mut sockets: Vec<SocketId> = all.iter().map(|one| one.queue.reader).collect();
    sockets.extend(writers());
    Found {
        severity,
        subject: Subject::Socket(first),
        processes,
        sockets,
        title: format!("{} does not read {what}", facts.owner(first)),
        evidence,
        advice: "see what the reader waits for (whotalks waits)".to_owned(),
    }
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
        about: "two sockets of one reader are one finding",
        scene: |scene| {
            let (writer, reader) = unread(scene, 200_000, false);
            let (a, b) = scene.pair(&[(writer, 6, Some(true))], &[(reader, 7, Some(true))]);
            scene.map.sockets[a.index()].send_queue_bytes = 200_000;
            scene.map.sockets[b.index()].recv_queue_bytes = 200_000;
        },
        finds: &[("WT204", Severity::Low)],
    },
    Case {
        about: "the writer is blocked, the reader waits for a disk",
        scene: |scene| {
            let (_, reader) = unread(scene, 100_000, true);
            scene.blocked(reader, 74, 9);
        },
        finds: &[],
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
