//! WT305: socket files that no socket is bound to any more.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::facts::bound_paths::{Leads, is_socket_file};
use crate::check::facts::describe::{plural, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
#[cfg(test)]
use crate::check::fixture_names::OWN_MNTNS;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{HostId, Readable};
use crate::text::escape;

pub(super) static RULE: Rule = Rule {
    code: "WT305",
    name: "stale-socket-file",
    severity: Severity::Low,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
A socket file is there, and no live socket is bound to it.

## What it finds
Files of type socket in the usual places (/run, /tmp, /var/run, and the directories where sockets
are bound), in every mount namespace, that no socket of any network namespace is bound to. Files in
one directory are one finding. It needs every namespace's table, and says unknown without.

## Why it matters
connect(2) fails with ECONNREFUSED, and a program that only asks whether the file exists believes
that its server runs. bind(2) at that path fails with EADDRINUSE: a server that does not remove the
file first cannot start again.

## Example
    LOW      WT305  1 stale socket file in /run/app: app.sock

Docker did not start after a crash since its socket, or a directory in its place, was left behind
(moby issue 22789).

## What to do
Remove the file once it is sure that its server is gone. Let the server unlink(2) its path before
bind(2), or its unit have RuntimeDirectory= or RemoveOnStop=.

## References
- unix(7), \"Pathname socket ownership\" and NOTES; systemd.socket(5) RemoveOnStop=
- moby/moby issue 22789
";

/// Stale files by host and directory: their last parts.
type Stale = BTreeMap<(HostId, Vec<u8>), BTreeSet<Vec<u8>>>;

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let places = facts.places();
    let mut bound: Vec<(HostId, u32, u32)> = facts
        .map
        .sockets
        .iter()
        .filter_map(|socket| {
            let (inode, device) = socket.vfs?;
            Some((socket.host, inode, device))
        })
        .collect();
    bound.sort_unstable();
    bound.dedup();
    // One file may have several paths: it is told once, by its first.
    let mut files = BTreeSet::new();
    let mut stale: Stale = BTreeMap::new();
    for (host, look) in places.all() {
        if !is_socket_file(look)
            || look.path.first() != Some(&b'/')
            || !is_known(facts, *host)
            || !files.insert((*host, look.dev, look.ino))
        {
            continue;
        }
        let key = (*host, look.ino as u32, 0);
        let start = bound.partition_point(|one| *one < key);
        let mut same = bound[start..]
            .iter()
            .take_while(|(of, inode, _)| (*of, *inode) == (*host, look.ino as u32));
        let live = same.any(|(_, inode, device)| {
            // Where the device can't be told it may be the one.
            places.leads(*host, look, (*inode, *device)) != Leads::Elsewhere
        });
        if !live {
            let cut = look
                .path
                .iter()
                .rposition(|byte| *byte == b'/')
                .unwrap_or(0);
            let (directory, name) = look.path.split_at(cut);
            let of_directory = stale.entry((*host, directory.to_vec())).or_default();
            of_directory.insert(name[1..].to_vec());
        }
    }
    for ((host, directory), names) in stale {
        said.found(found(facts, host, &directory, names));
    }
    said_unknown(facts, said);
}

/// Whether every socket that may be bound to a file of the host is known.
fn is_known(facts: &Facts<'_>, host: HostId) -> bool {
    let coverage = &facts.map.hosts[host.index()].coverage;
    let mut spaces = coverage.netns.iter();
    coverage.initial_pidns
        && coverage.damage.is_empty()
        && !coverage.hidepid
        && spaces.all(|space| space.diag == Readable::Ok)
}

fn said_unknown(facts: &Facts<'_>, said: &mut RuleOutput) {
    said.unknown.extend(facts.undumped());
    said.unknown.extend(facts.unseen());
    let hosts = facts.map.hosts.iter();
    if hosts.into_iter().any(|host| !host.coverage.initial_pidns) {
        said.unknown("processes and sockets outside this pid namespace are not seen");
    }
    if facts.places().unanswered > 0 {
        said.unknown("some mount namespaces could not be looked into");
    }
    if facts.places().cut > 0 {
        said.unknown("the search for socket files stopped at its limits");
    }
    if facts
        .captures
        .iter()
        .any(|capture| capture.paths.is_empty())
    {
        said.unknown("no paths were captured");
    }
}

fn found(facts: &Facts<'_>, host: HostId, directory: &[u8], names: BTreeSet<Vec<u8>>) -> Found {
    let directory = match directory {
        b"" => "/".to_owned(),
        path => escape::display(path),
    };
    let count = plural(names.len(), "stale socket file", "stale socket files");
    let prefix = facts.host_prefix(host);
    let listed: Vec<String> = names.iter().map(|name| escape::display(name)).collect();
    Found {
        severity: Severity::Low,
        subject: Subject::Host(host),
        processes: vec![],
        sockets: vec![],
        title: format!(
            "{count} in {prefix}{directory}: {}",
            some(listed.into_iter())
        ),
        evidence: vec!["no socket of any network namespace is bound there".to_owned()],
        advice: "remove the file once its server is surely gone".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "a server that was killed",
        scene: |scene| {
            scene.machine();
            scene.shows(OWN_MNTNS, "/run/app/app.sock", 7, 0o755);
            scene.shows(99, "/run/app/app.sock", 7, 0o755);
        },
        finds: &[("WT305", Severity::Low)],
    },
    Case {
        about: "files in one directory are one finding",
        scene: |scene| {
            scene.machine();
            scene.shows(OWN_MNTNS, "/run/app/a", 7, 0o755);
            scene.shows(OWN_MNTNS, "/run/app/b", 8, 0o755);
        },
        finds: &[("WT305", Severity::Low)],
    },
    Case {
        about: "a server that runs",
        scene: |scene| {
            let app = scene.process(600, 1, "/usr/bin/app");
            scene.machine();
            scene.at_path(&[(app, 5, Some(true))], "/run/app.sock", 7);
            scene.shows(OWN_MNTNS, "/run/app.sock", 7, 0o755);
        },
        finds: &[],
    },
    Case {
        about: "a namespace whose sockets are not known may have it",
        scene: |scene| {
            scene.machine();
            scene.map.hosts[0].coverage.netns[0].diag = Readable::Denied;
            scene.shows(OWN_MNTNS, "/run/app.sock", 7, 0o755);
        },
        finds: &[],
    },
];
