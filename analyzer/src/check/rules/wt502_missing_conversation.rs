//! WT502: a conversation that the policy expects and the capture lacks.

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::Case;
use crate::model::HostId;
use crate::policy::{PolicyEntry, role_conversations};

rule! { WT502 "missing-conversation", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
The policy expects a conversation, and nobody has it.

## What it finds
With --policy FILE: entries with expected = true that no connection of the capture fits. Where not
everything was read, it says unknown instead: the conversation may be what was not seen.

## Why it matters
A service that has lost its database, its bus or its log still runs, and looks well until somebody
asks it something.

## Example
    MEDIUM   WT502  checkout → postgresql via /run/postgresql/.s.PGSQL.5432 is missing
             the policy expects it; no connection of the capture fits

## What to do
Look at the client (whotalks show), its log, and whether the server listens. Where the conversation
comes and goes, take expected = true from its entry.

## References
- whotalks learn --help
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let Some(policy) = facts.policy else {
        return;
    };
    let present = role_conversations(facts.map);
    let is_present = |entry: &PolicyEntry| present.keys().any(|known| entry.allows(known));
    let expected = policy.entries.iter().filter(|entry| entry.expected);
    let missing: Vec<_> = expected.filter(|entry| !is_present(entry)).collect();
    let complete = facts.map.hosts.iter().all(|host| host.coverage.complete);
    if !complete && !missing.is_empty() {
        let count = plural(missing.len(), "conversation", "conversations");
        output.unknown(format!("{count} not seen, and not everything was read"));
        return;
    }
    for entry in missing {
        output.finding(RawFinding {
            severity: Severity::Medium,
            subject: Subject::Host(HostId(0)),
            processes: vec![],
            sockets: vec![],
            title: format!("{} is missing", entry.text),
            evidence: vec!["the policy expects it; no connection of the capture fits".to_owned()],
            advice: "look at the client's log, and whether the server listens".to_owned(),
        });
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("a client that is not running", |scene| {
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"\nexpected = true");
    }),
    Case::quiet("only allowed, not expected", |scene| {
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"")
    }),
    Case::quiet("not everything was read", |scene| {
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"\nexpected = true");
        scene.map.hosts[0].coverage.complete = false;
    }),
];
