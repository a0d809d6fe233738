//! WT501: a conversation that the policy does not allow.

use std::collections::BTreeSet;

use crate::check::Facts;
use crate::check::facts::describe::{plural, short_list};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::SocketId;
use crate::policy::role_conversations;

rule! { WT501 "outside-policy", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
A connection that the policy does not allow.

## What it finds
With --policy FILE: connections between roles (unit or container, and program) over a listener that
no entry of the policy allows. All connections of one client role with one server role over one name
are one finding, with the exact addresses as evidence. Connections with an end that could not be
read are unknown. Pipes are not looked at.

## Why it matters
On a machine with one purpose the conversations are few and known. A new one is a change that
was made on purpose, or an intruder.

## Example
    MEDIUM   WT501  backup → postgresql via /run/postgresql/.s.PGSQL.5432 is not in the policy
             1 connection, of backup [912]
             reaches /run/postgresql/.s.PGSQL.5432

## What to do
Where it is right, add it to the policy: whotalks learn writes entries to copy. Otherwise find out
what opened it (whotalks show).

## References
- whotalks learn --help
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let Some(policy) = facts.policy else {
        return;
    };
    let mut unreadable = 0;
    for (conversation, evidence) in role_conversations(facts.map) {
        // A policy is learned without logging by default.
        if policy.allows(&conversation) || evidence.is_log {
            continue;
        }
        if evidence.unreadable {
            unreadable += evidence.connections;
            continue;
        }
        let Some(first) = evidence.sockets.first().copied() else {
            continue;
        };
        let processes: Vec<_> = evidence.processes.into_iter().collect();
        let connections = plural(evidence.connections, "connection", "connections");
        let sockets = evidence.sockets.iter();
        let servers: BTreeSet<String> = sockets.map(|id| server_address(facts, *id)).collect();
        output.finding(RawFinding {
            severity: Severity::Medium,
            subject: Subject::Socket(first),
            title: format!("{conversation} is not in the policy"),
            evidence: vec![
                format!("{connections}, of {}", facts.process_names(&processes)),
                format!("reaches {}", short_list(servers)),
            ],
            processes,
            sockets: evidence.sockets,
            advice: "where it is right, add it to the policy (whotalks learn)".to_owned(),
        });
    }
    if unreadable > 0 {
        let connections = plural(unreadable, "connection", "connections");
        output.unknown(format!(
            "{connections} with a process that could not be read"
        ));
    }
}

/// The exact address that a client is connected to; the names of the policy are masked.
fn server_address(facts: &Facts<'_>, client: SocketId) -> String {
    let connection = facts.connection(client);
    let listener = connection.and_then(|connection| connection.listener);
    match (listener, facts.map.socket(client).remote) {
        (Some(listener), _) => facts.socket_name(listener),
        (None, Some(remote)) => remote.to_string(),
        (None, None) => facts.socket_name(facts.peer(client).unwrap_or(client)),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("a client that is not in the policy", |scene| {
        conversation(scene);
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"\nvia = \"@other\"");
    }),
    Case::quiet("allowed, with a wildcard", |scene| {
        conversation(scene);
        scene.policy("[[allow]]\nclient = \"a*\"\nserver = \"db\"\nvia = \"@db\"");
    }),
    Case::quiet("no policy is given", conversation),
];

#[cfg(test)]
fn conversation(scene: &mut Scene) {
    let app = scene.process(600, 1, "/usr/bin/app");
    let db = scene.process(700, 1, "/usr/bin/db");
    let listener = scene.listener(&[(db, 5, Some(true))], "db");
    scene.accepted(
        &[(app, 5, Some(true))],
        &[(db, 6, Some(true))],
        Some(listener),
    );
}
