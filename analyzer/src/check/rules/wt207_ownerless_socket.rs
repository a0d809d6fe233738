//! WT207: Unix sockets that no process holds.

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural, short_list};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Family, HostId, ProcessId, SocketId, SocketKey};

rule! { WT207 "ownerless-socket", Medium, since "0.1.0", earlier Helpful }

const DOC: &str = "\
Unix sockets that no process holds.

## What it finds
Unix sockets that exist and are in no descriptor table, although every table was read. Where
so many descriptors are in flight, that is the likely cause, and it is said. Where some table could
not be read, or there are processes outside the pid namespace, these may hold them: then the answer
is unknown, unless the socket's peer is with a process that has descriptors to receive. A socket
that is registered with an io_uring is held.

Sockets of other families are not looked at: the kernel has some of its own, which look the same.

## Why it matters
A socket without holder keeps its name, its memory and its connection, and no process can be asked
to close it. It is nearly always one that was sent over another socket and never received.

## Example
    LOW      WT207  2 Unix sockets are held by no process
             in flight: worker [812] has 2 descriptors to receive on fd 5

## What to do
See WT206 for descriptors in flight. Ending the receiver closes them.

## References
- unix(7) SCM_RIGHTS; io_uring_register(2) IORING_REGISTER_FILES
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    for host in facts.hosts() {
        check_host(facts, host, output);
    }
}

fn check_host(facts: &Facts<'_>, host: HostId, output: &mut RuleOutput) {
    let mut unheld: Vec<SocketId> = Vec::new();
    for (id, socket) in facts.sockets() {
        let is_listed =
            socket.family == Family::Unix && matches!(socket.key, SocketKey::Inode(1..));
        if socket.host != host || !is_listed || !facts.map.holders(id).is_empty() {
            continue;
        }
        let in_ring = facts.fdinfo.in_rings.binary_search(&socket.inode).is_ok();
        if socket.seen_twice && !in_ring {
            unheld.push(id);
        }
    }
    if unheld.is_empty() {
        return;
    }
    let coverage = &facts.map.hosts[host.index()].coverage;
    let in_flight = facts.fdinfo.in_flight.iter();
    let in_flight = in_flight.filter(|((process, ..), _)| facts.map.process(*process).host == host);
    let in_flight: Vec<_> = in_flight.collect();
    let receivers: Vec<ProcessId> = in_flight
        .iter()
        .map(|((process, ..), _)| *process)
        .collect();
    // What is in flight may be a file, and an unread process may hold the socket: only where its peer
    // is with a receiver they belong together.
    let (sent, unheld): (Vec<SocketId>, Vec<SocketId>) = match coverage.all_holders_known() {
        true => {
            let count: usize = in_flight.iter().map(|(_, count)| **count as usize).sum();
            let is_enough = count >= unheld.len();
            unheld.into_iter().partition(|_| is_enough)
        }
        false => unheld.into_iter().partition(|id| {
            let mut peers = facts.peer_processes(*id).into_iter();
            coverage.initial_pidns && peers.any(|peer| receivers.contains(&peer))
        }),
    };
    if !sent.is_empty() {
        let lines = in_flight.iter().take(8).map(|((process, _, fd), count)| {
            let descriptors = plural(**count as usize, "descriptor", "descriptors");
            let name = facts.process_name(*process);
            format!("in flight: {name} has {descriptors} to receive on fd {fd}")
        });
        let lines = lines.collect();
        output.finding(finding(facts, Severity::Low, sent, receivers, lines));
    }
    let Some(first) = unheld.first() else { return };
    let count = plural(unheld.len(), "Unix socket is", "Unix sockets are");
    if !coverage.all_holders_known() {
        return output.unknown(format!("{count} held by no process that could be read"));
    }
    let capture = facts.captures.get(host.index());
    let end = capture.and_then(|capture| capture.end.as_ref());
    let read_twice = end.is_some_and(|end| end.second_look == COMPLETE_SECOND_PASS);
    let age = facts.history().and_then(|history| {
        facts.age_ns_where(*first, |first| history.map.holders(first.id).is_empty())
    });
    if !read_twice && age.is_none() {
        let once = "the tables were read only once";
        return output.unknown(format!("{count} held by no process, and {once}"));
    }
    let mut evidence = vec!["every descriptor table was read".to_owned()];
    evidence
        .extend(age.map(|age| format!("the first was without a holder {} before", duration(age))));
    let severity = Severity::Low.raised_if(age.is_some());
    output.finding(finding(facts, severity, unheld, vec![], evidence));
}

/// `CaptureEnd::second_look`: every table was read again.
const COMPLETE_SECOND_PASS: u8 = 2;

fn finding(
    facts: &Facts<'_>,
    severity: Severity,
    sockets: Vec<SocketId>,
    processes: Vec<ProcessId>,
    mut evidence: Vec<String>,
) -> RawFinding {
    let peers = sockets.iter().filter_map(|id| facts.peer(*id));
    let peers = peers.filter(|id| !facts.map.holders(*id).is_empty());
    let peers: Vec<String> = peers.map(|id| facts.owner(id)).collect();
    if !peers.is_empty() {
        evidence.push(format!("connected to {}", short_list(peers)));
    }
    evidence.push(facts.socket_names(&sockets));
    let count = plural(sockets.len(), "Unix socket is", "Unix sockets are");
    RawFinding {
        severity,
        subject: Subject::Socket(sockets[0]),
        processes,
        title: format!("{count} held by no process"),
        sockets,
        evidence,
        advice: "receive or close what is in flight (WT206)".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::low("all was read twice, and no process holds it", |scene| {
        scene.socket(&[]);
        read_twice(scene);
    }),
    Case::low("in flight", |scene| {
        let worker = scene.process(60, 1, "/usr/bin/worker");
        scene.pair(&[(worker, 4, Some(true))], &[(worker, 5, Some(true))]);
        scene.socket(&[]);
        scene.fdinfo(worker, 5, "flags:\t02\nscm_fds: 1\n");
    }),
    Case::quiet(
        "files are in flight, and processes outside the pid namespace are not seen",
        |scene| {
            let worker = scene.process(60, 1, "/usr/bin/worker");
            scene.pair(&[(worker, 4, Some(true))], &[(worker, 5, Some(true))]);
            scene.socket(&[]);
            scene.fdinfo(worker, 5, "flags:\t02\nscm_fds: 1\n");
            scene.map.hosts[0].coverage.initial_pidns = false;
        },
    ),
    Case::quiet("an unread process may hold it", |scene| {
        scene.socket(&[]);
        read_twice(scene);
        scene.map.hosts[0].coverage.denied = 1;
    }),
    Case::quiet(
        "in one table only: it was opened or closed meanwhile",
        |scene| {
            let id = scene.socket(&[]);
            read_twice(scene);
            scene.socket_mut(id).seen_twice = false;
        },
    ),
];

#[cfg(test)]
fn read_twice(scene: &mut Scene) {
    scene.capture.end = Some(whotalks_snapshot::records::CaptureEnd {
        second_look: COMPLETE_SECOND_PASS,
        ..Default::default()
    });
}
