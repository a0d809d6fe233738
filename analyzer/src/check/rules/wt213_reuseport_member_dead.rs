//! WT213: one of several listeners on an address gets clients and is not served.

use std::collections::BTreeMap;

use super::wt307_duplicate_listeners::interfaces;
use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::facts::{Serving, blocking_call};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::syscall::CallKind;
use crate::model::{
    Address, FdTarget, HostId, ProcessId, Socket, SocketId, SocketState, SocketType, ThreadState,
    Wait,
};

rule! { WT213 "reuseport-member-dead", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
Of several listeners on one address, one gets clients that are not accepted.

## What it finds
Internet sockets that are bound to one address with SO_REUSEPORT, where clients wait at one of them
and at none of the others, and no process that holds that one accepts from it: its threads all wait
for something else (high) or sleep (medium), or no process holds it. For UDP the same with unread
datagrams.

A worker that is busy with a client it has accepted is not reported; nor are groups where clients
wait at all members, and processes that are stopped (WT210).

## Why it matters
The kernel picks a member for each new client by a hash of the addresses, whether that member
accepts or not. One of eight workers that hangs, or whose socket was left open after a restart,
takes an eighth of all clients with it, and the service looks healthy in a single test.

## Example
    HIGH     WT213  one of 4 listeners on 0.0.0.0:8080 is not served: 3 clients wait there
             held by worker [812]; the others: worker [813], worker [814], worker [815]

## What to do
Restart the worker, or close the socket that was left open. Close every inherited or passed listener
that a process does not serve. net.ipv4.tcp_migrate_req moves waiting clients when a member closes.

## References
- socket(7) SO_REUSEPORT; net.ipv4.tcp_migrate_req
- envoyproxy/envoy issues 3804, 8031
";

/// Members of a group: host, network namespace, protocol, address.
type Group = (HostId, u64, &'static str, Address);

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut groups: BTreeMap<Group, Vec<SocketId>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        if let (Some(netns), Some(local), Some(protocol)) =
            (socket.netns, socket.local, socket.protocol)
            && is_member(socket)
        {
            let protocol = if protocol == "mptcp" { "tcp" } else { protocol };
            let group = groups.entry((socket.host, netns, protocol, local));
            group.or_default().push(id);
        }
    }
    groups.retain(|_, members| suspect(facts, members).is_some());
    if groups.is_empty() {
        return;
    }
    let interfaces = interfaces(facts);
    for (group, members) in groups {
        let interface = |id: &SocketId| {
            let cookie = facts.map.socket(*id).cookie;
            cookie.and_then(|cookie| interfaces.get(&cookie)).copied()
        };
        let mut by_interface: BTreeMap<Option<u32>, Vec<SocketId>> = BTreeMap::new();
        for member in members {
            by_interface
                .entry(interface(&member))
                .or_default()
                .push(member);
        }
        for members in by_interface.into_values() {
            if let Some(dead) = suspect(facts, &members) {
                check_member(facts, group.2, dead, &members, output);
            }
        }
    }
}

/// Whether a socket takes clients that come to its address.
fn is_member(socket: &Socket) -> bool {
    match socket.kind {
        SocketType::Stream | SocketType::Seqpacket => socket.state == SocketState::Listening,
        SocketType::Dgram => {
            let is_multicast =
                matches!(socket.local, Some(Address::Ip(ip, _)) if ip.is_multicast());
            socket.state == SocketState::Unconnected && !is_multicast
        }
        _ => false,
    }
}

/// Clients or bytes that wait at a member.
fn waiting(socket: &Socket) -> u64 {
    match socket.kind {
        SocketType::Dgram => socket.recv_queue_bytes,
        _ => socket.pending.unwrap_or(0).into(),
    }
}

/// The only one of at least two members at which clients wait.
fn suspect(facts: &Facts<'_>, members: &[SocketId]) -> Option<SocketId> {
    let mut loaded = members
        .iter()
        .filter(|id| waiting(facts.map.socket(**id)) > 0);
    let first = loaded.next()?;
    (members.len() > 1 && loaded.next().is_none()).then_some(*first)
}

fn check_member(
    facts: &Facts<'_>,
    protocol: &str,
    dead: SocketId,
    members: &[SocketId],
    output: &mut RuleOutput,
) {
    let holders = facts.map.holding_processes(dead);
    let severity = if holders.is_empty() {
        if !facts.map.socket(dead).holders_complete {
            output.unknowns(facts.missing_holders());
            return;
        }
        Severity::High
    } else if holders.iter().all(|holder| facts.stop(*holder).is_some()) {
        return;
    } else {
        let serving = holders.iter().map(|holder| serving(facts, *holder, dead));
        match serving.max() {
            Some(Attention::None) => Severity::High,
            Some(Attention::Sleeps) => Severity::Medium,
            Some(Attention::Unknown) => {
                output.unknown("whether listeners with waiting clients are served is not known");
                return;
            }
            _ => return,
        }
    };
    let socket = facts.map.socket(dead);
    let address = facts.socket_name(dead);
    let clients = match socket.kind {
        SocketType::Dgram => "unread datagrams wait".to_owned(),
        _ => plural(waiting(socket) as usize, "client waits", "clients wait"),
    };
    let others = members.iter().copied().filter(|id| *id != dead);
    let others: Vec<SocketId> = others.collect();
    let mut siblings = facts.holders_of(&others);
    siblings.sort_unstable();
    siblings.dedup();
    let owner = match holders.is_empty() {
        true => "held by no process".to_owned(),
        false => format!("held by {}", facts.process_names(&holders)),
    };
    let mut evidence = vec![
        format!("{owner} (socket {})", socket.inode),
        format!("the others are held by {}", facts.process_names(&siblings)),
    ];
    if !holders.is_empty() {
        evidence.push(match severity {
            Severity::High => "every thread of its holders waits for something else".to_owned(),
            _ => "its holders sleep".to_owned(),
        });
    }
    let count = members.len();
    let listeners = if socket.kind == SocketType::Dgram {
        "receivers"
    } else {
        "listeners"
    };
    let mut processes = holders;
    processes.extend(siblings);
    output.finding(RawFinding {
        severity,
        subject: Subject::Socket(dead),
        processes,
        sockets: [&[dead], &others[..]].concat(),
        title: format!(
            "one of {count} {protocol} {listeners} on {address} is not served: {clients} there"
        ),
        evidence,
        advice: "restart its holder, or close the socket if it was left open".to_owned(),
    });
}

/// What a holder does with a member of a group; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Attention {
    /// All of its threads wait for something else.
    None,
    /// All of those of which more is known sleep.
    Sleeps,
    Unknown,
    /// It accepts from it, or may at any time.
    Serves,
}

fn serving(facts: &Facts<'_>, process: ProcessId, member: SocketId) -> Attention {
    let is_datagram = facts.map.socket(member).kind == SocketType::Dgram;
    let serving = match is_datagram {
        true => facts.reading(process, member),
        false => facts.serving(process, member),
    };
    if serving == Serving::Yes {
        return Attention::Serves;
    }
    let threads = facts.threads(process).iter();
    let attention = threads.map(|thread| of_thread(facts, thread, member));
    attention.max().unwrap_or(Attention::Unknown)
}

fn of_thread(facts: &Facts<'_>, thread: &Wait, member: SocketId) -> Attention {
    let target = FdTarget::Socket(member);
    let call = match &thread.state {
        ThreadState::Call(call) => call,
        ThreadState::Running | ThreadState::NoCall => return Attention::Serves,
        ThreadState::Unread(_) => return Attention::Unknown,
    };
    match call.kind {
        CallKind::Poll => match call.polled() {
            Some(set) if set.files.iter().any(|file| file.target == target) => Attention::Serves,
            Some(set) if set.complete => Attention::None,
            _ => Attention::Unknown,
        },
        CallKind::Epoll if !facts.fdinfo.knows_epoll(facts.map, thread, call.fd) => {
            Attention::Unknown
        }
        CallKind::Epoll => Attention::None,
        CallKind::Sleep => Attention::Sleeps,
        _ if call.target == target => Attention::Serves,
        _ if blocking_call(thread).is_some() => Attention::None,
        _ => Attention::Unknown,
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("one of two workers waits for a child", |scene| {
        let (dead, _) = group(scene, 2);
        scene.blocked(dead, 61, 0);
    }),
    Case::medium("it sleeps", |scene| {
        let (dead, _) = group(scene, 2);
        scene.blocked(dead, 230, 0);
    }),
    Case::high("nobody holds it any more", |scene| {
        let (_, alive) = group(scene, 0);
        let left = scene.tcp_listener(&[], 8080);
        scene.socket_mut(left).pending = Some(1);
        scene.blocked(alive, 288, 5);
    }),
    Case::quiet("its worker is about to accept", |scene| {
        let (dead, _) = group(scene, 2);
        scene.blocked(dead, 288, 5);
    }),
    Case::quiet("its worker is busy with a client", |scene| {
        let (dead, _) = group(scene, 2);
        let listener = SocketId::new(0);
        let client = scene.process(900, 1, "/usr/bin/client");
        scene.accepted(&[(client, 3, None)], &[(dead, 9, None)], Some(listener));
        scene.blocked(dead, 0, 9);
    }),
    Case::quiet("clients wait at both", |scene| {
        let (dead, _) = group(scene, 2);
        scene.socket_mut(SocketId::new(1)).pending = Some(3);
        scene.blocked(dead, 61, 0);
    }),
];

/// Two workers with a listener each, of which the first has clients waiting.
#[cfg(test)]
fn group(scene: &mut Scene, pending: u32) -> (ProcessId, ProcessId) {
    let dead = scene.process(600, 1, "/usr/sbin/worker");
    let alive = scene.process(601, 1, "/usr/sbin/worker");
    let first = scene.tcp_listener(&[(dead, 5, Some(true))], 8080);
    scene.tcp_listener(&[(alive, 5, Some(true))], 8080);
    scene.socket_mut(first).pending = Some(pending);
    (dead, alive)
}
