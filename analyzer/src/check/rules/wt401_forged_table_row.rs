//! WT401: a socket name that forges rows in `/proc/net/unix`.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::short_list;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::proc_net_unix;
use crate::model::{HostId, Name, NetnsCoverage, Readable, SocketId};
use crate::text::escape;

rule! { WT401 "forged-table-row", High, since "0.1.0", earlier Unused }

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

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let hosts: Vec<bool> = facts
        .hosts()
        .map(|host| facts.has_warning(host, "forged-row"))
        .collect();
    // Accepted sockets have the name of their listener, and are one finding with it.
    let mut names: BTreeMap<(HostId, &Name), Vec<SocketId>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        if let Some(name) = socket.name.as_ref().filter(|_| hosts[socket.host.index()]) {
            names.entry((socket.host, name)).or_default().push(id);
        }
    }
    for ((_, name), sockets) in names {
        if let Some(rows) = forged_rows(name) {
            output.finding(finding(facts, sockets, rows));
        }
    }
    output.unknowns(facts.missing_dumps());
    let unread = |netns: &NetnsCoverage| netns.proc_net != Readable::Ok;
    let mut namespaces = facts.map.hosts.iter().flat_map(|host| &host.coverage.netns);
    if namespaces.any(unread) {
        output.unknown("/proc/net/unix of some network namespaces was not captured");
    }
}

/// Describes the rows that a name forges in the table, one line each.
pub(super) fn forged_rows(name: &Name) -> Option<Vec<String>> {
    let bytes = name.bytes();
    let first = bytes.iter().position(|byte| *byte == b'\n')?;
    // The part before the first newline belongs to the row of the socket itself.
    let rows = proc_net_unix::rows(&bytes[first..]);
    let rows = rows.map(|row| format!("inode {}, {}", row.inode, escape::display(row.name)));
    let rows: Vec<String> = rows.collect();
    (!rows.is_empty()).then_some(rows)
}

fn finding(facts: &Facts<'_>, sockets: Vec<SocketId>, rows: Vec<String>) -> RawFinding {
    let id = sockets[0];
    let (owner, rows) = (facts.owner(id), short_list(rows));
    RawFinding {
        severity: Severity::High,
        subject: Subject::Socket(id),
        processes: facts.holders_of(&sockets),
        sockets,
        title: format!("a name of {owner} forges a row of /proc/net/unix"),
        evidence: vec![
            format!("forged: {rows}; no such row is in the dump"),
            format!("name: {}", facts.socket_name(id)),
        ],
        advice: "look at who bound it; do not trust /proc/net/unix".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("a name that contains a whole row", |scene| {
        forge(scene);
        warn(scene);
    }),
    Case::high(
        "a listener and its accepted sockets are one finding",
        |scene| {
            forge(scene);
            let listener = SocketId(0);
            let (_, accepted) = scene.accepted(&[], &[], Some(listener));
            let name = scene.map.socket(listener).name.clone();
            scene.socket_mut(accepted).name = name;
            warn(scene);
        },
    ),
    Case::quiet("plain names", |scene| {
        let app = scene.process(600, 1, "/usr/bin/app");
        scene.listener(&[(app, 5, Some(true))], "app");
    }),
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
