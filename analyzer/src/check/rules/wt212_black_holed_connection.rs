//! WT212: an established TCP connection whose other end does not answer any more.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::Capture;
use crate::load::tcp_info::{self, TcpInfo};
use crate::model::{Address, Family, HostId, ProcessId, SocketId, SocketState};

rule! { WT212 "black-holed-connection", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
The other end of a TCP connection has stopped answering, and this end does not know.

## What it finds
Established TCP connections with data that was retransmitted three times and more and is still not
acknowledged, or with two and more probes unanswered (keepalive, or of a closed window). High when
no acknowledgment has come for 15 seconds. The connections of a process to one address are one
finding.

A connection that is idle without keepalive cannot be told from a dead one.

## Why it matters
A host that lost power, a firewall that forgot the connection, a cable: no reset comes, so the
kernel goes on for about 15 minutes (net.ipv4.tcp_retries2), and whoever waits for an answer waits
as long. A pool keeps such connections, and gives them to further requests.

## Example
    HIGH     WT212  pgbouncer [812] gets no answer from 10.0.0.9 on 3 connections
             10.0.0.5:51312 → 10.0.0.9:5432: 6 retransmissions, last acknowledged 41 s ago

## What to do
Check the way to the other host (`ping`, firewalls, NAT timeouts). In the program: a timeout for
requests, TCP_USER_TIMEOUT, and keepalive shorter than the firewall's memory. `ss -K` closes a
connection by hand.

## References
- tcp(7) TCP_USER_TIMEOUT, tcp_retries2, tcp_keepalive_time; RFC 5482
- pgbouncer/pgbouncer issue 138; lettuce-io/lettuce-core issue 2082
";

/// Retransmissions of one segment: with the smallest timeout the third comes after 1.4 seconds.
const RETRANSMITS: u8 = 3;
/// The first probe may be on its way.
const PROBES: u8 = 2;
const LONG_SILENCE_MS: u32 = 15_000;

/// The connections of a process to one address.
type Connections = Vec<(SocketId, TcpInfo)>;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let silent: Vec<BTreeMap<u64, TcpInfo>> = facts.captures.iter().map(|it| silent(it)).collect();
    let mut by_peer: BTreeMap<(Vec<ProcessId>, IpAddr), Connections> = BTreeMap::new();
    let mut from_text = 0;
    for (id, socket) in facts.sockets() {
        // A subflow of MPTCP that is silent has others beside it.
        let is_tcp =
            matches!(socket.family, Family::Inet | Family::Inet6) && socket.protocol == Some("tcp");
        let is_open = matches!(
            socket.state,
            SocketState::Established | SocketState::CloseWait
        );
        if !is_tcp || !is_open {
            continue;
        }
        let Some(cookie) = socket.cookie else {
            from_text += 1;
            continue;
        };
        let of_host = silent.get(socket.host.index());
        let Some(info) = of_host.and_then(|of_host| of_host.get(&cookie)) else {
            continue;
        };
        if let Some(Address::Ip(ip, _)) = socket.remote {
            let key = (facts.map.holding_processes(id), ip.to_canonical());
            by_peer.entry(key).or_default().push((id, *info));
        }
    }
    for ((holders, peer), connections) in by_peer {
        output.finding(finding(facts, holders, peer, &connections));
    }
    if from_text > 0 {
        let sockets = plural(from_text, "TCP socket", "TCP sockets");
        output.unknown(format!(
            "{sockets} are known from text tables only, which have no retransmissions"
        ));
    }
    let hosts = facts.hosts().filter(|host| !has_dump(facts, *host));
    if hosts.count() > 0 {
        output.unknown("no table of TCP sockets was dumped");
    }
}

/// Whether any TCP table of a host was dumped.
fn has_dump(facts: &Facts<'_>, host: HostId) -> bool {
    let capture = facts.captures.get(host.index());
    let dumped = |name| {
        let mut sources = capture.into_iter().flat_map(|it| it.sources(name));
        sources.any(|raw| raw.header.errno == 0)
    };
    // A capture of a test has no tables at all.
    dumped("diag/tcp") || capture.is_some_and(|capture| capture.raw.is_empty())
}

/// The sockets, by cookie, whose other end does not answer.
fn silent(capture: &Capture) -> BTreeMap<u64, TcpInfo> {
    let mut all = tcp_info::all(capture);
    all.retain(|_, info| {
        info.retransmits >= RETRANSMITS && info.unacknowledged > 0 || info.probes >= PROBES
    });
    all
}

fn finding(
    facts: &Facts<'_>,
    holders: Vec<ProcessId>,
    peer: IpAddr,
    connections: &[(SocketId, TcpInfo)],
) -> RawFinding {
    let first = connections[0].0;
    let owner = facts.owner(first);
    let count = plural(connections.len(), "connection", "connections");
    let describe = |(id, info): &(SocketId, TcpInfo)| {
        let socket = facts.map.socket(*id);
        let [from, to] = [socket.local, socket.remote]
            .map(|end| end.map_or_else(String::new, |address| address.to_string()));
        let tries = match info.retransmits >= RETRANSMITS {
            true => plural(info.retransmits.into(), "retransmission", "retransmissions"),
            false => plural(info.probes.into(), "unanswered probe", "unanswered probes"),
        };
        let silence = duration(u64::from(info.last_acknowledged_ms) * 1_000_000);
        format!("{from} → {to}: {tries}, last acknowledged {silence} ago")
    };
    let lines: Vec<String> = connections.iter().map(describe).collect();
    let longest = connections
        .iter()
        .map(|(_, info)| info.last_acknowledged_ms);
    let is_long = longest.max() >= Some(LONG_SILENCE_MS);
    let mut evidence: Vec<String> = lines.iter().take(3).cloned().collect();
    if lines.len() > 3 {
        evidence.push(format!("{} more", lines.len() - 3));
    }
    RawFinding {
        severity: Severity::Medium.raised_if(is_long),
        subject: Subject::Socket(first),
        processes: holders,
        sockets: connections.iter().map(|(id, _)| *id).collect(),
        title: format!("{owner} gets no answer from {peer} on {count}"),
        evidence,
        advice: "check the way to the other host; set TCP_USER_TIMEOUT or keepalive".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("three retransmissions", |scene| {
        connected(scene, (3, 0, 2), 1_500)
    }),
    Case::high("no answer for a minute", |scene| {
        connected(scene, (8, 0, 2), 60_000)
    }),
    Case::high("keepalive probes", |scene| {
        connected(scene, (0, 4, 0), 90_000)
    }),
    Case::quiet("a lost segment", |scene| connected(scene, (1, 0, 3), 400)),
    Case::quiet("a probe on its way", |scene| {
        connected(scene, (0, 1, 0), 90_000)
    }),
    Case::quiet("idle for long", |scene| {
        connected(scene, (0, 0, 0), 900_000)
    }),
];

/// A connection with this many retransmissions, probes and unacknowledged segments, and the time since
/// the last acknowledgment in milliseconds.
#[cfg(test)]
fn connected(
    scene: &mut Scene,
    (retransmits, probes, unacknowledged): (u8, u8, u32),
    silence: u32,
) {
    let app = scene.process(600, 1, "/usr/bin/app");
    let socket = scene.tcp_socket(&[(app, 5, Some(true))], 51_312);
    let remote = Address::Ip(IpAddr::from([10, 0, 0, 9]), 5432);
    let socket = scene.socket_mut(socket);
    socket.remote = Some(remote);
    let cookie = socket.cookie.unwrap_or_default();
    let mut info = [0_u8; 104];
    (info[2], info[3]) = (retransmits, probes);
    info[24..28].copy_from_slice(&unacknowledged.to_le_bytes());
    info[56..60].copy_from_slice(&silence.to_le_bytes());
    let mut message = vec![0_u8; 16 + 72];
    message[4] = 20;
    message[60..68].copy_from_slice(&cookie.to_le_bytes());
    message.extend([108, 0, 2, 0]);
    message.extend(info);
    let length = message.len() as u32;
    message[..4].copy_from_slice(&length.to_le_bytes());
    let header = whotalks_snapshot::records::RawHeader {
        source: b"diag/tcp".to_vec(),
        netns: 1,
        ..Default::default()
    };
    scene.table(header, message);
}
