//! WT501: a conversation that the policy does not allow.

use std::collections::BTreeSet;

use crate::check::facts::describe::{plural, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Earlier, Facts, Rule};
use crate::model::SocketId;
use crate::policy::role_conversations;

pub(super) static RULE: Rule = Rule {
    code: "WT501",
    name: "outside-policy",
    severity: Severity::Medium,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Somebody talks to somebody, and the policy does not allow it.

## What it finds
With --policy FILE: connections between roles (unit or container, and program) over a listener that
no entry of the policy allows. All connections of one client role with one server role over one name
are one finding, with the exact addresses as evidence. Connections with an end that could not be
read are unknown. Pipes are not looked at.

## Why it matters
On a machine with one purpose the conversations are few and known. A new one is a change that
somebody made, or somebody who should not be there.

## Example
    MEDIUM   WT501  backup → postgresql via /run/postgresql/.s.PGSQL.5432 is not in the policy
             1 connection, of backup [912]
             reaches /run/postgresql/.s.PGSQL.5432

## What to do
Where it is right, add it to the policy: whotalks learn writes entries to copy. Else find out who
began it (whotalks show).

## References
- whotalks learn --help
";

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let Some(policy) = facts.policy else {
        return;
    };
    let mut unreadable = 0;
    for (conversation, evidence) in role_conversations(facts.map) {
        if policy.allows(&conversation) {
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
        let exact: BTreeSet<String> = evidence
            .sockets
            .iter()
            .map(|socket| reached(facts, *socket))
            .collect();
        let exact: Vec<String> = exact.into_iter().collect();
        said.found(Found {
            severity: Severity::Medium,
            subject: Subject::Socket(first),
            title: format!("{conversation} is not in the policy"),
            evidence: vec![
                format!("{connections}, of {}", facts.processes(&processes)),
                format!("reaches {}", some(exact.into_iter())),
            ],
            processes,
            sockets: evidence.sockets,
            advice: "where it is right, add it to the policy (whotalks learn)".to_owned(),
        });
    }
    if unreadable > 0 {
        let connections = plural(unreadable, "connection", "connections");
        said.unknown(format!("{connections} with somebody who could not be read"));
    }
}

/// What the first end of a connection reaches, exactly: the policy's names leave out what differs
/// from run to run.
fn reached(facts: &Facts<'_>, client: SocketId) -> String {
    let listener = facts.connection(client).and_then(|one| one.listener);
    let remote = facts
        .map
        .socket(client)
        .remote
        .map(|address| address.to_string());
    match (listener, facts.peer(client)) {
        (Some(listener), _) => facts.socket(listener),
        (None, Some(peer)) => remote.unwrap_or_else(|| facts.socket(peer)),
        (None, None) => remote.unwrap_or_else(|| facts.socket(client)),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "a client that is not in the policy",
        scene: |scene| {
            talk(scene);
            scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"\nvia = \"@other\"");
        },
        finds: &[("WT501", Severity::Medium)],
    },
    Case {
        about: "allowed, with a wildcard",
        scene: |scene| {
            talk(scene);
            scene.policy("[[allow]]\nclient = \"a*\"\nserver = \"db\"\nvia = \"@db\"");
        },
        finds: &[],
    },
    Case {
        about: "no policy is given",
        scene: talk,
        finds: &[],
    },
];

#[cfg(test)]
fn talk(scene: &mut Scene) {
    let app = scene.process(600, 1, "/usr/bin/app");
    let db = scene.process(700, 1, "/usr/bin/db");
    let listener = scene.listener(&[(db, 5, Some(true))], "db");
    scene.accepted(
        &[(app, 5, Some(true))],
        &[(db, 6, Some(true))],
        Some(listener),
    );
}
