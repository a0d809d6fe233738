//! WT307: two programs that listen on one address, so that the kernel gives clients to either.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::check::Facts;
use crate::check::facts::describe::short_list;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::Case;
use crate::load::inet_diag;
use crate::model::{Address, HostId, ProcessId, SocketId, SocketState, SocketType};

rule! { WT307 "duplicate-listeners", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
Different programs or services listen on one address.

## What it finds
Two or more listening internet sockets of one protocol on the same address and port in one network
namespace (SO_REUSEPORT), held by different programs (medium), or by different units of one program
(low); also UDP sockets that are not connected. And one that listens on the wildcard address, while
another program listens on one address at the same port and gets the clients of that.

Workers of one service, instances of one template unit, sockets that are bound to different
interfaces, and MPTCP's second row for the same socket are not reported; nor are multicast
addresses, and ports where many listen to one multicast group or to broadcasts (mDNS, SSDP, DHCP,
…).

## Why it matters
The kernel spreads clients over the listeners by a hash of their addresses: some get the one
program, some the other. An old instance that was never stopped so serves a part of the clients,
with old code and old data.

## Example
    MEDIUM   WT307  127.0.0.1:8080 is served by app, app-new at once
             app [880] and app-new [912] each listen there

## What to do
Stop the one that should not be there (ss -ltnp shows both). A server that must be alone should not
set SO_REUSEPORT.

## References
- socket(7) SO_REUSEPORT
- proftpd/proftpd issue 624
";

/// Sockets that are equal in these accept the same clients: host, network namespace, protocol, address.
type Endpoint = (HostId, u64, &'static str, Address);

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut endpoints: BTreeMap<Endpoint, Vec<SocketId>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let serves = socket.state == SocketState::Listening
            || socket.kind == SocketType::Dgram && socket.state == SocketState::Unconnected;
        if let (true, Some(netns), Some(address)) = (serves, socket.netns, socket.local)
            && !is_shared(socket.kind, address)
        {
            // An MPTCP listener takes clients of the same TCP port.
            let protocol = match socket.protocol {
                Some("mptcp") | None => "tcp",
                Some(other) => other,
            };
            let endpoint = (socket.host, netns, protocol, address);
            endpoints.entry(endpoint).or_default().push(id);
        }
    }
    let shadowed = shadowed(&endpoints);
    endpoints.retain(|_, sockets| sockets.len() > 1);
    let interfaces = match endpoints.is_empty() && shadowed.is_empty() {
        true => BTreeMap::new(),
        false => interfaces(facts),
    };
    for ((_, _, protocol, _), sockets) in endpoints {
        let mut by_interface: BTreeMap<u32, Vec<SocketId>> = BTreeMap::new();
        for socket in sockets {
            let cookie = facts.map.socket(socket).cookie;
            let interface = cookie.and_then(|cookie| interfaces.get(&cookie));
            let sockets = by_interface.entry(interface.copied().unwrap_or(0));
            sockets.or_default().push(socket);
        }
        for sockets in by_interface.into_values() {
            output.findings.extend(duplicate(facts, protocol, &sockets));
        }
    }
    for (wildcard, narrow) in shadowed {
        let interface = |socket: &SocketId| {
            let cookie = facts.map.socket(*socket).cookie;
            cookie.and_then(|cookie| interfaces.get(&cookie))
        };
        if interface(&wildcard) == interface(&narrow) {
            output.findings.extend(shadow(facts, wildcard, narrow));
        }
    }
    output.unknowns(facts.missing_holders());
}

/// Ports at which many programs wait for what is sent to a group or to all.
const GROUP_PORTS: [u16; 16] = [
    67, 68, 137, 138, 319, 320, 546, 547, 1900, 3702, 5350, 5353, 5355, 6771, 27_036, 57_621,
];

/// Whether programs share a datagram socket's address by design.
fn is_shared(kind: SocketType, address: Address) -> bool {
    match (kind, address) {
        (SocketType::Stream | SocketType::Seqpacket, _) => false,
        (SocketType::Dgram, Address::Ip(ip, port)) => {
            let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
            ip.is_multicast() || broadcast || GROUP_PORTS.contains(&port)
        }
        _ => true,
    }
}

/// Pairs of a socket on a wildcard address and one on an address that it covers, at the same port.
fn shadowed(endpoints: &BTreeMap<Endpoint, Vec<SocketId>>) -> Vec<(SocketId, SocketId)> {
    let mut pairs = Vec::new();
    for ((host, netns, protocol, address), narrow) in endpoints {
        let Address::Ip(ip, port) = address else {
            continue;
        };
        // Whether an IPv6 wildcard takes IPv4 clients is not known here, and the kernel refuses both.
        let any = match ip {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let wildcard = endpoints.get(&(*host, *netns, *protocol, Address::Ip(any, *port)));
        if let (Some(wildcard), Some(narrow), true) = (
            wildcard.and_then(|all| all.first()),
            narrow.first(),
            any != *ip,
        ) {
            pairs.push((*wildcard, *narrow));
        }
    }
    pairs
}

/// The finding of a wildcard listener whose clients at one address another program gets.
fn shadow(facts: &Facts<'_>, wildcard: SocketId, narrow: SocketId) -> Option<RawFinding> {
    let [covered, taker] = [wildcard, narrow].map(|socket| server(facts, socket));
    let (covered, taker) = (covered?, taker?);
    if facts.process_tree.same_program(covered, taker) {
        return None;
    }
    let [loses, takes] = [covered, taker].map(|process| facts.process_name(process));
    let [any, one] = [wildcard, narrow].map(|socket| facts.socket_name(socket));
    let protocol = facts.map.socket(narrow).protocol.unwrap_or_default();
    Some(RawFinding {
        severity: Severity::Medium,
        subject: Subject::Socket(wildcard),
        title: format!("{protocol} {any} of {loses} gets no clients at {one}: {takes} does"),
        evidence: vec![format!("the kernel prefers {one} to {any}")],
        processes: facts.holders_of(&[wildcard, narrow]),
        sockets: vec![wildcard, narrow],
        advice: "stop the one that should not be there, or bind it to its own address".to_owned(),
    })
}

/// The server of a socket: the first holder that is not a manager, else the first.
fn server(facts: &Facts<'_>, socket: SocketId) -> Option<ProcessId> {
    let holders = facts.map.holding_processes(socket);
    let mut candidates = holders.iter();
    let non_manager = candidates.find(|id| !facts.process_tree.is_manager(**id));
    non_manager.or(holders.first()).copied()
}

/// Interfaces that sockets are bound to, by cookie.
pub(super) fn interfaces(facts: &Facts<'_>) -> BTreeMap<u64, u32> {
    let mut interfaces = BTreeMap::new();
    for capture in &facts.captures {
        let order = capture.byte_order();
        let sources = ["tcp", "tcp6", "udp", "udp6", "sctp", "sctp6"];
        for source in sources.map(|table| format!("diag/{table}")) {
            for raw in capture.sources(&source) {
                let rows = inet_diag::rows(&raw.bytes, order).0;
                let bound = rows.into_iter().filter(|row| row.interface != 0);
                interfaces.extend(bound.map(|row| (row.cookie, row.interface)));
            }
        }
    }
    interfaces
}

fn duplicate(facts: &Facts<'_>, protocol: &str, sockets: &[SocketId]) -> Option<RawFinding> {
    let mut processes: Vec<ProcessId> = Vec::new();
    let mut programs = BTreeSet::new();
    let mut services = BTreeSet::new();
    for socket in sockets {
        let holders = facts.map.holding_processes(*socket);
        let server = server(facts, *socket)?;
        programs.insert(facts.process_tree.program(server)?);
        services.extend(service(facts, server));
        processes.extend(holders);
    }
    let severity = match (programs.len(), services.len()) {
        (2.., _) => Severity::Medium,
        (_, 2..) => Severity::Low,
        _ => return None,
    };
    processes.sort_unstable();
    processes.dedup();
    let address = facts.socket_name(sockets[0]);
    let programs = facts.program_names(&processes);
    let each = sockets.iter().map(|socket| {
        let inode = facts.map.socket(*socket).inode;
        format!("{} (socket {inode})", facts.owner(*socket))
    });
    Some(RawFinding {
        severity,
        subject: Subject::Socket(sockets[0]),
        title: format!("{protocol} {address} is served by {programs} at once"),
        evidence: vec![format!("each listens there: {}", short_list(each))],
        processes,
        sockets: sockets.to_vec(),
        advice: "stop the one that should not be there".to_owned(),
    })
}

/// The container of a process, else its service unit without the instance.
fn service(facts: &Facts<'_>, process: ProcessId) -> Option<String> {
    let process = facts.map.process(process);
    if let Some(container) = &process.container {
        return Some(container.id.clone());
    }
    let unit = process.unit.as_deref();
    let unit = unit.filter(|unit| unit.ends_with(".service"))?;
    unit.split('@').next().map(str::to_owned)
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("two programs on one port", |scene| {
        let one = scene.process(600, 1, "/usr/bin/app");
        let two = scene.process(700, 1, "/usr/bin/app-new");
        scene.tcp_listener(&[(one, 5, Some(true))], 8080);
        scene.tcp_listener(&[(two, 5, Some(true))], 8080);
    }),
    Case::low("one program as two services", |scene| {
        for (pid, unit) in [(600, "app.service"), (700, "app-old.service")] {
            let app = scene.process(pid, 1, "/usr/bin/app");
            scene.process_mut(app).unit = Some(unit.to_owned());
            scene.tcp_listener(&[(app, 5, Some(true))], 8080);
        }
    }),
    Case::quiet("workers, and instances of a template", |scene| {
        for (pid, unit) in [(600, "app@1.service"), (700, "app@2.service")] {
            let app = scene.process(pid, 1, "/usr/bin/app");
            scene.process_mut(app).unit = Some(unit.to_owned());
            scene.tcp_listener(&[(app, 5, Some(true))], 8080);
            scene.tcp_listener(&[(app, 6, Some(true))], 8080);
        }
    }),
    Case::quiet("another port, another network namespace", |scene| {
        let one = scene.process(600, 1, "/usr/bin/app");
        let two = scene.process(700, 1, "/usr/bin/other");
        scene.tcp_listener(&[(one, 5, Some(true))], 8080);
        scene.tcp_listener(&[(two, 5, Some(true))], 8081);
        let elsewhere = scene.tcp_listener(&[(two, 6, Some(true))], 8080);
        scene.socket_mut(elsewhere).netns = Some(2);
    }),
];
