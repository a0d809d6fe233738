//! WT501: a conversation that the policy does not allow.

use crate::check::facts::words::plural;
use crate::check::finding::{Found, Said, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Facts, Rule};
use crate::policy::conversations;

pub(super) static RULE: Rule = Rule {
    code: "WT501",
    name: "outside-policy",
    severity: Severity::Medium,
    since: "0.1.0",
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
are one finding. Connections with an end that could not be read are
unknown. Pipes are not looked at.

## Why it matters
On a machine with one purpose the conversations are few and known. A new one is a change that
somebody made, or somebody who should not be there.

## Example
    MEDIUM   WT501  backup → postgresql via /run/postgresql/.s.PGSQL.5432 is not in the policy
             1 connection, by backup [912]

## What to do
Where it is right, add it to the policy: whotalks learn writes entries to copy. Else find out who
began it (whotalks show).

## References
- whotalks learn --help
";

fn check(facts: &Facts<'_>, said: &mut Said) {
    let Some(policy) = facts.policy else {
        return;
    };
    let mut unreadable = 0;
    for (conversation, evidence) in conversations(facts.map) {
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
        said.found(Found {
            severity: Severity::Medium,
            subject: Subject::Socket(first),
            title: format!("{conversation} is not in the policy"),
            evidence: vec![format!("{connections}, of {}", facts.processes(&processes))],
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
