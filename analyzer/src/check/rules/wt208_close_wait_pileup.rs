//! WT208: connections in CLOSE-WAIT that pile up in a process.

use crate::check::Facts;
use crate::check::facts::describe::{duration, short_list};
use crate::check::facts::{EarlierSocket, LONG_NS};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Address, Map, ProcessId, SocketId, SocketState};
use std::collections::{BTreeMap, BTreeSet};

rule! { WT208 "close-wait-pileup", High, since "0.1.0", earlier Needed }

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
/// As many that stay in CLOSE-WAIT for [`LONG_NS`] are leaked.
const MANY_UNCHANGED: usize = 4;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let history = facts.history();
    let before = history.map_or_else(BTreeMap::new, |history| by_process(&history.map));
    for (process, sockets) in by_process(facts.map) {
        let count = sockets.len();
        let now = facts.map.process(process);
        let then = history.and_then(|history| history.process(now));
        let then = then.and_then(|then| before.get(&then)).map_or(0, Vec::len);
        let age = history.and_then(|history| history.host(now.host));
        let age = age.map_or(0, |(_, age)| age);
        let was_so = |earlier: &EarlierSocket<'_>| earlier.socket.state == SocketState::CloseWait;
        let unchanged = sockets
            .iter()
            .filter_map(|id| facts.age_ns_where(*id, was_so));
        let unchanged = unchanged.count();
        let rising = history.is_some() && count >= then + MANY / 2;
        let severity = match count {
            VERY_MANY.. => Severity::High,
            MANY.. => Severity::Medium,
            _ if rising => Severity::Medium,
            _ if unchanged >= MANY_UNCHANGED && age >= LONG_NS => Severity::Low,
            _ => continue,
        };
        let counts = (unchanged, then, age);
        output.finding(finding(facts, severity, process, sockets, counts));
    }
}

/// Sockets in CLOSE-WAIT, by their first holder.
fn by_process(map: &Map) -> BTreeMap<ProcessId, Vec<SocketId>> {
    let mut waiting: BTreeMap<ProcessId, Vec<SocketId>> = BTreeMap::new();
    for (index, socket) in map.sockets.iter().enumerate() {
        let id = SocketId::new(index);
        if socket.state == SocketState::CloseWait
            && let Some(holder) = map.holders(id).first()
        {
            waiting.entry(holder.process).or_default().push(id);
        }
    }
    waiting
}

fn finding(
    facts: &Facts<'_>,
    severity: Severity,
    process: ProcessId,
    sockets: Vec<SocketId>,
    (unchanged, then, age): (usize, usize, u64),
) -> RawFinding {
    let all = || sockets.iter().map(|id| facts.map.socket(*id));
    let remotes = all().filter_map(|socket| match socket.remote? {
        Address::Ip(ip, _) => Some(ip.to_canonical().to_string()),
        Address::Vsock(cid, _) => Some(format!("vsock {cid}")),
    });
    let remotes: BTreeSet<String> = remotes.collect();
    let mut evidence = vec![format!("closed by {}", short_list(remotes))];
    if age > 0 {
        let age = duration(age);
        evidence.push(format!("{then} {age} before, {unchanged} of them the same"));
    }
    let queued = all().filter(|socket| socket.recv_queue_bytes > 0).count();
    if queued > 0 {
        evidence.push(format!("{queued} with bytes that were never read"));
    }
    let (name, count) = (facts.process_name(process), sockets.len());
    RawFinding {
        severity,
        subject: Subject::Process(process),
        processes: vec![process],
        title: format!("{name} has {count} connections in CLOSE-WAIT"),
        sockets,
        evidence,
        advice: "close the socket when read returns 0".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("many", |scene| closed(scene, 20)),
    Case::high("very many", |scene| closed(scene, 120)),
    Case::low("the same five after a minute", |scene| {
        closed(scene, 5);
        scene.advance(60);
    }),
    Case::quiet("a few", |scene| closed(scene, 5)),
];

#[cfg(test)]
fn closed(scene: &mut Scene, count: u32) {
    let app = scene.process(60, 1, "/usr/bin/app");
    for fd in 3..3 + count {
        let id = scene.socket(&[(app, fd, Some(true))]);
        let socket = scene.socket_mut(id);
        socket.family = crate::model::Family::Inet;
        socket.state = SocketState::CloseWait;
        socket.remote = Some(Address::Ip([10, 0, 4, 7].into(), 4_000));
    }
}
