//! WT502: a conversation that the policy expects and the capture lacks.

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::diff::role;
use crate::model::{FdsStatus, HostId, Process, Readable};
use crate::policy::{PolicyEntry, role_conversations};
use crate::query::Glob;

rule! { WT502 "missing-conversation", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
A connection that the policy expects is missing.

## What it finds
With --policy FILE: entries with expected = true that no connection of the capture fits. Where a
process of the client's or server's role could not be read, it says unknown instead: the
conversation may be what was not seen.

## Why it matters
A service that has lost its database, its bus or its log still runs, and looks healthy until it
is asked for something.

## Example
    MEDIUM   WT502  checkout → postgresql via /run/postgresql/.s.PGSQL.5432 is missing
             the policy expects it; no connection of the capture fits

## What to do
Look at the client (whotalks show), its log, and whether the server listens. Where the conversation
comes and goes, remove expected = true from its entry.

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
    let roles: Vec<String> = facts.map.processes.iter().map(role).collect();
    let (unknown, missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(|entry| {
        [&entry.client, &entry.server]
            .into_iter()
            .any(|glob| may_be_unseen(facts, &roles, glob))
    });
    if !unknown.is_empty() {
        let count = plural(unknown.len(), "conversation", "conversations");
        output.unknown(format!(
            "{count} not seen, and a process of the client or server was not read"
        ));
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

/// Whether what a role does may not have been seen: one of its processes was not read, or its network
/// namespace was not; or it has none that is visible, and others could not be told or are hidden.
fn may_be_unseen(facts: &Facts<'_>, roles: &[String], role: &Glob) -> bool {
    let map = facts.map;
    let is_denied =
        |process: &Process| matches!(process.fds_status, FdsStatus::Partial | FdsStatus::Denied);
    let is_unread_netns = |process: &Process| {
        let all = &map.hosts[process.host.index()].coverage.netns;
        let mut own = all
            .iter()
            .filter(|netns| Some(netns.inode) == process.netns);
        own.any(|netns| netns.diag != Readable::Ok)
    };
    let processes = || map.processes.iter().zip(roles);
    let mut own = processes()
        .filter(|(_, label)| role.matches(label))
        .peekable();
    if own.peek().is_some() {
        return own.any(|(process, _)| is_denied(process) || is_unread_netns(process));
    }
    // Of a process whose executable is not known the role is a guess.
    let is_guess = |process: &Process| is_denied(process) && process.exe.is_empty();
    let coverage = || map.hosts.iter().map(|host| &host.coverage);
    processes().any(|(process, _)| is_guess(process))
        || coverage().any(|coverage| coverage.hidepid || !coverage.damage.is_empty())
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("a client that is not running", |scene| {
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"\nexpected = true");
    }),
    Case::quiet("only allowed, not expected", |scene| {
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"")
    }),
    Case::quiet("a process of the role was not read", |scene| {
        unread(scene, "/usr/bin/db");
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"\nexpected = true");
    }),
    Case::medium("a process of another role was not read", |scene| {
        unread(scene, "/usr/bin/other");
        scene.policy("[[allow]]\nclient = \"app\"\nserver = \"db\"\nexpected = true");
    }),
];

#[cfg(test)]
fn unread(scene: &mut Scene, exe: &str) {
    let id = scene.process(500, 1, exe);
    scene.process_mut(id).fds_status = FdsStatus::Denied;
    scene.map.hosts[0].coverage.complete = false;
}
