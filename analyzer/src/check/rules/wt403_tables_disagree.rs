//! WT403: kernel tables that disagree about the same sockets.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::describe::{plural, short_list};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::{Capture, proc_net_unix};
use crate::model::{Family, HostId, ProcessId, Readable, SocketId};

rule! { WT403 "tables-disagree", Medium, since "0.1.0", earlier Helpful }

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

/// Differences that sockets opened and closed between two reads explain; a hundredth more where the
/// table was read once.
const RACE: usize = 16;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    for host in facts.hosts() {
        if facts.has_warning(host, "table-mismatch")
            && let Some(capture) = facts.captures.get(host.index())
        {
            compare_tables(facts, host, capture, output);
        }
    }
    unlisted(facts, output);
    output.unknowns(facts.missing_dumps());
}

/// Compares the text table of each namespace with the dump.
fn compare_tables(facts: &Facts<'_>, host: HostId, capture: &Capture, output: &mut RuleOutput) {
    let mut dumped: BTreeMap<u64, BTreeMap<u64, SocketId>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let is_row = socket.family == Family::Unix && socket.cookie.is_some();
        if let Some(netns) = socket.netns.filter(|_| is_row && socket.host == host) {
            let of_netns = dumped.entry(netns).or_default();
            of_netns.insert(socket.inode, id);
        }
    }
    // Of each namespace: in how many reads of the table each inode was, and the number of reads.
    let mut listed: BTreeMap<u64, (BTreeMap<u64, usize>, usize)> = BTreeMap::new();
    for raw in capture.sources("net/unix") {
        if raw.header.errno != 0 || raw.gaps {
            continue;
        }
        let rows = proc_net_unix::rows(&raw.bytes);
        let inodes: BTreeSet<u64> = rows.map(|row| row.inode).collect();
        let of_netns = listed.entry(raw.header.netns).or_default();
        of_netns.1 += 1;
        for inode in inodes {
            *of_netns.0.entry(inode).or_default() += 1;
        }
    }
    let is_dumped = |netns: u64| {
        let coverage = &facts.map.hosts[host.index()].coverage;
        let mut namespaces = coverage.netns.iter();
        namespaces.any(|namespace| namespace.inode == netns && namespace.diag == Readable::Ok)
    };
    for (netns, (inodes, reads)) in listed {
        let none = BTreeMap::new();
        let dumped = dumped.get(&netns).unwrap_or(&none);
        if !is_dumped(netns) {
            continue;
        }
        let margin = match reads {
            2.. => 0,
            _ => RACE + dumped.len() / 100,
        };
        let forged = forged_inodes(facts, dumped);
        let only_table = inodes.iter().filter(|(inode, count)| {
            let is_explained = dumped.contains_key(inode) || forged.contains(inode);
            **inode != 0 && **count == reads && !is_explained
        });
        let only_table: Vec<u64> = only_table.map(|(inode, _)| *inode).collect();
        if only_table.len() > margin {
            let what = "only in /proc/net/unix, in no dump";
            output.finding(difference(facts, host, netns, &only_table, &[], what));
        }
        let only_dump = dumped.iter().filter(|(inode, socket)| {
            !inodes.contains_key(inode) && !facts.map.holders(**socket).is_empty()
        });
        let (inodes, sockets): (Vec<u64>, Vec<SocketId>) = only_dump.unzip();
        if inodes.len() > margin.max(RACE) {
            let what = "in the dump, never in /proc/net/unix";
            output.finding(difference(facts, host, netns, &inodes, &sockets, what));
        }
    }
}

/// Inodes of the rows that socket names forge; see WT401.
fn forged_inodes(facts: &Facts<'_>, dumped: &BTreeMap<u64, SocketId>) -> BTreeSet<u64> {
    let sockets = dumped.values().map(|socket| facts.map.socket(*socket));
    let rests = sockets.filter_map(|socket| {
        let name = socket.name.as_ref()?.bytes();
        let first = name.iter().position(|byte| *byte == b'\n')?;
        Some(&name[first..])
    });
    let rows = rests.flat_map(proc_net_unix::rows);
    rows.map(|row| row.inode).collect()
}

fn difference(
    facts: &Facts<'_>,
    host: HostId,
    netns: u64,
    inodes: &[u64],
    sockets: &[SocketId],
    what: &str,
) -> RawFinding {
    let count = plural(inodes.len(), "Unix socket is", "Unix sockets are");
    let inodes = short_list(inodes.iter().map(ToString::to_string));
    RawFinding {
        severity: Severity::Medium,
        subject: Subject::Host(host),
        processes: facts.holders_of(sockets),
        sockets: sockets.to_vec(),
        title: format!("{}{count} {what}", facts.host_prefix(host)),
        evidence: vec![format!("network namespace {netns}, inodes {inodes}")],
        advice: "capture again with --count 3; where it stays, look for what hides them".to_owned(),
    }
}

/// Finds sockets that a process holds and that no table lists, in both captures.
///
/// Sockets that are neither bound nor connected are in no table either, and many programs hold one:
/// only a socket that a thread waits on or watches should be listed.
fn unlisted(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut lasting: BTreeMap<ProcessId, Vec<SocketId>> = BTreeMap::new();
    let (mut unconfirmed, mut idle) = (0, 0);
    let mut before: Option<BTreeSet<(HostId, u64)>> = None;
    for (id, socket) in facts.sockets() {
        if socket.family != Family::Other {
            continue;
        }
        let holders = facts.map.holders(id);
        if holders.is_empty() {
            continue;
        }
        let Some(user) = holders.iter().find(|holder| facts.uses(holder, id)) else {
            idle += 1;
            continue;
        };
        let history = facts.history();
        let Some((host, _)) = history.and_then(|history| history.host(socket.host)) else {
            unconfirmed += 1;
            continue;
        };
        let before = before.get_or_insert_with(|| {
            let sockets = history.iter().flat_map(|history| &history.map.sockets);
            let unlisted = sockets.filter(|socket| socket.family == Family::Other);
            unlisted.map(|socket| (socket.host, socket.inode)).collect()
        });
        if before.contains(&(host, socket.inode)) {
            lasting.entry(user.process).or_default().push(id);
        }
    }
    for (process, sockets) in lasting {
        let inode = |id: &SocketId| facts.map.socket(*id).inode.to_string();
        let inodes = short_list(sockets.iter().map(inode));
        let name = facts.process_name(process);
        let count = plural(sockets.len(), "socket", "sockets");
        output.finding(RawFinding {
            severity: Severity::Low,
            subject: Subject::Process(process),
            processes: vec![process],
            title: format!("{name} waits on {count} that no table lists"),
            evidence: vec![format!("in both captures: inodes {inodes}")],
            sockets,
            advice: "of a kind without a table (AF_ALG, Bluetooth), else hidden".to_owned(),
        });
    }
    let one = "socket that no table lists is";
    let many = "sockets that no table lists are";
    for (count, what) in [
        (unconfirmed, "there to stay needs a second capture"),
        (idle, "hidden, or bound to nothing"),
    ] {
        if count > 0 {
            output.unknown(format!("whether {} {what}", plural(count, one, many)));
        }
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("a row in both reads of the table and in no dump", |scene| {
        table(scene, &["4711"]);
        table(scene, &["4711", "4712"]);
    }),
    Case::quiet("one row in one read: a race", |scene| {
        table(scene, &["4711"])
    }),
    Case::quiet("rows in only one of two reads", |scene| {
        table(scene, &["4711"]);
        table(scene, &["4712"]);
    }),
    Case::low(
        "a process waits on a socket that no table lists, in both captures",
        |scene| {
            let app = unlisted_socket(scene);
            scene.blocked(app, 45, 5);
            scene.advance(10);
        },
    ),
    Case::quiet("a socket that was never bound", |scene| {
        let app = unlisted_socket(scene);
        scene.blocked(app, 7, 0);
        scene.advance(10);
    }),
];

#[cfg(test)]
fn unlisted_socket(scene: &mut Scene) -> ProcessId {
    let app = scene.process(600, 1, "/usr/bin/app");
    let socket = scene.socket(&[(app, 5, Some(true))]);
    scene.socket_mut(socket).family = Family::Other;
    app
}

/// Adds a read of the text table of the scene's namespace.
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
