//! WT102: a listening socket that is held by programs that do not serve it.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::Serving;
use crate::check::facts::describe::{plural, short_list};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Fd, Scene};
use crate::model::{ProcessId, SocketId, SocketState};

rule! { WT102 "leaked-listener", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A listening socket is held by a program that does not serve it.

## What it finds
A listener that a program serves (it accepts on it, watches it with epoll, or holds what it
accepted), and that a descendant which runs another program holds too, not close-on-exec; also a
descendant whose parents have ended, as those of daemons have. And a listener that is left over:
every process that still holds it is busy with something else (low where they all sleep for a
time, as a server may between two looks).

It is quiet where an ancestor holds and a descendant serves (socket activation, inetd, postfix,
docker-proxy), where a service manager or container runtime holds it, and where the programs wait in
poll, select or an io_uring and nothing tells what for.

## Why it matters
The address stays taken as long as any copy is open: after its server has died or restarted, bind(2)
fails with EADDRINUSE, or clients connect to a socket that no process will ever accept on, and hang.

## Example
    MEDIUM   WT102  @/run/app held by backup.sh [912], served by app [880]
             not close-on-exec: fd 5

keymapper pull request 388: commands that it started kept its socket, and it could not be restarted
before they ended.

## What to do
Open the listener with SOCK_CLOEXEC. End or restart the program that still has it: ss -lp or
`whotalks list --sockets` shows who that is.

## References
- socket(2), bind(2) EADDRINUSE, fcntl(2) F_SETFD, sd_listen_fds(3)
- houmain/keymapper pull request 388; roehling/postsrsd issue 16
";

/// The process that serves a listener (`None`: none is left), those that hold it without use, and
/// whether they all sleep.
type Leak = (Option<ProcessId>, Vec<ProcessId>, bool);

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut leaks: BTreeMap<Leak, Vec<SocketId>> = BTreeMap::new();
    let mut unknown = 0;
    let missing_holders = facts.missing_holders();
    for (id, socket) in facts.sockets() {
        if socket.state != SocketState::Listening {
            continue;
        }
        let (leak, is_unknown) = leak(facts, id, missing_holders.is_empty());
        unknown += usize::from(is_unknown && leak.is_none());
        if let Some(leak) = leak {
            leaks.entry(leak).or_default().push(id);
        }
    }
    for ((server, holders, asleep), listeners) in leaks {
        output.finding(finding(facts, server, holders, asleep, listeners));
    }
    if unknown > 0 {
        let listeners = plural(unknown, "listener", "listeners");
        output.unknown(format!(
            "whether {listeners} is close-on-exec was not captured (--fdinfo)"
        ));
    }
    output.unknowns(missing_holders);
}

/// The leak, and whether there may be one because close-on-exec was not captured.
fn leak(facts: &Facts<'_>, id: SocketId, all_read: bool) -> (Option<Leak>, bool) {
    let holders = facts.map.holders(id);
    let processes = facts.map.holding_processes(id);
    let tree = &facts.process_tree;
    if processes.is_empty() || processes.iter().any(|id| tree.is_manager(*id)) {
        return (None, false);
    }
    let serving = processes.iter().map(|process| facts.serving(*process, id));
    let serving: Vec<Serving> = serving.collect();
    let cloexec = |process: ProcessId| {
        let copies = holders.iter().filter(|holder| holder.process == process);
        copies.map(|holder| holder.cloexec).max().flatten()
    };
    let busy = |(process, serving): (&ProcessId, &Serving)| {
        *serving == Serving::No || facts.is_asleep(*process) && *serving == Serving::Maybe
    };
    if processes.iter().zip(&serving).all(busy) {
        let complete = all_read || facts.map.socket(id).holders_complete;
        let flags = processes.iter().map(|id| cloexec(*id));
        let asleep = serving.contains(&Serving::Maybe);
        return match flags.max_by_key(|flag| (*flag == Some(false), flag.is_none())) {
            Some(Some(false)) if complete => (Some((None, processes, asleep)), false),
            Some(None) => (None, complete && !asleep),
            _ => (None, false),
        };
    }
    let serves = |process: ProcessId| {
        let index = processes.binary_search(&process).ok()?;
        (serving[index] == Serving::Yes).then_some(process)
    };
    let mut servers = processes.iter().copied().filter_map(serves);
    let eldest = servers.next();
    // A number that two processes have in common was inherited; one that was received is any.
    let fd = |process: ProcessId| {
        let copies = holders
            .iter()
            .filter(move |holder| holder.process == process);
        copies.map(|holder| holder.fd).min()
    };
    let inherits = |heir: ProcessId| {
        eldest.filter(|server| fd(heir) == fd(*server) && facts.is_orphan_of(heir, *server))
    };
    let (mut leaked, mut server, mut unknown) = (Vec::new(), None, false);
    for (process, serving) in processes.iter().zip(&serving) {
        if *serving == Serving::Yes {
            continue;
        }
        let ancestor = tree.ancestors(*process).find_map(serves);
        let ancestor = ancestor.or_else(|| inherits(*process));
        let Some(ancestor) = ancestor.filter(|id| !tree.same_program(*id, *process)) else {
            continue;
        };
        match cloexec(*process) {
            Some(false) => {
                server = Some(ancestor);
                leaked.push(*process);
            }
            Some(true) => {}
            None => unknown = true,
        }
    }
    (
        (!leaked.is_empty()).then_some((server, leaked, false)),
        unknown,
    )
}

fn finding(
    facts: &Facts<'_>,
    server: Option<ProcessId>,
    holders: Vec<ProcessId>,
    asleep: bool,
    listeners: Vec<SocketId>,
) -> RawFinding {
    let first = listeners[0];
    let pending = facts.map.socket(first).pending.unwrap_or(0);
    let name = match listeners.len() {
        1 => facts.socket_name(first),
        count => format!("{count} listeners"),
    };
    let holder_names = facts.process_names(&holders);
    let copies = facts.map.holders(first).iter();
    let copies = copies.filter(|copy| holders.binary_search(&copy.process).is_ok());
    let fds = copies.map(|copy| format!("{} fd {}", facts.process_name(copy.process), copy.fd));
    let fds = short_list(fds.collect::<Vec<_>>());
    let mut evidence = vec![format!("not close-on-exec: {fds}")];
    let (severity, title) = match server {
        Some(server) => {
            evidence.push(facts.spread(server, &holders));
            let server = facts.process_name(server);
            let title = format!("{name} held by {holder_names}, served by {server}");
            (Severity::Medium, title)
        }
        None => {
            let what = match asleep {
                true => "every thread of theirs sleeps or waits for something else",
                false => "every thread of theirs waits for something else",
            };
            evidence.push(what.to_owned());
            if pending > 0 {
                let clients = plural(pending as usize, "client waits", "clients wait");
                evidence.push(format!("{clients} to be accepted"));
            }
            let title = format!("{name} is served by no process, held by {holder_names}");
            let severity = if asleep {
                Severity::Low
            } else {
                Severity::Medium
            };
            (severity.raised_if(pending > 0), title)
        }
    };
    if listeners.len() > 1 {
        evidence.push(format!("listeners: {}", facts.socket_names(&listeners)));
    }
    let mut processes = holders;
    processes.extend(server);
    RawFinding {
        severity,
        subject: Subject::Socket(first),
        processes,
        sockets: listeners,
        title,
        evidence,
        advice: "open the listener with SOCK_CLOEXEC; end the processes that have it".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium(
        "a daemon's listener in a command that it started",
        |scene| {
            let (daemon, command) = family(scene);
            watched(
                scene,
                daemon,
                &[(daemon, 5, Some(false)), (command, 5, Some(false))],
            );
        },
    ),
    Case::high("the daemon is gone, and clients wait", |scene| {
        let command = scene.process(900, 1, "/usr/bin/sleep");
        let listener = scene.listener(&[(command, 5, Some(false))], "app");
        scene.socket_mut(listener).pending = Some(2);
        scene.blocked(command, 230, 0);
    }),
    Case::medium(
        "a daemon that forked twice, from a server that runs",
        |scene| {
            let server = scene.process(880, 1, "/usr/bin/server");
            let heir = scene.process(900, 1, "/usr/bin/backup");
            watched(
                scene,
                server,
                &[(server, 5, Some(false)), (heir, 5, Some(false))],
            );
        },
    ),
    Case::low("the only holder sleeps", |scene| {
        let left = scene.process(900, 1, "/usr/bin/python3.11");
        scene.listener(&[(left, 5, Some(false))], "app");
        scene.blocked(left, 230, 0);
    }),
    Case::quiet("a descriptor with another number was received", |scene| {
        let server = scene.process(880, 1, "/usr/bin/server");
        let other = scene.process(900, 1, "/usr/bin/backup");
        watched(
            scene,
            server,
            &[(server, 5, Some(false)), (other, 7, Some(false))],
        );
    }),
    Case::quiet("an ancestor holds, the descendant serves", |scene| {
        let (daemon, command) = family(scene);
        watched(
            scene,
            command,
            &[(daemon, 5, Some(false)), (command, 5, Some(false))],
        );
        scene.blocked(daemon, 61, 0);
    }),
    Case::quiet("a service manager holds it too", |scene| {
        let (daemon, command) = family(scene);
        let init = ProcessId(0);
        let holders = [
            (init, 9, Some(true)),
            (daemon, 3, Some(false)),
            (command, 3, None),
        ];
        watched(scene, daemon, &holders);
    }),
    Case::quiet("a program that may poll it", |scene| {
        let daemon = scene.process(880, 1, "/usr/bin/daemon");
        scene.listener(&[(daemon, 5, Some(false))], "app");
        scene.blocked(daemon, 7, 0);
    }),
    Case::quiet("workers of one program", |scene| {
        let master = scene.process(880, 1, "/usr/sbin/nginx");
        let worker = scene.process(900, 880, "/usr/sbin/nginx");
        watched(
            scene,
            worker,
            &[(master, 5, Some(false)), (worker, 5, Some(false))],
        );
    }),
];

#[cfg(test)]
fn family(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let daemon = scene.process(880, 1, "/usr/bin/daemon");
    (daemon, scene.process(900, 880, "/usr/bin/backup"))
}

/// A listener that `server` watches with epoll.
#[cfg(test)]
fn watched(scene: &mut Scene, server: ProcessId, holders: &[Fd]) {
    let listener = scene.listener(holders, "app");
    scene.epoll(server, listener);
}
