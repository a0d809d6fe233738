//! WT304: a listener whose name does not lead to it.

use crate::check::facts::bound_paths::{Leads, bound_to};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
#[cfg(test)]
use crate::check::fixture_names::OWN_MNTNS;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{Name, SocketId, SocketState};
use crate::text::escape;

pub(super) static RULE: Rule = Rule {
    code: "WT304",
    name: "unreachable-listener",
    severity: Severity::Medium,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
A listener waits at a path that leads nowhere, or to something else.

## What it finds
A listening Unix socket whose path, in the mount namespaces of those who hold it, leads to nothing
or to another file than the one it is bound to (inode and device of the mount). Where any other
path that was looked at leads to it (it was renamed after bind(2), or is mounted elsewhere) it is
quiet. Where the name is relative and does not lead to it, or could not be looked at, it says
unknown.

## Why it matters
Nobody can connect any more, while the server believes that it serves: clients get ENOENT or
ECONNREFUSED, or talk to another program. It happens when a cleaner removes old files from /tmp,
when a second instance of the program removes and replaces the socket of the first, or when a file
system is mounted over the directory.

## Example
    MEDIUM   WT304  nothing leads to the listener of app [812] at /tmp/app.sock
             /tmp/app.sock is not there; it was bound to inode 71 on device 0:26

## What to do
Restart the server. Put the socket into a directory under /run that no cleaner touches
(RuntimeDirectory=), and let a second instance refuse to start instead of removing what is there.

## References
- unix(7), bind(2); tmpfiles.d(5) (exclusions from cleaning)
- lxc/lxc issue 1859
";

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let mut unknown = 0;
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        let name = socket.name.as_ref().filter(|name| !name.is_abstract());
        if socket.state != SocketState::Listening {
            continue;
        }
        if let (Some(name), Some(bound)) = (name, socket.vfs) {
            let id = SocketId::new(at);
            match look(facts, id, name, bound) {
                Seen::There => {}
                Seen::Unknown => unknown += 1,
                Seen::Gone(evidence) => said.found(found(facts, id, evidence)),
            }
        }
    }
    if unknown > 0 {
        said.unknown("where some bound paths lead could not be seen");
    }
    for why in facts.unread() {
        said.unknown(why);
    }
}

enum Seen {
    There,
    Unknown,
    /// What is there instead, in one line.
    Gone(String),
}

fn look(facts: &Facts<'_>, id: SocketId, name: &Name, bound: (u32, u32)) -> Seen {
    let socket = facts.map.socket(id);
    let places = facts.places();
    let holders = facts.map.holding_processes(id);
    let homes: Vec<u64> = holders
        .iter()
        .filter_map(|process| facts.map.process(*process).mntns)
        .collect();
    // Below another root the name means another place than it does for its mount namespace.
    let roots = holders.iter().map(|process| facts.record(*process));
    let rooted = roots
        .flatten()
        .any(|record| record.root != b"/" && !record.root.is_empty());
    let relative = name.bytes().first() != Some(&b'/');
    let (mut gone, mut unknown) = (None, relative || rooted);
    for (host, look) in places.at(socket.host, name.bytes()) {
        match places.leads(*host, look, bound) {
            Leads::There => return Seen::There,
            _ if !homes.contains(&look.mntns) => {}
            Leads::Unknown => unknown = true,
            Leads::Nowhere => gone = Some("is not there".to_owned()),
            Leads::Elsewhere => gone = Some(format!("is inode {} now", look.ino)),
        }
    }
    match gone.filter(|_| !unknown) {
        Some(_) if facts.is_bound_elsewhere(socket.host, bound) => Seen::There,
        Some(what) => Seen::Gone(what),
        None => Seen::Unknown,
    }
}

fn found(facts: &Facts<'_>, id: SocketId, what: String) -> Found {
    let socket = facts.map.socket(id);
    let path = socket.name.as_ref().map(|name| escape::name(name.bytes()));
    let path = path.unwrap_or_default();
    let bound = bound_to(socket);
    let evidence = vec![format!("{path} {what}; it is bound to {bound}")];
    Found {
        severity: Severity::Medium,
        subject: Subject::Socket(id),
        processes: facts.map.holding_processes(id),
        sockets: vec![id],
        title: format!(
            "nothing leads to the listener of {} at {path}",
            facts.owner(id)
        ),
        evidence,
        advice: "restart the server; keep cleaners and second instances from its socket".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "the file was removed",
        scene: |scene| {
            serves(scene);
            scene.lacks(OWN_MNTNS, "/tmp/app.sock", 2);
        },
        finds: &[("WT304", Severity::Medium)],
    },
    Case {
        about: "another file is there",
        scene: |scene| {
            serves(scene);
            let other = scene.process(700, 1, "/usr/bin/app");
            (
                scene.map.processes[other.index()].mntns,
                scene.map.processes[other.index()].netns,
            ) = (Some(OWN_MNTNS), Some(1));
            scene.at_path(&[(other, 5, Some(true))], "/tmp/app.sock", 8);
            scene.shows(OWN_MNTNS, "/tmp/app.sock", 8, 0o755);
        },
        finds: &[("WT304", Severity::Medium)],
    },
    Case {
        about: "it was renamed",
        scene: |scene| {
            serves(scene);
            scene.lacks(OWN_MNTNS, "/tmp/app.sock", 2);
            scene.shows(OWN_MNTNS, "/tmp/app", 7, 0o755);
        },
        finds: &[],
    },
    Case {
        about: "its holder sees it, another mount namespace does not",
        scene: |scene| {
            serves(scene);
            scene.shows(OWN_MNTNS, "/tmp/app.sock", 7, 0o755);
            scene.lacks(99, "/tmp/app.sock", 2);
        },
        finds: &[],
    },
    Case {
        about: "it could not be looked at",
        scene: |scene| {
            serves(scene);
            scene.lacks(OWN_MNTNS, "/tmp/app.sock", 110);
        },
        finds: &[],
    },
];

#[cfg(test)]
fn serves(scene: &mut Scene) {
    let app = scene.process(600, 1, "/usr/bin/app");
    scene.machine();
    scene.at_path(&[(app, 5, Some(true))], "/tmp/app.sock", 7);
}
