//! WT202: a server that does not accept: the same client still waits in its queue.

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Connection, ConnectionState, SocketId};
use std::collections::BTreeMap;

rule! { WT202 "acceptor-stuck", High, since "0.1.0", earlier Needed }

const DOC: &str = "\
A server does not accept: the same client still waits in its queue.

## What it finds
Given two captures of one boot: a client that waits to be accepted in both, at the same listener.
Sockets are told by their cookies, so it is the same client, not another like it. Low where the
captures are close together, high where ten seconds and more lie between them.

A single capture cannot show it, and it says nothing then.

## Why it matters
The client has sent its request and waits for an answer. Nothing fails, nothing is logged: the
server is alive, listens, and does not come round to it.

## Example
    HIGH     WT202  /run/app.sock: 3 clients wait since 12 s to be accepted
             first: nginx [812]; server: app [900]

## What to do
See what the server's threads are blocked in (`whotalks waits`, gdb, a stack dump).

## References
- accept(2), listen(2)
- puma/puma issue 1449
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let Some(history) = facts.history() else {
        return;
    };
    let pending = |connection: &&Connection| connection.state == ConnectionState::Pending;
    let before = history.map.connections.iter().filter(pending);
    let before: BTreeMap<SocketId, Option<SocketId>> = before
        .map(|connection| (connection.a, connection.listener))
        .collect();
    let mut stuck: BTreeMap<SocketId, Vec<SocketId>> = BTreeMap::new();
    for connection in facts.map.connections.iter().filter(pending) {
        let Some(listener) = connection.listener else {
            continue;
        };
        let client = history.socket(facts.map.socket(connection.a));
        let server = history.socket(facts.map.socket(listener));
        let awaited = client.and_then(|client| before.get(&client));
        if server.is_some() && awaited == Some(&server) {
            stuck.entry(listener).or_default().push(connection.a);
        }
    }
    for (listener, clients) in stuck {
        let host = facts.map.socket(listener).host;
        let age = history.host(host).map_or(0, |(_, age)| age);
        let first = clients[0];
        let (name, since) = (facts.socket_name(listener), duration(age));
        let (client, server) = (facts.owner(first), facts.owner(listener));
        let wait = plural(clients.len(), "client waits", "clients wait");
        let mut processes = facts.map.holding_processes(listener);
        processes.extend(facts.holders_of(&clients));
        let mut sockets = vec![listener];
        sockets.extend(&clients);
        output.finding(RawFinding {
            severity: match age {
                0..1_000_000_000 => Severity::Low,
                1_000_000_000..10_000_000_000 => Severity::Medium,
                _ => Severity::High,
            },
            subject: Subject::Socket(listener),
            processes,
            title: format!("{name}: {wait} since {since} to be accepted"),
            sockets,
            evidence: vec![
                format!("first: {client}; server: {server}"),
                format!("in both captures: socket {}", facts.map.socket(first).inode),
            ],
            advice: "see what the server's threads wait for (whotalks waits)".to_owned(),
        });
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("the same client after half a minute", |scene| {
        waiting(scene);
        scene.advance(30);
    }),
    Case::quiet("another client", |scene| {
        let client = waiting(scene);
        scene.advance(30);
        scene.socket_mut(client).cookie = Some(7_777);
    }),
    Case::quiet("one capture", |scene| {
        waiting(scene);
    }),
];

#[cfg(test)]
fn waiting(scene: &mut Scene) -> SocketId {
    let server = scene.process(50, 1, "/usr/bin/server");
    let client = scene.process(60, 1, "/usr/bin/client");
    let listener = scene.listener(&[(server, 3, Some(true))], "app");
    scene.socket_mut(listener).pending = Some(1);
    scene.pending_client(&[(client, 4, Some(true))], listener)
}
