//! WT308: abstract names that differ only in trailing NULs.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::short_list;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::Case;
use crate::model::{HostId, SocketId, SocketState, SocketType};
use crate::text::escape;

rule! { WT308 "near-duplicate-abstract-names", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
Two sockets are bound to abstract names that differ in nothing but NULs at the end.

## What it finds
Listening or receiving Unix sockets of one network namespace whose abstract names are equal up to
trailing NUL bytes.

## Why it matters
An abstract name is as long as the address length says, NULs included: one program passed the
length of its name, the other the size of the whole structure. Tools print both names alike, each
client reaches only the one whose length it uses, and bind(2) does not notice the second.

## Example
    MEDIUM   WT308  @app is two names: app [612] and app [790] differ in trailing NULs
             4 bytes: app [612]; 108 bytes: app [790]

## What to do
Pass offsetof(struct sockaddr_un, sun_path) + 1 + the name's length to bind(2) and connect(2), on
both sides.

## References
- unix(7), \"Abstract sockets\"
- containerd/containerd issue 10846
";

/// By host, network namespace and name without trailing NULs: each exact name with its first socket.
type Names<'a> = BTreeMap<(HostId, u64, &'a [u8]), BTreeMap<&'a [u8], SocketId>>;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut similar: Names<'_> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let serves = socket.state == SocketState::Listening || socket.kind == SocketType::Dgram;
        let name = socket.name.as_ref().filter(|name| name.is_abstract());
        if let (true, Some(netns), Some(name)) = (serves, socket.netns, name) {
            let end = name.bytes().iter().rposition(|byte| *byte != 0);
            let trimmed = &name.bytes()[..end.map_or(0, |end| end + 1)];
            let names = similar.entry((socket.host, netns, trimmed)).or_default();
            names.entry(name.bytes()).or_insert(id);
        }
    }
    for ((_, _, trimmed), names) in similar {
        if names.len() < 2 {
            continue;
        }
        let sockets: Vec<SocketId> = names.values().copied().collect();
        let owners = short_list(sockets.iter().map(|socket| facts.owner(*socket)));
        let lengths = names.iter();
        let lengths =
            lengths.map(|(name, socket)| format!("{} bytes: {}", name.len(), facts.owner(*socket)));
        let (name, count) = (escape::name(trimmed), names.len());
        output.finding(RawFinding {
            severity: Severity::Medium,
            subject: Subject::Socket(sockets[0]),
            processes: facts.holders_of(&sockets),
            title: format!("{name} is {count} names: {owners} differ in trailing NULs"),
            evidence: vec![short_list(lengths)],
            sockets,
            advice: "pass the name's own length to bind(2) and connect(2)".to_owned(),
        });
    }
    output.unknowns(facts.missing_dumps());
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("one of two passed the size of the structure", |scene| {
        let one = scene.process(600, 1, "/usr/bin/app");
        let two = scene.process(700, 1, "/usr/bin/app");
        scene.listener(&[(one, 5, Some(true))], "app");
        scene.listener(&[(two, 5, Some(true))], "app\0\0");
    }),
    Case::quiet(
        "one name with NULs, and names that differ otherwise",
        |scene| {
            let one = scene.process(600, 1, "/usr/bin/app");
            scene.listener(&[(one, 5, Some(true))], "app\0\0");
            scene.listener(&[(one, 6, Some(true))], "app2");
        },
    ),
];
