//! WT101: a connected socket that was inherited by unrelated programs.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Holder, ProcessId, SocketId, SocketState};

rule! { WT101 "shared-connected-socket", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A connected socket leaked into programs that have no business with it.

## What it finds
A connected socket that several different programs hold: one of them an ancestor of the others,
whose copies are not close-on-exec. So it was opened without SOCK_CLOEXEC, and every program that
was started afterwards got a copy. Of programs that an interpreter runs, each script is one. The
ancestor may have ended, as that of a daemon has: then the same descriptor number in a younger
process of the same control group or session shows it.

It does not look at sockets that somebody has as standard input, output or error, at holders that
are service managers or container runtimes, or at workers of one program. A copy that its holder
watches, reads from, or is told of on its command line was given on purpose and is no leak.

## Why it matters
The conversation does not end when its owner closes it or dies: the other end sees no end of file
while any copy is open, and waits for ever. Every one of these programs can read and write a
conversation that is not its own, with the rights that the other end granted to its owner.

## Example
    HIGH     WT101  agent [4312] fd 9 ⇄ keyring [901] held by 12 processes
             9 programs, not close-on-exec, spread by xfce4-session [880]

The page \"Who's talking to whom?\", which whotalks comes from, saw one such socket of seahorse,
shared by very many processes of a desktop.

## What to do
Open the socket with SOCK_CLOEXEC, or set FD_CLOEXEC with fcntl(2) at once. Where a library opens
it, report it there. Starting children with close_range(2) or closefrom(3) protects against other
people's leaks.

## References
- socket(2), accept4(2), fcntl(2) F_SETFD, close_range(2)
- zeromq/libzmq issue 956; util-linux/util-linux issue 4042
- PEP 446, which made descriptors of Python non-inheritable
";

/// A leak: the process that opened the sockets, and all processes that hold them.
type Leak = (ProcessId, Vec<ProcessId>);

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut leaks: BTreeMap<Leak, Vec<SocketId>> = BTreeMap::new();
    let mut unknown = 0;
    for (id, _) in facts.sockets() {
        match leak(facts, id) {
            Verdict::Leak(leak) => leaks.entry(leak).or_default().push(id),
            Verdict::Unknown => unknown += 1,
            Verdict::NoLeak => {}
        }
    }
    for ((opener, holders), sockets) in leaks {
        output.finding(finding(facts, opener, &holders, sockets));
    }
    if unknown > 0 {
        let sockets = plural(unknown, "shared socket", "shared sockets");
        output.unknown(format!(
            "whether {sockets} is close-on-exec was not captured (--fdinfo)"
        ));
    }
    output.unknowns(facts.missing_holders());
}

enum Verdict {
    NoLeak,
    /// Close-on-exec was not captured.
    Unknown,
    Leak(Leak),
}

fn leak(facts: &Facts<'_>, id: SocketId) -> Verdict {
    let socket = facts.map.socket(id);
    let connected = socket.state == SocketState::Established || socket.state.is_closing();
    let holders = facts.map.holders(id);
    let [first, .., last] = holders else {
        return Verdict::NoLeak;
    };
    if !connected || first.process == last.process {
        return Verdict::NoLeak;
    }
    let tree = &facts.process_tree;
    let other_program = |holder: &Holder| !tree.same_program(holder.process, first.process);
    let on_purpose = |holder: &Holder| holder.fd <= 2 || tree.is_manager(holder.process);
    if !holders.iter().any(other_program) || holders.iter().any(on_purpose) {
        return Verdict::NoLeak;
    }
    let start = |process: &ProcessId| facts.map.process(*process).start_ticks;
    let eldest = holders.iter().min_by_key(|holder| start(&holder.process));
    let mut openers = Vec::new();
    let mut unknown = false;
    for holder in holders {
        let opener = opener(facts, holders, holder.process).or_else(|| {
            eldest
                .filter(|eldest| is_heir(facts, holder, eldest))?
                .process
                .into()
        });
        let Some(opener) = opener else {
            continue;
        };
        match holder.cloexec {
            Some(true) => {}
            None => unknown = true,
            // Its holder uses it, or its command line names it.
            Some(false) if facts.uses(holder, id) => {}
            Some(false) if facts.is_fd_argument(holder.process, holder.fd) => {}
            Some(false) => openers.push(opener),
        }
    }
    let opener = openers.into_iter().min_by_key(|opener| {
        let process = facts.map.process(*opener);
        (process.start_ticks, process.pid)
    });
    match opener {
        Some(opener) => Verdict::Leak((opener, facts.map.holding_processes(id))),
        None if unknown => Verdict::Unknown,
        None => Verdict::NoLeak,
    }
}

/// The topmost ancestor that holds the socket too and runs another program.
fn opener(facts: &Facts<'_>, holders: &[Holder], process: ProcessId) -> Option<ProcessId> {
    let holds = |process: &ProcessId| {
        let index = holders.binary_search_by_key(process, |holder| holder.process);
        index.is_ok()
    };
    let tree = &facts.process_tree;
    let ancestors = tree.ancestors(process).filter(holds);
    ancestors
        .filter(|id| !tree.same_program(*id, process))
        .last()
}

/// Whether a holder inherited the socket from the eldest one, through parents that have ended.
fn is_heir(facts: &Facts<'_>, holder: &Holder, eldest: &Holder) -> bool {
    holder.fd == eldest.fd
        && eldest.cloexec != Some(true)
        && !facts
            .process_tree
            .same_program(holder.process, eldest.process)
        && facts.is_orphan_of(holder.process, eldest.process)
}

fn finding(
    facts: &Facts<'_>,
    opener: ProcessId,
    holders: &[ProcessId],
    sockets: Vec<SocketId>,
) -> RawFinding {
    let map = facts.map;
    let programs = holders.iter().map(|id| facts.process_tree.program(*id));
    let programs: BTreeSet<_> = programs.collect();
    let first = sockets[0];
    let copies = map.holders(first);
    let original = copies.iter().find(|holder| holder.process == opener);
    let fd = original.map_or(0, |holder| holder.fd);
    let same_number = copies.iter().all(|holder| holder.fd == fd);
    let severity = match (same_number, programs.len()) {
        (true, 3..) => Severity::High,
        (true, _) | (_, 3..) => Severity::Medium,
        _ => Severity::Low,
    };
    let opener_name = facts.process_name(opener);
    let count = plural(holders.len(), "process", "processes");
    let what = match sockets.len() {
        1 => match facts.peer(first) {
            Some(peer) => format!("fd {fd} ⇄ {}", facts.owner(peer)),
            None => format!("fd {fd}"),
        },
        count => format!("{count} sockets"),
    };
    let programs = plural(programs.len(), "program", "programs");
    let others = holders.iter().filter(|process| **process != opener);
    let mut evidence = vec![
        format!("{programs}: {}", facts.program_names(holders)),
        describe_copies(copies, opener, fd, same_number),
        facts.spread(opener, others),
    ];
    if sockets.len() > 1 {
        evidence.push(format!("sockets: {}", facts.socket_names(&sockets)));
    }
    RawFinding {
        severity,
        subject: Subject::Socket(first),
        processes: holders.to_vec(),
        sockets,
        title: format!("{opener_name} {what} held by {count}"),
        evidence,
        advice: format!("open it with SOCK_CLOEXEC in {opener_name}"),
    }
}

/// Describes the close-on-exec flags and numbers of the copies.
fn describe_copies(copies: &[Holder], opener: ProcessId, fd: u32, same_number: bool) -> String {
    let others = copies.iter().filter(|holder| holder.process != opener);
    let flags: Vec<bool> = others.filter_map(|holder| holder.cloexec).collect();
    let known = flags.len();
    let leaked = flags.iter().filter(|cloexec| !**cloexec).count();
    let number = match same_number {
        true => format!("fd {fd} in all"),
        false => "under different numbers".to_owned(),
    };
    format!("not close-on-exec in {leaked} of {known} copies looked at, {number}")
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high(
        "a session's socket in three programs that it started",
        |scene| leaked(scene, &["/usr/bin/bash", "/usr/bin/vim", "/usr/bin/top"]),
    ),
    Case::medium("two programs", |scene| leaked(scene, &["/usr/bin/vim"])),
    Case::medium(
        "several sockets with the same holders are one finding",
        |scene| {
            let (session, shell) = family(scene);
            for fd in [7, 8] {
                scene.pair(&[(session, fd, Some(false)), (shell, fd, Some(false))], &[]);
            }
        },
    ),
    Case::quiet("workers of one program", |scene| {
        leaked(scene, &["/usr/bin/session", "/usr/bin/session (deleted)"])
    }),
    Case::quiet("a child that watches its copy", |scene| {
        let (session, shell) = family(scene);
        let (socket, _) = scene.pair(&[(session, 7, Some(false)), (shell, 7, Some(false))], &[]);
        scene.epoll(shell, socket);
    }),
    Case::quiet("the standard output of a program", |scene| {
        let (session, shell) = family(scene);
        scene.pair(&[(session, 7, Some(false)), (shell, 1, Some(false))], &[]);
    }),
    Case::quiet("passed over a socket, and close-on-exec", |scene| {
        let (session, shell) = family(scene);
        scene.pair(&[(session, 7, Some(true)), (shell, 9, Some(true))], &[]);
    }),
];

#[cfg(test)]
fn family(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let session = scene.process(880, 1, "/usr/bin/session");
    (session, scene.process(900, 880, "/usr/bin/bash"))
}

#[cfg(test)]
fn leaked(scene: &mut Scene, programs: &[&str]) {
    let session = scene.process(880, 1, "/usr/bin/session");
    let mut holders = vec![(session, 7, Some(false))];
    for (index, exe) in programs.iter().enumerate() {
        let pid = 900 + index as u32;
        let parent = if index == 0 { 880 } else { pid - 1 };
        holders.push((scene.process(pid, parent, exe), 7, Some(false)));
    }
    let other = scene.process(999, 1, "/usr/bin/keyring");
    scene.pair(&holders, &[(other, 5, Some(true))]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_without_flags_or_with_unread_processes() {
        let mut scene = Scene::new();
        let (session, shell) = family(&mut scene);
        scene.pair(&[(session, 7, None), (shell, 7, None)], &[]);
        scene.process_mut(shell).fds_status = crate::model::FdsStatus::Partial;
        let report = scene.report();
        let unknown = report
            .unknown
            .iter()
            .filter(|unknown| unknown.code == "WT101");
        assert_eq!(unknown.count(), 2, "{report:#?}");
        assert!(report.findings.is_empty());
    }
}
