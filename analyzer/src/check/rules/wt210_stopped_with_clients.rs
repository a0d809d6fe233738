//! WT210: a stopped process that clients wait for.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::Stop;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{
    Connection, ConnectionState, Family, FdTarget, ProcessId, SocketId, SocketState, SocketType,
};

rule! { WT210 "stopped-with-clients", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A process is stopped while clients wait for it.

## What it finds
A process in state T (stopped by a signal), in state t (stopped by a tracer) or in a frozen control
group, where no other process serves its sockets. High with clients in a listener's queue, or with
requests that it has not read; medium where a thread is merely blocked on a connection to it.

A stopped process that nothing waits for is not reported, nor one whose tracer is about to continue
it, as strace does at every call.

## Why it matters
The kernel goes on accepting connections and data for a stopped process, so its clients see no
error: they hang until it continues, and so does everything that waits for them.

## Example
    HIGH     WT210  redis-server [812] is stopped, and 3 clients wait for it
             state T: stopped by a signal
             127.0.0.1:6379: 3 clients in the queue

## What to do
Find out who stopped it (a terminal's Ctrl-Z, a debugger, a script that sent SIGSTOP, a paused
container), then continue it: `kill -CONT PID`, `docker unpause`, or detach the debugger.

## References
- proc_pid_stat(5) state, signal(7) SIGSTOP, ptrace(2), cgroups(7) freezer
";

/// What waits for one stopped process.
#[derive(Default)]
struct Waiting {
    /// Clients in queues of its listeners.
    pending: usize,
    /// Requests that it has not read: sockets.
    unread: Vec<SocketId>,
    /// Processes that are blocked on a connection to it.
    blocked: Vec<ProcessId>,
    /// Its listeners and receivers with a queue.
    queues: Vec<String>,
    sockets: Vec<SocketId>,
    processes: Vec<ProcessId>,
}

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    output.unknowns(facts.missing_states());
    let ids = (0..facts.map.processes.len()).map(ProcessId::new);
    let stops: BTreeMap<ProcessId, Stop> =
        ids.filter_map(|id| Some((id, facts.stop(id)?))).collect();
    if stops.is_empty() {
        return;
    }
    let mut waiting: BTreeMap<ProcessId, Waiting> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let queued = match (socket.state, socket.kind) {
            (SocketState::Listening, _) => socket.pending.unwrap_or(0) as usize,
            (SocketState::Unconnected, SocketType::Dgram) => {
                usize::from(socket.recv_queue_bytes > 0 && is_named(facts, id))
            }
            _ => 0,
        };
        if queued == 0 {
            continue;
        }
        if let Some(server) = stopped_server(facts, &stops, id) {
            let waiting = waiting.entry(server).or_default();
            let name = facts.socket_name(id);
            if socket.state == SocketState::Listening {
                waiting.pending += queued;
                let clients = plural(queued, "client", "clients");
                waiting
                    .queues
                    .push(format!("{name}: {clients} in the queue"));
            } else {
                waiting.unread.push(id);
                waiting.queues.push(format!("{name}: unread datagrams"));
            }
            waiting.sockets.push(id);
        }
    }
    let mut is_unsure = false;
    for connection in &facts.map.connections {
        let Connection { a, b, state, .. } = connection;
        if *state != ConnectionState::Established {
            continue;
        }
        let server = facts.server_end(connection);
        let ends = [(Some(*a), *b), (*b, Some(*a))];
        for (served, client) in ends {
            let Some(served) = served.filter(|end| server.is_none_or(|server| server == *end))
            else {
                continue;
            };
            let Some(process) = stopped_server(facts, &stops, served) else {
                continue;
            };
            let unread = server.is_some() && facts.map.socket(served).recv_queue_bytes > 0;
            let clients = client.map_or(&[][..], |client| facts.map.holders(client));
            let clients = clients.iter().filter(|h| !stops.contains_key(&h.process));
            let blocked = clients.clone().filter(|holder| {
                let waits = |id| {
                    let target = FdTarget::Socket(id);
                    facts.waits_on(holder, &target) || facts.polls_alone(holder.process, &target)
                };
                client.is_some_and(waits)
            });
            let blocked: Vec<ProcessId> = blocked.map(|holder| holder.process).collect();
            is_unsure |= clients
                .clone()
                .any(|holder| facts.threads(holder.process).is_empty());
            if !unread && blocked.is_empty() {
                continue;
            }
            let waiting = waiting.entry(process).or_default();
            waiting.unread.extend(unread.then_some(served));
            waiting
                .processes
                .extend(clients.map(|holder| holder.process));
            waiting.blocked.extend(blocked);
            waiting.sockets.push(served);
            waiting.sockets.extend(client);
        }
    }
    let some_are_idle = waiting.len() < stops.len();
    for (server, waiting) in waiting {
        output.finding(finding(facts, server, stops[&server], waiting));
    }
    if is_unsure && some_are_idle {
        output.unknown("what the clients of stopped processes wait for was not captured");
    }
    if some_are_idle {
        output.unknowns(facts.missing_holders());
    }
}

/// The first of the processes that use a socket, if all of them are stopped.
fn stopped_server(
    facts: &Facts<'_>,
    stops: &BTreeMap<ProcessId, Stop>,
    socket: SocketId,
) -> Option<ProcessId> {
    let users = facts.map.using_processes(socket);
    let all = users.iter().all(|user| stops.contains_key(user));
    users.first().copied().filter(|_| all)
}

/// Whether others can send to a datagram socket by its name or port.
fn is_named(facts: &Facts<'_>, id: SocketId) -> bool {
    let socket = facts.map.socket(id);
    match socket.family {
        Family::Unix => socket.name.is_some(),
        Family::Inet | Family::Inet6 => {
            let is_receiver = |connection: &Connection| connection.b == Some(id);
            facts.connection(id).is_some_and(is_receiver)
                || socket.local.is_some_and(|local| local.is_service())
        }
        _ => false,
    }
}

fn finding(facts: &Facts<'_>, server: ProcessId, stop: Stop, waiting: Waiting) -> RawFinding {
    let mut evidence = vec![facts.stop_text(stop)];
    let more = waiting.queues.len().saturating_sub(4);
    evidence.extend(waiting.queues.into_iter().take(4));
    if more > 0 {
        evidence.push(format!("{more} more queues"));
    }
    let mut unread = waiting.unread;
    unread.sort_unstable();
    unread.dedup();
    if !unread.is_empty() {
        let sockets = plural(unread.len(), "socket", "sockets");
        evidence.push(format!("unread requests on {sockets}"));
    }
    let mut blocked = waiting.blocked;
    blocked.sort_unstable();
    blocked.dedup();
    if !blocked.is_empty() {
        let names = facts.process_names(&blocked);
        evidence.push(format!("blocked on a connection to it: {names}"));
    }
    let count = waiting.pending + unread.len().max(blocked.len());
    let clients = plural(count, "client waits", "clients wait");
    let name = facts.process_name(server);
    let mut processes = vec![server];
    processes.extend(waiting.processes);
    RawFinding {
        severity: Severity::Medium.raised_if(waiting.pending + unread.len() > 0),
        subject: Subject::Process(server),
        processes,
        sockets: waiting.sockets,
        title: format!("{name} is stopped, and {clients} for it"),
        evidence,
        advice: "find out who stopped it, then continue it (kill -CONT)".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("clients in the queue of a stopped server", |scene| {
        let (server, _) = client_and_server(scene);
        let listener = scene.listener(&[(server, 7, Some(true))], "app");
        scene.socket_mut(listener).pending = Some(2);
        scene.process_mut(server).state = b'T';
    }),
    Case::high("a request that a stopped server does not read", |scene| {
        let (server, _) = client_and_server(scene);
        scene.process_mut(server).state = b'T';
        let end = scene.map.connections[0].b.map(|b| b.index());
        scene.map.sockets[end.unwrap_or_default()].recv_queue_bytes = 7;
    }),
    Case::medium("a client that waits for an answer", |scene| {
        let (server, client) = client_and_server(scene);
        scene.process_mut(server).state = b'T';
        scene.blocked(client, 45, 4);
    }),
    Case::high("a control group is frozen", |scene| {
        let (server, _) = client_and_server(scene);
        let listener = scene.listener(&[(server, 7, Some(true))], "app");
        scene.socket_mut(listener).pending = Some(2);
        scene.blocked(server, 232, 9);
        scene.map.waits[0].wchan = (*b"do_freezer_trap").into();
    }),
    Case::quiet("nobody waits for it", |scene| {
        let (server, client) = client_and_server(scene);
        scene.process_mut(server).state = b'T';
        scene.blocked(client, 61, 0);
    }),
    Case::quiet("the client is stopped, and its server reads", |scene| {
        let (server, client) = client_and_server(scene);
        scene.process_mut(client).state = b'T';
        scene.blocked(server, 45, 5);
    }),
    Case::quiet("strace stops it for a moment", |scene| {
        let (server, _) = client_and_server(scene);
        let listener = scene.listener(&[(server, 7, Some(true))], "app");
        scene.socket_mut(listener).pending = Some(1);
        scene.process_mut(server).state = b't';
        let tracer = scene.process(900, 1, "/usr/bin/strace");
        scene.blocked(tracer, 61, 0);
        scene.process_mut(server).tracer_pid = Some(900);
    }),
    Case::quiet("a sibling serves the same listener", |scene| {
        let one = scene.process(600, 1, "/usr/sbin/app");
        let two = scene.process(601, 1, "/usr/sbin/app");
        let listener = scene.listener(&[(one, 7, Some(true)), (two, 7, Some(true))], "app");
        scene.socket_mut(listener).pending = Some(2);
        scene.process_mut(one).state = b'T';
        scene.blocked(two, 288, 7);
    }),
];

/// A server on descriptor 5, and its client on descriptor 4.
#[cfg(test)]
fn client_and_server(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let server = scene.process(600, 1, "/usr/sbin/app");
    let client = scene.process(700, 1, "/usr/bin/client");
    let listener = scene.listener(&[(server, 3, Some(true))], "main");
    let ends = ([(client, 4, Some(true))], [(server, 5, Some(true))]);
    scene.accepted(&ends.0, &ends.1, Some(listener));
    (server, client)
}
