//! WT209: a connected Unix socket without a peer.

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::Case;
use crate::model::{Family, Socket, SocketState, SocketType};

rule! { WT209 "half-open", Medium, since "0.1.0", earlier Helpful }

const DOC: &str = "\
A Unix socket is connected, and has no other end: none is there, and none has closed.

## What it finds
A Unix stream or seqpacket socket that is connected, without a peer, not shut down, and in no
listener's queue that was read. Its other end waits in a queue that nobody can reach: mostly the
listener itself is in flight, or lives in a network namespace that no process is in any more.
Medium where an earlier capture shows the same, low where one capture alone does: the socket may
just have been accepted between two readings.

It is quiet about ends whose other end has closed, which the kernel marks, and does not know where
the sockets of some namespace could not be read.

## Why it matters
Its holder waits for an answer of a server that does not exist any more, and gets neither bytes nor
an end.

## Example
    LOW      WT209  client [812] fd 4 is connected, and has no other end
             stream, in network namespace 4026531833

## What to do
End the client, or give it a timeout. See who had the listener: WT206 and WT207.

## References
- unix(7), sock_diag(7) UNIX_DIAG_PEER
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let missing_dumps = facts.missing_dumps();
    let mut candidates = 0;
    for (id, socket) in facts.sockets() {
        if !is_connected(socket) || facts.connection(id).is_some() {
            continue;
        }
        let Some(holder) = facts.map.holders(id).first() else {
            continue;
        };
        candidates += 1;
        if missing_dumps.is_some() {
            continue;
        }
        let age = facts.history().and_then(|history| {
            facts.age_ns_where(id, |earlier| {
                is_connected(earlier.socket) && !history.is_connected(earlier.id)
            })
        });
        let kind = match socket.kind {
            SocketType::Stream => "stream",
            _ => "seqpacket",
        };
        let netns = socket.netns.unwrap_or(0);
        let mut evidence = vec![format!("{kind}, in network namespace {netns}")];
        evidence.extend(age.map(|age| format!("so it was {} before", duration(age))));
        let (name, fd) = (facts.process_name(holder.process), holder.fd);
        output.finding(RawFinding {
            severity: Severity::Low.raised_if(age.is_some()),
            subject: Subject::Socket(id),
            processes: facts.map.holding_processes(id),
            sockets: vec![id],
            title: format!("{name} fd {fd} is connected, and has no other end"),
            evidence,
            advice: "end the client, or give it a timeout".to_owned(),
        });
    }
    if let Some(reason) = missing_dumps.filter(|_| candidates > 0) {
        let sockets = plural(candidates, "socket shows", "sockets show");
        output.unknown(format!("{sockets} no other end, and {reason}"));
    }
}

/// Whether a socket is connected by its own row.
fn is_connected(socket: &Socket) -> bool {
    socket.family == Family::Unix
        && matches!(socket.kind, SocketType::Stream | SocketType::Seqpacket)
        && socket.state == SocketState::Established
        && socket.cookie.is_some()
        && socket.shutdown != SHUTDOWN_MASK
}

/// `SHUTDOWN_MASK`: set by the kernel when the peer closes.
const SHUTDOWN_MASK: u8 = 3;

#[cfg(test)]
const CASES: &[Case] = &[
    Case::low("connected to nothing", |scene| {
        let client = scene.process(60, 1, "/usr/bin/client");
        scene.socket(&[(client, 4, Some(true))]);
    }),
    Case::medium("connected to nothing in both captures", |scene| {
        let client = scene.process(60, 1, "/usr/bin/client");
        scene.socket(&[(client, 4, Some(true))]);
        scene.advance(5);
    }),
    Case::quiet("the peer has closed", |scene| {
        let client = scene.process(60, 1, "/usr/bin/client");
        let id = scene.socket(&[(client, 4, Some(true))]);
        let socket = scene.socket_mut(id);
        (socket.shutdown, socket.state) = (3, SocketState::Closing);
    }),
    Case::quiet("a namespace was not read", |scene| {
        let client = scene.process(60, 1, "/usr/bin/client");
        scene.socket(&[(client, 4, Some(true))]);
        scene.map.hosts[0].coverage.netns[0].diag = crate::model::Readable::Denied;
    }),
];
