//! WT401: a socket's name that makes rows of its own in the kernel's table.

use std::collections::BTreeMap;

use crate::check::facts::describe::some;
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Earlier, Facts, Rule};
use crate::load::proc_net_unix;
use crate::model::{HostId, Name, SocketId};
use crate::text::escape;

pub(super) static RULE: Rule = Rule {
    code: "WT401",
    name: "forged-table-row",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
A socket's name contains a line break and what looks like a row of /proc/net/unix.

## What it finds
Unix sockets whose bound name has a line break with a well-formed row of the table behind it, where
the table that was captured shows that row and no socket of the dump is behind it.

## Why it matters
The kernel prints names as they are. Whoever may bind a name, which is anybody, can so make rows for
sockets that do not exist, or put another name to one that does: netstat, lsof and monitoring that
read the table believe it. It does not happen by accident.

## Example
    HIGH     WT401  a name of x [912] forges a row of /proc/net/unix
             inode 4711, /run/docker.sock: no such socket is in the dump

## What to do
Look at who holds the socket. Read sockets from sock_diag(7) (ss, whotalks), which tells names with
their lengths.

## References
- proc_net_unix(5), unix(7), sock_diag(7)
";

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let forged = |host| {
        let warnings = facts.map.warnings.iter();
        warnings
            .into_iter()
            .any(|warning| warning.host == host && warning.kind == "forged-row")
    };
    let hosts: Vec<bool> = facts.hosts().map(forged).collect();
    // What was accepted has the listener's name: it is one finding.
    let mut names: BTreeMap<(HostId, &Name), Vec<SocketId>> = BTreeMap::new();
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        if let Some(name) = socket.name.as_ref().filter(|_| hosts[socket.host.index()]) {
            let of_name = names.entry((socket.host, name)).or_default();
            of_name.push(SocketId::new(at));
        }
    }
    for ((_, name), sockets) in names {
        if let Some(rows) = rows(name) {
            said.found(found(facts, sockets, &rows));
        }
    }
    said.unknown.extend(facts.undumped());
    let unread = |at: &crate::model::NetnsCoverage| at.proc_net != crate::model::Readable::Ok;
    let mut spaces = facts.map.hosts.iter().flat_map(|host| &host.coverage.netns);
    if spaces.any(unread) {
        said.unknown("/proc/net/unix of some network namespaces was not captured");
    }
}

/// The rows that a name makes in the table, one line each.
pub(super) fn rows(name: &Name) -> Option<Vec<String>> {
    let bytes = name.bytes();
    let first = bytes.iter().position(|byte| *byte == b'\n')?;
    // What is before the first break stands in the socket's own row.
    let told: Vec<String> = proc_net_unix::rows(&bytes[first..])
        .map(|row| format!("inode {}, {}", row.inode, escape::display(row.name)))
        .collect();
    (!told.is_empty()).then_some(told)
}

fn found(facts: &Facts<'_>, sockets: Vec<SocketId>, rows: &[String]) -> Found {
    let id = sockets[0];
    Found {
        severity: Severity::High,
        subject: Subject::Socket(id),
        processes: sockets
            .iter()
            .flat_map(|socket| facts.map.holding_processes(*socket))
            .collect(),
        sockets,
        title: format!(
            "a name of {} forges a row of /proc/net/unix",
            facts.owner(id)
        ),
        evidence: vec![
            format!(
                "forged: {}; no such row is in the dump",
                some(rows.iter().cloned())
            ),
            format!("name: {}", facts.socket(id)),
        ],
        advice: "look at who bound it; do not trust /proc/net/unix".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "a name with a whole row in it",
        scene: |scene| {
            forge(scene);
            warn(scene);
        },
        finds: &[("WT401", Severity::High)],
    },
    Case {
        about: "the listener and what it accepted are one finding",
        scene: |scene| {
            forge(scene);
            let listener = SocketId(0);
            let (_, accepted) = scene.accepted(&[], &[], Some(listener));
            scene.map.sockets[accepted.index()].name = scene.map.socket(listener).name.clone();
            warn(scene);
        },
        finds: &[("WT401", Severity::High)],
    },
    Case {
        about: "plain names",
        scene: |scene| {
            let app = scene.process(600, 1, "/usr/bin/app");
            scene.listener(&[(app, 5, Some(true))], "app");
        },
        finds: &[],
    },
];

#[cfg(test)]
fn forge(scene: &mut Scene) {
    let app = scene.process(600, 1, "/usr/bin/app");
    let row = "x\n0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/docker.sock";
    scene.listener(&[(app, 5, Some(true))], row);
}

#[cfg(test)]
fn warn(scene: &mut Scene) {
    scene.map.warnings.push(crate::model::Warning {
        host: HostId(0),
        kind: "forged-row",
        text: String::new(),
    });
}
