//! WT207: unix sockets that no process holds.

use crate::check::facts::describe::{duration, plural, some};
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::Case;
use crate::check::{Earlier, Facts, Rule};
use crate::model::{Family, HostId, ProcessId, SocketId, SocketKey};

pub(super) static RULE: Rule = Rule {
    code: "WT207",
    name: "ownerless-socket",
    severity: Severity::Medium,
    since: "0.1.0",
    past: Earlier::Helpful,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

const DOC: &str = "\
Unix sockets that no process holds.

## What it finds
Unix sockets that exist and are in nobody's descriptor table, although every table was read. Where
descriptors are in flight, or an io_uring keeps sockets, that is the cause, and it is said. Where
some table could not be read its process may hold them: then the answer is unknown.

Sockets of other families are not looked at: the kernel has some of its own, which look the same.

## Why it matters
A socket without holder keeps its name, its memory and its connection, and no process can be asked
to close it. It is nearly always one that was sent over another socket and never received.

## Example
    LOW      WT207  2 Unix sockets are held by nobody
             in flight: worker [812] has 2 descriptors to receive on fd 5

## What to do
See WT206 for descriptors in flight. Ending the receiver closes them.

## References
- unix(7) SCM_RIGHTS; io_uring_register(2) IORING_REGISTER_FILES
";

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    for host in facts.hosts() {
        of_host(facts, host, said);
    }
}

fn of_host(facts: &Facts<'_>, host: HostId, said: &mut RuleOutput) {
    let mut nobodys: Vec<SocketId> = Vec::new();
    let mut in_rings: Vec<SocketId> = Vec::new();
    for (at, socket) in facts.map.sockets.iter().enumerate() {
        let id = SocketId::new(at);
        let is_listed =
            socket.family == Family::Unix && matches!(socket.key, SocketKey::Inode(1..));
        if socket.host != host || !is_listed || !facts.map.holders(id).is_empty() {
            continue;
        }
        if facts.infos.in_rings.binary_search(&socket.inode).is_ok() {
            in_rings.push(id);
        } else if socket.seen_twice {
            nobodys.push(id);
        }
    }
    if !in_rings.is_empty() {
        let evidence = vec!["registered with an io_uring, which its fdinfo lists".to_owned()];
        said.found(found(facts, Severity::Low, in_rings, vec![], evidence));
    }
    let Some(first) = nobodys.first() else { return };
    let flights = facts.infos.in_flight.iter();
    let flights = flights.filter(|((process, ..), _)| facts.map.process(*process).host == host);
    let flights: Vec<_> = flights.collect();
    let in_flight: usize = flights.iter().map(|(_, count)| *count as usize).sum();
    if in_flight >= nobodys.len() {
        let lines = flights.iter().take(8).map(|((process, _, fd), count)| {
            let descriptors = plural(*count as usize, "descriptor", "descriptors");
            format!(
                "in flight: {} has {descriptors} to receive on fd {fd}",
                facts.process(*process)
            )
        });
        let receivers = flights.iter().map(|((process, ..), _)| *process).collect();
        let lines = lines.collect();
        return said.found(found(facts, Severity::Low, nobodys, receivers, lines));
    }
    let coverage = &facts.map.hosts[host.index()].coverage;
    let end = facts
        .captures
        .get(host.index())
        .and_then(|capture| capture.end.as_ref());
    let whole = end.is_some_and(|end| end.second_look == WHOLE_SECOND_LOOK);
    let count = plural(nobodys.len(), "Unix socket is", "Unix sockets are");
    if !coverage.all_holders_known() {
        return said.unknown(format!("{count} held by nobody that could be read"));
    }
    let persistent = |id: &SocketId| {
        let past = facts.past()?;
        let then = past.socket(facts.map.socket(*id))?;
        past.map
            .holders(then)
            .is_empty()
            .then_some(past.host(host)?.1)
    };
    let age = persistent(first);
    if !whole && age.is_none() {
        return said.unknown(format!(
            "{count} held by nobody, and the tables were read only once"
        ));
    }
    let mut evidence = vec!["every descriptor table was read".to_owned()];
    evidence.extend(age.map(|age| format!("the first was nobody's {} before", duration(age))));
    let severity = if age.is_some() {
        Severity::Medium
    } else {
        Severity::Low
    };
    said.found(found(facts, severity, nobodys, vec![], evidence));
}

/// `CaptureEnd::second_look`: every table was looked at again.
const WHOLE_SECOND_LOOK: u8 = 2;

fn found(
    facts: &Facts<'_>,
    severity: Severity,
    sockets: Vec<SocketId>,
    processes: Vec<ProcessId>,
    mut evidence: Vec<String>,
) -> Found {
    let peers: Vec<_> = sockets.iter().filter_map(|id| facts.peer(*id)).collect();
    let peers = peers
        .iter()
        .filter(|id| !facts.map.holders(**id).is_empty());
    let peers: Vec<String> = peers.map(|id| facts.owner(*id)).collect();
    if !peers.is_empty() {
        evidence.push(format!("connected to {}", some(peers.into_iter())));
    }
    let names: Vec<String> = sockets.iter().map(|id| facts.socket(*id)).collect();
    evidence.push(some(names.into_iter()));
    Found {
        severity,
        subject: Subject::Socket(sockets[0]),
        processes,
        title: plural(
            sockets.len(),
            "Unix socket is held by nobody",
            "Unix sockets are held by nobody",
        ),
        sockets,
        evidence,
        advice: "receive or close what is in flight (WT206)".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "all was read twice, and nobody has it",
        scene: |scene| {
            scene.socket(&[]);
            looked_twice(scene);
        },
        finds: &[("WT207", Severity::Low)],
    },
    Case {
        about: "in flight",
        scene: |scene| {
            let worker = scene.process(60, 1, "/usr/bin/worker");
            scene.pair(&[(worker, 4, Some(true))], &[(worker, 5, Some(true))]);
            scene.socket(&[]);
            scene.info(worker, 5, "flags:\t02\nscm_fds: 1\n");
        },
        finds: &[("WT207", Severity::Low)],
    },
    Case {
        about: "an unread process may have it",
        scene: |scene| {
            scene.socket(&[]);
            looked_twice(scene);
            scene.map.hosts[0].coverage.denied = 1;
        },
        finds: &[],
    },
    Case {
        about: "seen in one table only: it came or went meanwhile",
        scene: |scene| {
            let id = scene.socket(&[]);
            looked_twice(scene);
            scene.map.sockets[id.index()].seen_twice = false;
        },
        finds: &[],
    },
];

#[cfg(test)]
fn looked_twice(scene: &mut crate::check::fixture::Scene) {
    scene.capture.end = Some(whotalks_snapshot::records::CaptureEnd {
        second_look: WHOLE_SECOND_LOOK,
        ..Default::default()
    });
}
