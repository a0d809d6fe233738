//! WT201: a listener's queue is full, so that connecting clients wait or are refused.

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::syscall::CallKind;
use crate::model::{Family, FdTarget, ProcessId, Socket, SocketState};

rule! { WT201 "backlog-full", High, since "0.1.0", earlier Helpful }

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

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let connecting = facts.blocked_in(CallKind::Connect);
    let blocked = connecting.filter(|(_, call)| match call.target {
        FdTarget::Socket(id) => facts.map.socket(id).family == Family::Unix,
        _ => false,
    });
    let blocked: Vec<ProcessId> = blocked.map(|(process, _)| process).collect();
    let blocked_names = facts.program_names(&blocked);
    // Which of several full queues a client waits for is not known.
    let full = facts.map.sockets.iter().filter_map(full_queue);
    let is_only_one = full.count() == 1;
    for (id, socket) in facts.sockets() {
        let Some((pending, backlog)) = full_queue(socket) else {
            continue;
        };
        let mut evidence = vec![format!("served by {}", facts.owner(id))];
        let mut processes = facts.map.holding_processes(id);
        let has_waiting = socket.family == Family::Unix && !blocked.is_empty();
        if has_waiting {
            let threads = plural(blocked.len(), "thread is", "threads are");
            let what = "blocked in connect on a Unix socket";
            evidence.push(format!("{threads} {what}: {blocked_names}"));
            if is_only_one {
                processes.extend(&blocked);
            }
        }
        let before = facts.age_ns_where(id, |earlier| full_queue(earlier.socket).is_some());
        evidence.extend(before.map(|age| format!("it was as full {} before", duration(age))));
        let name = facts.socket_name(id);
        let clients = plural(pending as usize, "client waiting", "clients waiting");
        output.finding(RawFinding {
            severity: Severity::Medium.raised_if(has_waiting || before.is_some()),
            subject: Subject::Socket(id),
            processes,
            sockets: vec![id],
            title: format!("{name} has {clients}, backlog {backlog}"),
            evidence,
            advice: "see what the server waits for (whotalks waits)".to_owned(),
        });
    }
    output.unknowns(facts.missing_dumps());
}

/// Pending clients and backlog of a listener whose queue is full.
fn full_queue(socket: &Socket) -> Option<(u32, u32)> {
    let (pending, backlog) = (socket.pending?, socket.backlog?);
    (socket.state == SocketState::Listening && pending > backlog).then_some((pending, backlog))
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("one more than the backlog", |scene| listener(scene, 6)),
    Case::high(
        "one more than the backlog, and a client blocked in connect",
        |scene| {
            listener(scene, 6);
            let client = scene.process(60, 1, "/usr/bin/client");
            let socket = scene.socket(&[(client, 3, None)]);
            scene.socket_mut(socket).state = SocketState::Unconnected;
            scene.blocked(client, 42, 3);
        },
    ),
    Case::quiet("as many as the backlog", |scene| listener(scene, 5)),
    Case::quiet("listen(0), and no client", |scene| {
        listener(scene, 0);
        scene.map.sockets[0].backlog = Some(0);
    }),
];

#[cfg(test)]
fn listener(scene: &mut Scene, pending: u32) {
    let server = scene.process(50, 1, "/usr/bin/server");
    let listener = scene.listener(&[(server, 3, Some(true))], "app");
    scene.socket_mut(listener).pending = Some(pending);
}
