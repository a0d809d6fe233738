//! WT305: socket files that no socket is bound to.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::bound_paths::{PathMatch, is_socket_file};
use crate::check::facts::describe::{plural, short_list};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::Case;
#[cfg(test)]
use crate::check::test_scene_files::OWN_MNTNS;
use crate::model::{HostId, Readable};
use crate::text::escape;

rule! { WT305 "stale-socket-file", Low, since "0.1.0", earlier Unused }

const DOC: &str = "\
A socket file exists, and no live socket is bound to it.

## What it finds
Files of type socket in the usual places (/run, /tmp, /var/run, and the directories where sockets
are bound), in every mount namespace, that no socket of any network namespace is bound to. Files in
one directory are one finding, and those in many directories of one tree (/run, /tmp, …). It needs
every namespace's table, and says unknown without.

## Why it matters
connect(2) fails with ECONNREFUSED, and a program that only asks whether the file exists believes
that its server runs. bind(2) at that path fails with EADDRINUSE: a server that does not remove the
file first cannot start again.

## Example
    LOW      WT305  1 stale socket file in /run/app: app.sock

Docker did not start after a crash since its socket, or a directory in its place, was left behind
(moby issue 22789).

## What to do
Remove the file once you are sure its server is gone. Let the server unlink(2) its path before
bind(2), or its unit have RuntimeDirectory= or RemoveOnStop=.

## References
- unix(7), \"Pathname socket ownership\" and NOTES; systemd.socket(5) RemoveOnStop=
- moby/moby issue 22789
";

/// Names of stale files, by host and directory.
type Stale = BTreeMap<(HostId, Vec<u8>), BTreeSet<Vec<u8>>>;

/// More directories of one tree are one finding.
const SEPARATE_DIRECTORIES: usize = 32;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let bound_paths = facts.bound_paths();
    let bound = facts.map.sockets.iter().filter_map(|socket| {
        let (inode, device) = socket.vfs?;
        Some((socket.host, inode, device))
    });
    let bound: BTreeSet<(HostId, u32, u32)> = bound.collect();
    // A file with several paths is reported once, by the first.
    let mut files = BTreeSet::new();
    let mut stale: Stale = BTreeMap::new();
    for (host, path) in bound_paths.all() {
        if !is_socket_file(path)
            || path.path.first() != Some(&b'/')
            || !is_known(facts, *host)
            || !files.insert((*host, path.dev, path.ino))
        {
            continue;
        }
        let inode = path.ino as u32;
        let mut same_inode = bound.range((*host, inode, 0)..=(*host, inode, u32::MAX));
        let live = same_inode.any(|(_, inode, device)| {
            // A file whose device cannot be determined may be the bound one.
            bound_paths.compare(*host, path, (*inode, *device)) != PathMatch::Other
        });
        if !live {
            let slash = path.path.iter().rposition(|byte| *byte == b'/');
            let (directory, name) = path.path.split_at(slash.unwrap_or(0));
            let of_directory = stale.entry((*host, directory.to_vec())).or_default();
            of_directory.insert(name[1..].to_vec());
        }
    }
    let mut trees: BTreeMap<(HostId, &[u8]), usize> = BTreeMap::new();
    for (host, directory) in stale.keys() {
        *trees.entry((*host, tree(directory))).or_default() += 1;
    }
    for ((host, root), count) in &trees {
        let mut below: BTreeSet<Vec<u8>> = BTreeSet::new();
        let directories = stale.iter();
        let directories = directories.filter(|((of, at), _)| of == host && tree(at) == *root);
        for ((host, directory), names) in directories {
            if *count <= SEPARATE_DIRECTORIES {
                output.finding(finding(facts, *host, directory, 1, names));
            } else {
                let path = &directory[root.len()..];
                let path = path.strip_prefix(b"/").unwrap_or(path);
                below.extend(names.iter().map(|name| match path {
                    b"" => name.clone(),
                    _ => [path, b"/", name].concat(),
                }));
            }
        }
        if !below.is_empty() {
            output.finding(finding(facts, *host, root, *count, &below));
        }
    }
    report_unknown(facts, output);
}

/// The tree that a directory is in: `/run`, `/tmp`, `/var/run`.
fn tree(directory: &[u8]) -> &[u8] {
    let parts = if directory.starts_with(b"/var/") {
        2
    } else {
        1
    };
    let slashes = directory.iter().enumerate();
    let mut slashes = slashes.filter(|(_, byte)| **byte == b'/');
    let end = slashes.nth(parts).map(|(index, _)| index);
    &directory[..end.unwrap_or(directory.len())]
}

/// Whether every socket that may be bound to a file of the host is known.
fn is_known(facts: &Facts<'_>, host: HostId) -> bool {
    let coverage = &facts.map.hosts[host.index()].coverage;
    let mut namespaces = coverage.netns.iter();
    coverage.initial_pidns
        && coverage.damage.is_empty()
        && !coverage.hidepid
        && namespaces.all(|namespace| namespace.diag == Readable::Ok)
}

fn report_unknown(facts: &Facts<'_>, output: &mut RuleOutput) {
    output.unknowns(facts.missing_dumps());
    output.unknowns(facts.hidden_processes());
    let mut hosts = facts.map.hosts.iter();
    if hosts.any(|host| !host.coverage.initial_pidns) {
        output.unknown("processes and sockets outside this pid namespace are not seen");
    }
    if facts.bound_paths().unread_namespaces > 0 {
        output.unknown("some mount namespaces could not be looked into");
    }
    if facts.bound_paths().truncated_searches > 0 {
        output.unknown("the search for socket files stopped at its limits");
    }
    let mut captures = facts.captures.iter();
    if captures.any(|capture| capture.paths.is_empty()) {
        output.unknown("no paths were captured");
    }
}

fn finding(
    facts: &Facts<'_>,
    host: HostId,
    directory: &[u8],
    directories: usize,
    names: &BTreeSet<Vec<u8>>,
) -> RawFinding {
    let directory = match directory {
        b"" => "/".to_owned(),
        path => escape::display(path),
    };
    let count = plural(names.len(), "stale socket file", "stale socket files");
    let prefix = facts.host_prefix(host);
    let listed: Vec<String> = names.iter().map(|name| escape::display(name)).collect();
    let mut evidence = vec!["no socket of any network namespace is bound there".to_owned()];
    let below = match directories {
        1 => "in",
        _ => {
            evidence.push(format!("in {directories} directories"));
            "below"
        }
    };
    RawFinding {
        severity: Severity::Low,
        subject: Subject::Host(host),
        processes: vec![],
        sockets: vec![],
        title: format!(
            "{count} {below} {prefix}{directory}: {}",
            short_list(listed)
        ),
        evidence,
        advice: "remove the file once you are sure its server is gone".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::low("a server that was killed", |scene| {
        scene.set_namespaces();
        scene.path_exists(OWN_MNTNS, "/run/app/app.sock", 7, 0o755);
        scene.path_exists(99, "/run/app/app.sock", 7, 0o755);
    }),
    Case::low("files in one directory are one finding", |scene| {
        scene.set_namespaces();
        scene.path_exists(OWN_MNTNS, "/run/app/a", 7, 0o755);
        scene.path_exists(OWN_MNTNS, "/run/app/b", 8, 0o755);
    }),
    Case::low(
        "files in many directories of one tree are one finding",
        |scene| {
            scene.set_namespaces();
            for number in 0..40 {
                let path = format!("/run/app{number}/{number}.sock");
                scene.path_exists(OWN_MNTNS, &path, 100 + number, 0o755);
            }
        },
    ),
    Case::quiet("a server that runs", |scene| {
        let app = scene.process(600, 1, "/usr/bin/app");
        scene.set_namespaces();
        scene.path_listener(&[(app, 5, Some(true))], "/run/app.sock", 7);
        scene.path_exists(OWN_MNTNS, "/run/app.sock", 7, 0o755);
    }),
    Case::quiet(
        "a socket of a namespace that was not dumped may be bound to it",
        |scene| {
            scene.set_namespaces();
            scene.map.hosts[0].coverage.netns[0].diag = Readable::Denied;
            scene.path_exists(OWN_MNTNS, "/run/app.sock", 7, 0o755);
        },
    ),
];
