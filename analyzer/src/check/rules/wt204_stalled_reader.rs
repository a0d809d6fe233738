//! WT204: a reader that does not read what was written to it.

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural, short_list};
use crate::check::facts::{LONG_NS, Serving};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::receive_buffer;
use crate::model::{ConnectionState, Family, ProcessId, SocketId, SocketType};
use std::collections::{BTreeMap, BTreeSet};

rule! { WT204 "stalled-reader", High, since "0.1.0", earlier Needed }

const DOC: &str = "\
A process does not read what was written to its socket.

## What it finds
Bytes that wait in a socket's receive queue while their reader does something else: the writer is
blocked or its queue nearly full, or the same bytes waited in an earlier capture too. For datagram
sockets what counts is the sum of the senders' queues, since the receiver's own number shows only
the first datagram.

UDP and netlink sockets whose receive buffer is nearly full are found too: nobody waits for them,
but what does not fit is dropped. Medium where every thread of their reader waits for something
else, high where packets were dropped besides; low where packets were dropped and the reader may
read.

High where a writer is seen to be blocked and the reader is not waiting for it; low where a queue is
merely nearly full, which a fast transfer looks like too. Two that write to each other and do not
read are WT205.

## Why it matters
When the queue is full its writers block, and so does everything that waits for them. A logger or a
message bus that has stopped reading stops every program that logs or sends, one after the other.

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

/// Unread bytes beyond which a writer is about to block: a little more than half the usual send
/// buffer (net.core.wmem_default, 208 KiB).
const NEAR_BYTES: u64 = 128 << 10;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let writers = facts.blocked_writers();
    let mut queues: Vec<Queue> = Vec::new();
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
            let is_blocked = writers.binary_search_by_key(&writer, |(socket, _)| *socket);
            let is_blocked = is_blocked.is_ok();
            if datagram && (written > 0 || is_blocked) {
                let queue = datagrams.entry(reader).or_default();
                queue.0 += written;
                queue.1.push(writer);
            } else if !datagram && connection.state == ConnectionState::Established {
                let unread = facts.map.socket(reader).recv_queue_bytes;
                queues.extend((unread > 0).then(|| Queue {
                    reader,
                    unread,
                    written,
                    writers: vec![writer],
                }));
            }
        }
    }
    queues.extend(
        datagrams
            .into_iter()
            .map(|(reader, (written, writers))| Queue {
                reader,
                unread: written,
                written,
                writers,
            }),
    );
    // The unread sockets of one reader are one finding.
    let mut by_reader: BTreeMap<Reader, Vec<UnreadQueue>> = BTreeMap::new();
    for unread in queues
        .into_iter()
        .filter_map(|queue| unread_queue(facts, queue))
    {
        let reader = unread.queue.reader;
        let readers = facts.map.holding_processes(reader);
        let unheld = readers.is_empty().then_some(reader);
        let key = (readers, unheld, unread.severity);
        by_reader.entry(key).or_default().push(unread);
    }
    for ((readers, _, severity), mut queues) in by_reader {
        queues.sort_by_key(|unread| unread.queue.reader);
        output.finding(finding(facts, severity, readers, &queues));
    }
    full_buffers(facts, output);
}

/// Percentage of a receive buffer from which packets may not fit.
const FULL_PERCENT: u64 = 80;

/// UDP and netlink sockets whose receive buffer is nearly full.
fn full_buffers(facts: &Facts<'_>, output: &mut RuleOutput) {
    let captures = facts.captures.iter();
    let buffers: Vec<_> = captures
        .map(|capture| receive_buffer::all(capture))
        .collect();
    for (id, socket) in facts.sockets() {
        let buffer = socket.cookie.and_then(|cookie| {
            let of_host = buffers.get(socket.host.index())?;
            of_host.get(&cookie)
        });
        let Some(buffer) = buffer.filter(|buffer| buffer.limit_bytes > 0) else {
            continue;
        };
        let percent = u64::from(buffer.used_bytes) * 100 / u64::from(buffer.limit_bytes);
        if percent < FULL_PERCENT {
            continue;
        }
        let readers = facts.map.holding_processes(id);
        let reading = readers.iter().map(|process| facts.reading(*process, id));
        let elsewhere = reading.max() == Some(Serving::No);
        let dropped = buffer.drops > 0;
        let severity = match elsewhere {
            true => Severity::Medium.raised_if(dropped),
            false if dropped => Severity::Low,
            false => continue,
        };
        let what = socket.protocol.unwrap_or("netlink");
        let name = match socket.local {
            Some(address) => format!("{what} {address}"),
            None => format!("{what} socket {}", socket.inode),
        };
        let (used, limit) = (buffer.used_bytes, buffer.limit_bytes);
        let mut evidence = vec![format!(
            "its receive buffer is {percent} % full: {used} of {limit} bytes"
        )];
        if dropped {
            let packets = plural(buffer.drops as usize, "packet", "packets");
            evidence.push(format!("{packets} did not fit since it was created"));
        }
        if elsewhere {
            evidence.push("every thread of the reader waits for something else".to_owned());
        }
        output.finding(RawFinding {
            severity,
            subject: Subject::Socket(id),
            processes: readers,
            sockets: vec![id],
            title: format!("{} does not read {name}", facts.owner(id)),
            evidence,
            advice:
                "see what the reader waits for (whotalks waits); a larger SO_RCVBUF only helps \
                     with bursts"
                    .to_owned(),
        });
    }
}

/// The processes that do not read (the socket where none is known), and the severity.
type Reader = (Vec<ProcessId>, Option<SocketId>, Severity);

/// Bytes that wait for a reader.
struct Queue {
    reader: SocketId,
    unread: u64,
    written: u64,
    writers: Vec<SocketId>,
}

/// A queue that is not read, with its evidence.
struct UnreadQueue {
    severity: Severity,
    queue: Queue,
    /// The processes that are blocked writing to it.
    blocked: Vec<ProcessId>,
    /// Whether every thread of its readers waits for something else.
    elsewhere: bool,
    /// The age of an earlier capture with as many unread bytes, in nanoseconds.
    unchanged_ns: Option<u64>,
}

fn unread_queue(facts: &Facts<'_>, queue: Queue) -> Option<UnreadQueue> {
    let reader = facts.map.socket(queue.reader);
    let inet = matches!(reader.family, Family::Inet | Family::Inet6);
    // The limit of a TCP send queue is not known.
    let near = !inet && queue.written >= NEAR_BYTES;
    let blocked = facts.blocked_on(&queue.writers);
    let unchanged_ns = unchanged_ns(facts, &queue);
    if !near && blocked.is_empty() && unchanged_ns.is_none() {
        return None;
    }
    let readers = facts.map.holding_processes(queue.reader).into_iter();
    let reading = readers.map(|process| facts.reading(process, queue.reader));
    let elsewhere = reading.max() == Some(Serving::No);
    let old = unchanged_ns.is_some_and(|age| age >= LONG_NS);
    let severity = match (!blocked.is_empty(), near, elsewhere, unchanged_ns.is_some()) {
        (true, _, true, _) | (true, _, _, true) => Severity::High,
        (_, true, true, _) | (_, true, _, true) => Severity::Medium,
        (_, _, true, _) if old => Severity::Medium,
        // A writer that is faster than its reader blocks for a moment again and again.
        (true, false, ..) => return None,
        _ => Severity::Low,
    };
    Some(UnreadQueue {
        severity,
        queue,
        blocked,
        elsewhere,
        unchanged_ns,
    })
}

/// The finding of one reader and the queues that it does not read, all of one severity.
fn finding(
    facts: &Facts<'_>,
    severity: Severity,
    readers: Vec<ProcessId>,
    queues: &[UnreadQueue],
) -> RawFinding {
    let first = queues[0].queue.reader;
    let bytes: u64 = queues.iter().map(|unread| unread.queue.unread).sum();
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let what = match queues.len() {
        1 => facts.socket_name(first),
        count => format!("{count} sockets"),
    };
    let waiting = plural(bytes, "byte waits", "bytes wait");
    let mut evidence = vec![format!("{waiting} to be read")];
    let blocked = queues.iter().flat_map(|unread| &unread.blocked).copied();
    let blocked: BTreeSet<ProcessId> = blocked.collect();
    let blocked = Vec::from_iter(blocked);
    let writers = queues.iter().flat_map(|unread| &unread.queue.writers);
    let writers: Vec<SocketId> = writers.copied().collect();
    if blocked.is_empty() {
        let owners = writers.iter().map(|writer| facts.owner(*writer));
        let owners: BTreeSet<String> = owners.collect();
        evidence.push(format!("written by {}", short_list(owners)));
    } else {
        let count = plural(blocked.len(), "writer is", "writers are");
        let names = facts.process_names(&blocked);
        evidence.push(format!("{count} blocked: {names}"));
    }
    if queues.iter().all(|unread| unread.elsewhere) {
        evidence.push("every thread of the reader waits for something else".to_owned());
    }
    if let Some(age) = queues.iter().filter_map(|unread| unread.unchanged_ns).min() {
        evidence.push(format!("the same bytes waited {} before", duration(age)));
    }
    let mut sockets: Vec<SocketId> = queues.iter().map(|unread| unread.queue.reader).collect();
    if sockets.len() > 1 {
        evidence.push(format!("sockets: {}", facts.socket_names(&sockets)));
    }
    let mut processes = readers;
    processes.extend(blocked);
    let first_holder = |socket: &SocketId| Some(facts.map.holders(*socket).first()?.process);
    processes.extend(writers.iter().filter_map(first_holder));
    sockets.extend(writers);
    RawFinding {
        severity,
        subject: Subject::Socket(first),
        processes,
        sockets,
        title: format!("{} does not read {what}", facts.owner(first)),
        evidence,
        advice: "see what the reader waits for (whotalks waits)".to_owned(),
    }
}

/// The age of the earlier capture, where as many bytes were unread in it.
fn unchanged_ns(facts: &Facts<'_>, queue: &Queue) -> Option<u64> {
    let reader = facts.earlier_socket(queue.reader)?;
    let unread = if reader.socket.kind == SocketType::Dgram {
        let writers = queue.writers.iter();
        let earlier = writers.filter_map(|writer| facts.earlier_socket(*writer));
        earlier.map(|writer| writer.socket.send_queue_bytes).sum()
    } else {
        reader.socket.recv_queue_bytes
    };
    (unread == queue.unread && unread > 0).then_some(reader.age_ns)
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high(
        "the writer is blocked, the reader waits for a child",
        |scene| {
            let (_, reader) = unread(scene, 200_000, true);
            scene.blocked(reader, 61, 0);
        },
    ),
    Case::low(
        "a full queue, and nothing is known of the reader",
        |scene| {
            unread(scene, 200_000, false);
        },
    ),
    Case::medium(
        "the same few bytes after a minute, and the reader waits for a child",
        |scene| {
            let (_, reader) = unread(scene, 10, false);
            scene.blocked(reader, 61, 0);
            scene.advance(60);
        },
    ),
    Case::low("two sockets of one reader are one finding", |scene| {
        let (writer, reader) = unread(scene, 200_000, false);
        let (a, b) = scene.pair(&[(writer, 6, Some(true))], &[(reader, 7, Some(true))]);
        scene.socket_mut(a).send_queue_bytes = 200_000;
        scene.socket_mut(b).recv_queue_bytes = 200_000;
    }),
    Case::quiet(
        "the writer is blocked, the reader waits for a disk",
        |scene| {
            let (_, reader) = unread(scene, 100_000, true);
            scene.blocked(reader, 74, 9);
        },
    ),
    Case::quiet("a few bytes that were just written", |scene| {
        let (_, reader) = unread(scene, 10, false);
        scene.blocked(reader, 61, 0);
    }),
    Case::quiet("a writer that is faster than its reader", |scene| {
        let (_, reader) = unread(scene, 100_000, true);
        scene.blocked(reader, 45, 5);
    }),
];

/// A writer and a reader with bytes between them.
#[cfg(test)]
fn unread(scene: &mut Scene, bytes: u64, is_blocked: bool) -> (ProcessId, ProcessId) {
    let writer = scene.process(50, 1, "/usr/bin/writer");
    let reader = scene.process(60, 1, "/usr/bin/reader");
    let (a, b) = scene.pair(&[(writer, 4, Some(true))], &[(reader, 5, Some(true))]);
    scene.socket_mut(a).send_queue_bytes = bytes;
    scene.socket_mut(b).recv_queue_bytes = bytes;
    if is_blocked {
        scene.blocked(writer, 1, 4);
    }
    (writer, reader)
}
