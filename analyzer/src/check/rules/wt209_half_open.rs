//! WT209: a Unix socket that is connected, and has no other end.

use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{Family, Socket, SocketId, SocketState, SocketType};

pub(super) static RULE: Rule = Rule {
    code: "WT209",
    name: "half-open",
    severity: Severity::Medium,
    since: "0.1.0",
    past: Earlier::Helpful,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

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

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let undumped = facts.undumped();
    let mut candidates = 0;
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        let id = SocketId::new(at);
        if !is_half(socket) || facts.connection(id).is_some() {
            continue;
        }
        let Some(holder) = facts.map.holders(id).first() else {
            continue;
        };
        candidates += 1;
        if undumped.is_some() {
            continue;
        }
        let past = facts.past();
        let then = past.and_then(|past| Some((past, past.socket(socket)?)));
        let before = then
            .filter(|(past, then)| is_half(past.map.socket(*then)) && !past.is_connected(*then));
        let age = before
            .and_then(|(past, _)| past.host(socket.host))
            .map(|(_, age)| age);
        let kind = if socket.kind == SocketType::Stream {
            "stream"
        } else {
            "seqpacket"
        };
        let netns = socket.netns.unwrap_or(0);
        let mut evidence = vec![format!("{kind}, in network namespace {netns}")];
        evidence.extend(age.map(|age| format!("so it was {} before", duration(age))));
        said.found(Found {
            severity: if age.is_some() {
                Severity::Medium
            } else {
                Severity::Low
            },
            subject: Subject::Socket(id),
            processes: facts.map.holding_processes(id),
            sockets: vec![id],
            title: format!(
                "{} fd {} is connected, and has no other end",
                facts.process(holder.process),
                holder.fd
            ),
            evidence,
            advice: "end the client, or give it a timeout".to_owned(),
        });
    }
    if let Some(why) = undumped.filter(|_| candidates > 0) {
        let sockets = plural(candidates, "socket shows", "sockets show");
        said.unknown(format!("{sockets} no other end, and {why}"));
    }
}

/// Connected as far as its own row says; that it has no connection must be seen besides.
fn is_half(socket: &Socket) -> bool {
    socket.family == Family::Unix
        && matches!(socket.kind, SocketType::Stream | SocketType::Seqpacket)
        && socket.state == SocketState::Established
        && socket.cookie.is_some()
        && socket.shutdown != BOTH
}

/// `SHUTDOWN_MASK`: what the kernel sets when the other end closes.
const BOTH: u8 = 3;

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "connected, and nothing there",
        scene: |scene| {
            let client = scene.process(60, 1, "/usr/bin/client");
            scene.socket(&[(client, 4, Some(true))]);
        },
        finds: &[("WT209", Severity::Low)],
    },
    Case {
        about: "and so it was before",
        scene: |scene| {
            let client = scene.process(60, 1, "/usr/bin/client");
            scene.socket(&[(client, 4, Some(true))]);
            scene.later(5);
        },
        finds: &[("WT209", Severity::Medium)],
    },
    Case {
        about: "the other end has closed",
        scene: |scene| {
            let client = scene.process(60, 1, "/usr/bin/client");
            let id = scene.socket(&[(client, 4, Some(true))]);
            let socket = &mut scene.map.sockets[id.index()];
            (socket.shutdown, socket.state) = (3, SocketState::Closing);
        },
        finds: &[],
    },
    Case {
        about: "a namespace was not read",
        scene: |scene| {
            let client = scene.process(60, 1, "/usr/bin/client");
            scene.socket(&[(client, 4, Some(true))]);
            scene.map.hosts[0].coverage.netns[0].diag = crate::model::Readable::Denied;
        },
        finds: &[],
    },
];
