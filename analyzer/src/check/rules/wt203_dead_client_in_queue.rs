//! WT203: clients that have closed their socket and are still in a listener's queue.

use crate::check::Facts;
use crate::check::facts::EarlierSocket;
use crate::check::facts::dead_clients::{dead_clients, dead_tcp_clients};
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};

rule! { WT203 "dead-client-in-queue", Medium, since "0.1.0", earlier Helpful }

const DOC: &str = "\
Clients that have gone are still in a listener's queue.

## What it finds
Entries in a listener's queue whose client has closed its end and gone. The server has not accepted
them yet, and will find nobody there when it does. Medium where they fill the queue, or where a
second capture shows the same queue no shorter. Of TCP these are the connections in state CLOSE-WAIT
that nobody has accepted and that no socket of this machine is the other end of.

## Why it matters
They show that the server is behind: clients gave up waiting. Each takes a place in the backlog, so
that a living client may find the queue full. Where nobody accepts any more (a listener that is held
by a program that forgot it) they stay for ever.

## Example
    MEDIUM   WT203  /run/app.sock: 4 of 5 clients in the queue are gone
             served by app [812], backlog 4

## What to do
See why the server does not accept (`whotalks waits`). After accept(2) such a connection reads its
end at once; that must not be treated as an error of the server's.

## References
- accept(2), listen(2), sock_diag(7) UDIAG_SHOW_ICONS
- checkpoint-restore/criu pull request 1804
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let unix = dead_clients(facts.map, &facts.captures);
    for (listener, dead) in unix.into_iter().chain(dead_tcp_clients(facts.map)) {
        let socket = facts.map.socket(listener);
        let pending = socket.pending.unwrap_or(0).max(dead);
        let backlog = socket.backlog.unwrap_or(0);
        let fills = dead > backlog / 2 && dead >= 2;
        let was_as_long = |earlier: &EarlierSocket<'_>| earlier.socket.pending >= Some(dead);
        let before = facts.age_ns_where(listener, was_as_long);
        let server = facts.owner(listener);
        let mut evidence = vec![format!("served by {server}, backlog {backlog}")];
        let unchanged = |age| format!("the queue was as long {} before", duration(age));
        evidence.extend(before.map(unchanged));
        let name = facts.socket_name(listener);
        let (one, many) = ("client in the queue is", "clients in the queue are");
        let clients = plural(pending as usize, one, many);
        output.finding(RawFinding {
            severity: Severity::Low.raised_if(fills || before.is_some()),
            subject: Subject::Socket(listener),
            processes: facts.map.holding_processes(listener),
            sockets: vec![listener],
            title: format!("{name}: {dead} of {clients} gone"),
            evidence,
            advice: "see why the server does not accept (whotalks waits)".to_owned(),
        });
    }
    output.unknowns(facts.missing_dumps());
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::low("one that has closed", |scene| queue(scene, &[0, 1_001])),
    Case::medium("a queue of those", |scene| queue(scene, &[0, 0, 0, 0])),
    Case::low("a TCP client that has closed", |scene| {
        let server = scene.process(50, 1, "/usr/bin/server");
        let listener = scene.tcp_listener(&[(server, 3, Some(true))], 80);
        scene.socket_mut(listener).pending = Some(1);
        unaccepted(scene, listener, crate::model::SocketState::CloseWait);
    }),
    Case::quiet("a TCP client that waits", |scene| {
        let server = scene.process(50, 1, "/usr/bin/server");
        let listener = scene.tcp_listener(&[(server, 3, Some(true))], 80);
        unaccepted(scene, listener, crate::model::SocketState::Pending);
    }),
    Case::quiet("living clients", |scene| queue(scene, &[1_001, 1_002])),
];

/// A listener with these inodes in its queue, as a dump of the kernel has them.
#[cfg(test)]
fn queue(scene: &mut Scene, waiting: &[u32]) {
    let server = scene.process(50, 1, "/usr/bin/server");
    let listener = scene.listener(&[(server, 3, Some(true))], "app");
    let socket = scene.socket_mut(listener);
    socket.pending = Some(waiting.len() as u32);
    let list: Vec<u8> = waiting
        .iter()
        .flat_map(|inode| inode.to_le_bytes())
        .collect();
    let bytes = |number: usize| u32::try_from(number).unwrap_or_default().to_le_bytes();
    let attribute = [&(4 + list.len() as u16).to_le_bytes()[..], &[3, 0], &list].concat();
    let (inode, cookie) = (socket.inode as usize, socket.cookie.unwrap_or(0));
    let row = [
        &[1, 1, 10, 0][..],
        &bytes(inode),
        &cookie.to_le_bytes(),
        &attribute,
    ]
    .concat();
    let head = [
        &bytes(16 + row.len())[..],
        &[20, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let header = whotalks_snapshot::records::RawHeader {
        source: b"diag/unix-pending".to_vec(),
        netns: 1,
        last: true,
        ..Default::default()
    };
    scene.table(header, [head, row].concat());
}

/// A connection in a TCP listener's queue.
#[cfg(test)]
fn unaccepted(
    scene: &mut Scene,
    listener: crate::model::SocketId,
    state: crate::model::SocketState,
) {
    let end = scene.tcp_socket(&[], 80);
    let socket = scene.socket_mut(end);
    (socket.inode, socket.state) = (0, state);
    scene.map.connect(end, None, Some(listener));
}
