//! WT201: a listener's queue is full: whoever connects now waits or is refused.

use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Earlier, Facts, Rule};
use crate::load::syscall::CallKind;
use crate::model::{Family, Socket, SocketId, SocketState};

pub(super) static RULE: Rule = Rule {
    code: "WT201",
    name: "backlog-full",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Helpful,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
A listener's queue is full: whoever connects now waits or is refused.

## What it finds
A listener with more clients waiting to be accepted than its backlog: the kernel admits backlog + 1,
and from then on connect(2) blocks (Unix), fails with EAGAIN where it may not block, or is dropped
(TCP). High where a thread is seen to be blocked in connect, or where it was as full before.

An empty queue is never full, whatever its backlog.

## Why it matters
The server accepts more slowly than its clients come, or not at all. Every further client hangs, and
whoever waits for that client hangs with it.

## Example
    HIGH     WT201  /run/app.sock has 129 clients waiting, backlog 128
             served by puma [812]; 3 threads are blocked in connect

puma issue 1449: a server that had stopped accepting kept its queue full, and its proxy timed out.

## What to do
See what the server waits for (`whotalks show`, `whotalks waits`): mostly it is stuck, seldom too
slow. A larger backlog (and net.core.somaxconn) helps only against short bursts.

## References
- listen(2), connect(2) EAGAIN, unix(7); /proc/sys/net/core/somaxconn
- puma/puma issue 1449; curl/curl pull request 18748
";

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let blocked = facts
        .all_threads()
        .iter()
        .filter(|thread| thread.kind == Some(CallKind::Connect));
    let blocked = blocked.filter(|thread| {
        let socket = thread.descriptor().and_then(|fd| facts.socket_at(fd));
        socket.is_some_and(|id| facts.map.socket(id).family == Family::Unix)
    });
    let blocked = blocked.map(|thread| thread.process).collect::<Vec<_>>();
    let who = facts.programs(&blocked);
    // Where several are full it is not known which of them a client waits for.
    let sole = facts
        .map
        .sockets
        .iter()
        .filter(|socket| full(socket).is_some())
        .count()
        == 1;
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        let Some((pending, backlog)) = full(socket) else {
            continue;
        };
        let id = SocketId::new(at);
        let mut evidence = vec![format!("served by {}", facts.owner(id))];
        let mut processes = facts.map.holding_processes(id);
        let waits = socket.family == Family::Unix && !blocked.is_empty();
        if waits {
            let threads = plural(blocked.len(), "thread is", "threads are");
            evidence.push(format!(
                "{threads} blocked in connect on a Unix socket: {who}"
            ));
            if sole {
                processes.extend(&blocked);
            }
        }
        let before = facts.past().and_then(|past| {
            let then = past.map.socket(past.socket(socket)?);
            full(then)?;
            Some(past.host(socket.host)?.1)
        });
        evidence.extend(before.map(|age| format!("it was as full {} before", duration(age))));
        said.found(Found {
            severity: if waits || before.is_some() {
                Severity::High
            } else {
                Severity::Medium
            },
            subject: Subject::Socket(id),
            processes,
            sockets: vec![id],
            title: format!(
                "{} has {}, backlog {backlog}",
                facts.socket(id),
                plural(pending as usize, "client waiting", "clients waiting")
            ),
            evidence,
            advice: "see what the server waits for (whotalks waits)".to_owned(),
        });
    }
    if let Some(why) = facts.undumped() {
        said.unknown(why);
    }
}

/// Pending clients and backlog of a listener that admits no more.
fn full(socket: &Socket) -> Option<(u32, u32)> {
    let (pending, backlog) = (socket.pending?, socket.backlog?);
    (socket.state == SocketState::Listening && pending > backlog).then_some((pending, backlog))
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "one more than the backlog",
        scene: |scene| full_queue(scene, 6),
        finds: &[("WT201", Severity::Medium)],
    },
    Case {
        about: "and a client blocked in connect",
        scene: |scene| {
            full_queue(scene, 6);
            let client = scene.process(60, 1, "/usr/bin/client");
            let socket = scene.socket(&[(client, 3, None)]);
            scene.map.sockets[socket.index()].state = SocketState::Unconnected;
            scene.blocked(client, 42, 3);
        },
        finds: &[("WT201", Severity::High)],
    },
    Case {
        about: "room for one",
        scene: |scene| full_queue(scene, 5),
        finds: &[],
    },
    Case {
        about: "listen(0), and nobody comes",
        scene: |scene| {
            full_queue(scene, 0);
            scene.map.sockets[0].backlog = Some(0);
        },
        finds: &[],
    },
];

#[cfg(test)]
fn full_queue(scene: &mut crate::check::fixture::Scene, pending: u32) {
    let server = scene.process(50, 1, "/usr/bin/server");
    let listener = scene.listener(&[(server, 3, Some(true))], "app");
    scene.map.sockets[listener.index()].pending = Some(pending);
}
