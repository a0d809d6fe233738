//! WT304: a listener whose path does not refer to it.

use std::collections::BTreeSet;

use crate::check::Facts;
use crate::check::facts::bound_paths::{PathMatch, bound_file};
use crate::check::facts::describe::short_list;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
#[cfg(test)]
use crate::check::test_scene_files::OWN_MNTNS;
use crate::model::{Name, SocketId, SocketState};
use crate::text::escape;

rule! { WT304 "unreachable-listener", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
A listener waits at a path that leads nowhere, or to something else.

## What it finds
A listening Unix socket whose path, in the mount namespaces of those who hold it, leads to nothing
or to another file than the one it is bound to (inode and device of the mount). Where any other
path that was looked at leads to it (it was renamed after bind(2), or is mounted elsewhere) it is
quiet. Where the name is relative and does not lead to it, leads through /proc/self (which is the
binder's own), or could not be looked at, it says unknown. Bound datagram sockets that are not
connected themselves are servers as well, such as that of /dev/log.

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

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut unknown = BTreeSet::new();
    for (id, socket) in facts.sockets() {
        let name = socket.name.as_ref().filter(|name| !name.is_abstract());
        if !facts.is_unix_server(id) {
            continue;
        }
        if let (Some(name), Some(bound)) = (name, socket.vfs) {
            match state(facts, id, name, bound) {
                PathState::Reachable => {}
                PathState::Unknown => {
                    unknown.insert(escape::name(name.bytes()));
                }
                PathState::Gone(evidence) => output.finding(finding(facts, id, evidence)),
            }
        }
    }
    if !unknown.is_empty() {
        let paths = short_list(unknown);
        output.unknown(format!("where bound paths lead could not be seen: {paths}"));
    }
    output.unknowns(facts.missing_holders());
}

/// Paths that depend on who looks them up.
const OWN_PATHS: [&[u8]; 2] = [b"/proc/", b"/dev/fd/"];

enum PathState {
    Reachable,
    Unknown,
    /// What is at the path instead, in one line.
    Gone(String),
}

fn state(facts: &Facts<'_>, id: SocketId, name: &Name, bound: (u32, u32)) -> PathState {
    let socket = facts.map.socket(id);
    let bound_paths = facts.bound_paths();
    let holders = facts.map.holding_processes(id);
    let mount_namespaces = holders.iter().filter_map(|id| facts.map.process(*id).mntns);
    let mount_namespaces: Vec<u64> = mount_namespaces.collect();
    // A process with another root directory resolves the path there.
    let mut records = holders.iter().filter_map(|process| facts.record(*process));
    let has_root = records.any(|record| record.root != b"/" && !record.root.is_empty());
    let relative = name.bytes().first() != Some(&b'/');
    // Such a path leads elsewhere for each process, or as long as a descriptor is open.
    let own = OWN_PATHS.iter().any(|own| name.bytes().starts_with(own));
    if own && bound_paths.has_path_to(socket.host, bound) {
        return PathState::Reachable;
    }
    let (mut gone, mut unknown) = (None, relative || own || has_root);
    for (host, path) in bound_paths.views(socket.host, name.bytes()) {
        match bound_paths.compare(*host, path, bound) {
            PathMatch::Bound => return PathState::Reachable,
            _ if !mount_namespaces.contains(&path.mntns) => {}
            PathMatch::Unknown => unknown = true,
            PathMatch::Missing => gone = Some("is not there".to_owned()),
            PathMatch::Other => gone = Some(format!("is inode {} now", path.ino)),
        }
    }
    match gone.filter(|_| !unknown) {
        Some(_) if bound_paths.has_path_to(socket.host, bound) => PathState::Reachable,
        Some(what) => PathState::Gone(what),
        None => PathState::Unknown,
    }
}

fn finding(facts: &Facts<'_>, id: SocketId, what: String) -> RawFinding {
    let socket = facts.map.socket(id);
    let path = socket.name.as_ref().map(|name| escape::name(name.bytes()));
    let path = path.unwrap_or_default();
    let bound = bound_file(socket);
    let owner = facts.owner(id);
    let what_it_is = match socket.state {
        SocketState::Listening => "listener",
        _ => "datagram socket",
    };
    RawFinding {
        severity: Severity::Medium,
        subject: Subject::Socket(id),
        processes: facts.map.holding_processes(id),
        sockets: vec![id],
        title: format!("nothing leads to the {what_it_is} of {owner} at {path}"),
        evidence: vec![format!("{path} {what}; it is bound to {bound}")],
        advice: "restart the server; keep cleaners and second instances from its socket".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("the file was removed", |scene| {
        serves(scene);
        scene.path_missing(OWN_MNTNS, "/tmp/app.sock", 2);
    }),
    Case::medium("another file is at the path", |scene| {
        serves(scene);
        let other = scene.process(700, 1, "/usr/bin/app");
        let process = scene.process_mut(other);
        (process.mntns, process.netns) = (Some(OWN_MNTNS), Some(1));
        scene.path_listener(&[(other, 5, Some(true))], "/tmp/app.sock", 8);
        scene.path_exists(OWN_MNTNS, "/tmp/app.sock", 8, 0o755);
    }),
    Case::medium("a datagram server", |scene| {
        datagram_server(scene);
        scene.path_missing(OWN_MNTNS, "/tmp/app.sock", 2);
    }),
    Case::quiet("a client that bound its datagram socket", |scene| {
        let server = datagram_server(scene);
        scene.path_exists(OWN_MNTNS, "/tmp/app.sock", 7, 0o755);
        let client = scene.process(700, 1, "/usr/bin/client");
        let socket = scene.path_listener(&[(client, 5, Some(true))], "/tmp/client", 8);
        let state = crate::model::SocketState::Established;
        let made = scene.socket_mut(socket);
        (made.kind, made.state) = (crate::model::SocketType::Dgram, state);
        scene.map.connect(socket, Some(server), None);
        scene.path_missing(OWN_MNTNS, "/tmp/client", 2);
    }),
    Case::quiet("a path of its binder's own", |scene| {
        let path = "/proc/self/fd/14/attach";
        let conmon = scene.process(600, 1, "/usr/bin/conmon");
        scene.set_namespaces();
        scene.path_listener(&[(conmon, 5, Some(true))], path, 7);
        scene.path_missing(OWN_MNTNS, path, 2);
    }),
    Case::quiet("it was renamed", |scene| {
        serves(scene);
        scene.path_missing(OWN_MNTNS, "/tmp/app.sock", 2);
        scene.path_exists(OWN_MNTNS, "/tmp/app", 7, 0o755);
    }),
    Case::quiet(
        "the mount namespace of its holder has the path, another does not",
        |scene| {
            serves(scene);
            scene.path_exists(OWN_MNTNS, "/tmp/app.sock", 7, 0o755);
            scene.path_missing(99, "/tmp/app.sock", 2);
        },
    ),
    Case::quiet("the path could not be read", |scene| {
        serves(scene);
        scene.path_missing(OWN_MNTNS, "/tmp/app.sock", 110);
    }),
];

#[cfg(test)]
fn serves(scene: &mut Scene) {
    let app = scene.process(600, 1, "/usr/bin/app");
    scene.set_namespaces();
    scene.path_listener(&[(app, 5, Some(true))], "/tmp/app.sock", 7);
}

#[cfg(test)]
fn datagram_server(scene: &mut Scene) -> SocketId {
    serves(scene);
    let id = SocketId(0);
    let socket = scene.socket_mut(id);
    socket.kind = crate::model::SocketType::Dgram;
    socket.state = SocketState::Unconnected;
    id
}
