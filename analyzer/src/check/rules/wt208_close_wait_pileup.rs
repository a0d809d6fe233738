//! WT208: connections that the other end has closed pile up in a process.

use crate::check::facts::describe::{duration, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{Address, Map, ProcessId, SocketId, SocketState};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static RULE: Rule = Rule {
    code: "WT208",
    name: "close-wait-pileup",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Needed,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Connections that the other end has closed pile up in a process.

## What it finds
TCP sockets in CLOSE-WAIT that a process holds: the other end has closed, this one has not.
Sixteen and more in one process, or given two captures, ever more of them or the same ones after
ten seconds.

A few at a time are normal: each connection passes through that state.

## Why it matters
CLOSE-WAIT has no timeout. It ends when the program closes the socket, so these are leaked
descriptors, and their number grows until accept(2) fails with EMFILE. Often the worker that
should have closed them is stuck.

## Example
    MEDIUM   WT208  app [812] has 48 connections in CLOSE-WAIT
             from 10.0.4.7, 10.0.4.9; oldest fd 12

http-kit issue 326: they grew for a week, until it failed with \"Too many open files\".

## What to do
Close the socket when read(2) returns 0. Where a pool keeps connections, let it test them and drop
those that are closed.

## References
- tcp(7); RFC 9293, section 3.3.2
- http-kit/http-kit issue 326
";

const MANY: usize = 16;
const VERY_MANY: usize = 100;
/// So many that are the same after so long are leaked.
const SAME: usize = 4;
const LONG_NS: u64 = 10_000_000_000;

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let before = facts
        .past()
        .map(|past| by_process(&past.map))
        .unwrap_or_default();
    for (process, sockets) in by_process(facts.map) {
        let count = sockets.len();
        let past = facts.past();
        let then = past.and_then(|past| past.process(facts.map.process(process)));
        let then = then.and_then(|then| before.get(&then)).map_or(0, Vec::len);
        let age = past.and_then(|past| past.host(facts.map.process(process).host));
        let age = age.map_or(0, |(_, age)| age);
        let same = sockets.iter().filter(|id| {
            let then =
                past.and_then(|past| Some(past.map.socket(past.socket(facts.map.socket(**id))?)));
            then.is_some_and(|then| then.state == SocketState::CloseWait)
        });
        let same = same.count();
        let rising = past.is_some() && count >= then + MANY / 2;
        let severity = match count {
            VERY_MANY.. => Severity::High,
            MANY.. => Severity::Medium,
            _ if rising => Severity::Medium,
            _ if same >= SAME && age >= LONG_NS => Severity::Low,
            _ => continue,
        };
        said.found(found(facts, severity, process, sockets, (same, then, age)));
    }
}

/// Sockets in CLOSE-WAIT by their first holder.
fn by_process(map: &Map) -> BTreeMap<ProcessId, Vec<SocketId>> {
    let mut waiting: BTreeMap<ProcessId, Vec<SocketId>> = BTreeMap::new();
    for (at, socket) in map.sockets.iter().enumerate() {
        let id = SocketId::new(at);
        if socket.state == SocketState::CloseWait
            && let Some(holder) = map.holders(id).first()
        {
            waiting.entry(holder.process).or_default().push(id);
        }
    }
    waiting
}

fn found(
    facts: &Facts<'_>,
    severity: Severity,
    process: ProcessId,
    sockets: Vec<SocketId>,
    (same, then, age): (usize, usize, u64),
) -> Found {
    let remotes: BTreeSet<String> = sockets
        .iter()
        .filter_map(|id| match facts.map.socket(*id).remote? {
            Address::Ip(ip, _) => Some(ip.to_canonical().to_string()),
            Address::Vsock(cid, _) => Some(format!("vsock {cid}")),
        })
        .collect();
    let mut evidence = vec![format!("closed by {}", some(remotes.into_iter()))];
    if age > 0 {
        evidence.push(format!(
            "{then} {} before, {same} of them the same",
            duration(age)
        ));
    }
    let queued = sockets
        .iter()
        .filter(|id| facts.map.socket(**id).recv_queue_bytes > 0)
        .count();
    if queued > 0 {
        evidence.push(format!("{queued} with bytes that were never read"));
    }
    Found {
        severity,
        subject: Subject::Process(process),
        processes: vec![process],
        title: format!(
            "{} has {} connections in CLOSE-WAIT",
            facts.process(process),
            sockets.len()
        ),
        sockets,
        evidence,
        advice: "close the socket when read returns 0".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "many",
        scene: |scene| closed(scene, 20),
        finds: &[("WT208", Severity::Medium)],
    },
    Case {
        about: "very many",
        scene: |scene| closed(scene, 120),
        finds: &[("WT208", Severity::High)],
    },
    Case {
        about: "the same five after a minute",
        scene: |scene| {
            closed(scene, 5);
            scene.later(60);
        },
        finds: &[("WT208", Severity::Low)],
    },
    Case {
        about: "a few",
        scene: |scene| closed(scene, 5),
        finds: &[],
    },
];

#[cfg(test)]
fn closed(scene: &mut crate::check::fixture::Scene, count: u32) {
    let app = scene.process(60, 1, "/usr/bin/app");
    for fd in 3..3 + count {
        let id = scene.socket(&[(app, fd, Some(true))]);
        let socket = &mut scene.map.sockets[id.index()];
        socket.family = crate::model::Family::Inet;
        socket.state = SocketState::CloseWait;
        socket.remote = Some(Address::Ip([10, 0, 4, 7].into(), 4_000));
    }
}
