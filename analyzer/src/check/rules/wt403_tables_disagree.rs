//! WT403: the kernel's views of one thing differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::facts::describe::{plural, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Earlier, Facts, Rule};
use crate::load::{Capture, proc_net_unix};
use crate::model::{Family, Holder, HostId, ProcessId, Readable, SocketId};

pub(super) static RULE: Rule = Rule {
    code: "WT403",
    name: "tables-disagree",
    severity: Severity::Medium,
    since: "0.1.0",
    past: Earlier::Helpful,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Two views of the same sockets differ by more than the time between them explains.

## What it finds
Unix sockets that /proc/net/unix lists at every look while no dump of sock_diag has them, or that
the dump has and somebody holds while the table never lists them (medium): a dump that was cut
short, or a row that is hidden. And, given an earlier capture, sockets that a process holds in both
and that no table of any family lists (low).

One difference within one capture may be a race: with a single look at a table, only what is many is
told. Kinds of sockets that the kernel has no table for (AF_ALG, Bluetooth) are among the low ones.

## Why it matters
A map made from one view alone has a hole. Rootkits hide sockets from the table; a long pending
list cuts a dump short; either way something talks that tools do not show.

## Example
    MEDIUM   WT403  12 Unix sockets are only in /proc/net/unix
             network namespace 4026531833, inodes 4711, 4712, …

## What to do
Capture again, several times (--count 3 --interval 1s). Where it stays, compare whotalks raw
net/unix with ss -xa, and look for what is between.

## References
- sock_diag(7), proc_net_unix(5), unix(7)
";

/// With one look at a table, this many differences are no race: a hundredth, and some.
const RACE: usize = 16;

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    for host in facts.hosts() {
        let mut warnings = facts.map.warnings.iter();
        let differ =
            warnings.any(|warning| warning.host == host && warning.kind == "table-mismatch");
        if differ && let Some(capture) = facts.captures.get(host.index()) {
            views(facts, host, capture, said);
        }
    }
    unlisted(facts, said);
    said.unknown.extend(facts.undumped());
}

/// Compares the text table of each namespace with the dump.
fn views(facts: &Facts<'_>, host: HostId, capture: &Capture, said: &mut RuleOutput) {
    let mut dumped: BTreeMap<u64, BTreeMap<u64, SocketId>> = BTreeMap::new();
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        if let (Family::Unix, Some(netns), Some(_), true) = (
            socket.family,
            socket.netns,
            socket.cookie,
            socket.host == host,
        ) {
            let of_space = dumped.entry(netns).or_default();
            of_space.insert(socket.inode, SocketId::new(at));
        }
    }
    // In how many looks at the table an inode was, and how many there were.
    let mut listed: BTreeMap<u64, (BTreeMap<u64, usize>, usize)> = BTreeMap::new();
    for raw in capture.sources("net/unix") {
        if raw.header.errno != 0 || raw.gaps {
            continue;
        }
        let rows = proc_net_unix::rows(&raw.bytes);
        let inodes: BTreeSet<u64> = rows.map(|row| row.inode).collect();
        let of_space = listed.entry(raw.header.netns).or_default();
        of_space.1 += 1;
        for inode in inodes {
            *of_space.0.entry(inode).or_default() += 1;
        }
    }
    let whole = |netns: u64| {
        let coverage = &facts.map.hosts[host.index()].coverage;
        let mut spaces = coverage.netns.iter();
        spaces.any(|space| space.inode == netns && space.diag == Readable::Ok)
    };
    for (netns, (inodes, looks)) in listed {
        let none = BTreeMap::new();
        let dumped = dumped.get(&netns).unwrap_or(&none);
        if !whole(netns) {
            continue;
        }
        let margin = if looks > 1 {
            0
        } else {
            RACE + dumped.len() / 100
        };
        let forged = forged(facts, dumped);
        let only_table: Vec<u64> = inodes
            .iter()
            .filter(|(inode, count)| **inode != 0 && **count == looks)
            .map(|(inode, _)| *inode)
            .filter(|inode| !dumped.contains_key(inode) && !forged.contains(inode))
            .collect();
        if only_table.len() > margin {
            let what = "only in /proc/net/unix, in no dump";
            said.found(difference(facts, host, netns, &only_table, &[], what));
        }
        let only_dump: Vec<(u64, SocketId)> = dumped
            .iter()
            .filter(|(inode, _)| !inodes.contains_key(inode))
            .filter(|(_, socket)| !facts.map.holders(**socket).is_empty())
            .map(|(inode, socket)| (*inode, *socket))
            .collect();
        if only_dump.len() > margin.max(RACE) {
            let (inodes, sockets): (Vec<u64>, Vec<SocketId>) = only_dump.into_iter().unzip();
            let what = "in the dump, never in /proc/net/unix";
            said.found(difference(facts, host, netns, &inodes, &sockets, what));
        }
    }
}

/// Inodes of rows that names make.
fn forged(facts: &Facts<'_>, dumped: &BTreeMap<u64, SocketId>) -> BTreeSet<u64> {
    let names = dumped
        .values()
        .filter_map(|socket| facts.map.socket(*socket).name.as_ref())
        .filter(|name| name.bytes().contains(&b'\n'));
    names
        .flat_map(|name| {
            let first = name.bytes().iter().position(|byte| *byte == b'\n');
            let rest = &name.bytes()[first.unwrap_or_default()..];
            proc_net_unix::rows(rest).map(|row| row.inode)
        })
        .collect()
}

fn difference(
    facts: &Facts<'_>,
    host: HostId,
    netns: u64,
    inodes: &[u64],
    sockets: &[SocketId],
    what: &str,
) -> Found {
    let count = plural(inodes.len(), "Unix socket is", "Unix sockets are");
    let processes = sockets
        .iter()
        .flat_map(|socket| facts.map.holding_processes(*socket));
    Found {
        severity: Severity::Medium,
        subject: Subject::Host(host),
        processes: processes.collect(),
        sockets: sockets.to_vec(),
        title: format!("{}{count} {what}", facts.host_prefix(host)),
        evidence: vec![format!(
            "network namespace {netns}, inodes {}",
            some(inodes.iter().map(ToString::to_string))
        )],
        advice: "capture again with --count 3; where it stays, look for what hides them".to_owned(),
    }
}

/// Sockets that are held and that no table lists, now and before.
///
/// What is neither bound nor connected is in no table either, and many programs keep such a socket:
/// only one that is waited on, or watched, should have been listed.
fn unlisted(facts: &Facts<'_>, said: &mut RuleOutput) {
    let mut stays: BTreeMap<ProcessId, Vec<SocketId>> = BTreeMap::new();
    let (mut perhaps, mut idle) = (0, 0);
    let mut before: Option<BTreeSet<(HostId, u64)>> = None;
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        if socket.family != Family::Other {
            continue;
        }
        let id = SocketId::new(at);
        let holders = facts.map.holders(id);
        if holders.is_empty() {
            continue;
        }
        let Some(user) = holders.iter().find(|holder| is_used(facts, id, holder)) else {
            idle += 1;
            continue;
        };
        let Some((past, (host, _))) = facts
            .past()
            .and_then(|past| Some((past, past.host(socket.host)?)))
        else {
            perhaps += 1;
            continue;
        };
        let before = before.get_or_insert_with(|| {
            let sockets = past.map.sockets.iter();
            sockets
                .filter(|socket| socket.family == Family::Other)
                .map(|socket| (socket.host, socket.inode))
                .collect()
        });
        if before.contains(&(host, socket.inode)) {
            stays.entry(user.process).or_default().push(id);
        }
    }
    for (process, sockets) in stays {
        let inodes = sockets
            .iter()
            .map(|id| facts.map.socket(*id).inode.to_string());
        let count = plural(sockets.len(), "socket", "sockets");
        said.found(Found {
            severity: Severity::Low,
            subject: Subject::Process(process),
            processes: vec![process],
            title: format!(
                "{} waits on {count} that no table lists",
                facts.process(process)
            ),
            evidence: vec![format!("in both captures: inodes {}", some(inodes))],
            sockets,
            advice: "of a kind without a table (AF_ALG, Bluetooth), else hidden".to_owned(),
        });
    }
    if perhaps > 0 {
        let sockets = plural(
            perhaps,
            "socket that no table lists is",
            "sockets that no table lists are",
        );
        said.unknown(format!(
            "whether {sockets} there to stay needs a second capture"
        ));
    }
    if idle > 0 {
        let sockets = plural(
            idle,
            "socket that no table lists is",
            "sockets that no table lists are",
        );
        said.unknown(format!("whether {sockets} hidden, or bound to nothing"));
    }
}

/// Whether a thread waits on a holder's descriptor, or an event poll watches the socket.
fn is_used(facts: &Facts<'_>, id: SocketId, holder: &Holder) -> bool {
    let threads = facts.threads(holder.process);
    let waited_on = threads.iter().any(|thread| thread.fd == Some(holder.fd));
    let inode = facts.map.socket(id).inode;
    waited_on || facts.infos.watches(holder.process, inode)
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "rows that two looks at the table have and no dump",
        scene: |scene| {
            table(scene, &["4711"]);
            table(scene, &["4711", "4712"]);
        },
        finds: &[("WT403", Severity::Medium)],
    },
    Case {
        about: "one look, one row: a race",
        scene: |scene| table(scene, &["4711"]),
        finds: &[],
    },
    Case {
        about: "a row that came and went between two looks",
        scene: |scene| {
            table(scene, &["4711"]);
            table(scene, &["4712"]);
        },
        finds: &[],
    },
    Case {
        about: "a process waits on a socket that no table lists, twice",
        scene: |scene| {
            let app = unlisted_socket(scene);
            scene.blocked(app, 45, 5);
            scene.later(10);
        },
        finds: &[("WT403", Severity::Low)],
    },
    Case {
        about: "a socket that was never bound, as many programs keep one",
        scene: |scene| {
            let app = unlisted_socket(scene);
            scene.blocked(app, 7, 0);
            scene.later(10);
        },
        finds: &[],
    },
];

#[cfg(test)]
fn unlisted_socket(scene: &mut Scene) -> ProcessId {
    let app = scene.process(600, 1, "/usr/bin/app");
    let socket = scene.socket(&[(app, 5, Some(true))]);
    scene.map.sockets[socket.index()].family = Family::Other;
    app
}

/// A look at the text table of the scene's namespace.
#[cfg(test)]
fn table(scene: &mut Scene, inodes: &[&str]) {
    use whotalks_snapshot::records::RawHeader;

    let mut bytes = b"Num RefCount Protocol Flags Type St Inode Path\n".to_vec();
    for inode in inodes {
        let row = format!("0000000000000000: 00000002 00000000 00010000 0001 01 {inode} @x\n");
        bytes.extend(row.into_bytes());
    }
    let header = RawHeader {
        source: b"net/unix".to_vec(),
        netns: 1,
        ..RawHeader::default()
    };
    scene.table(header, bytes);
    scene.map.warnings.push(crate::model::Warning {
        host: HostId(0),
        kind: "table-mismatch",
        text: String::new(),
    });
}
