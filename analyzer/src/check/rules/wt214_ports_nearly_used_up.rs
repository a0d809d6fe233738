//! WT214: hardly any ephemeral ports are left for connections to one address.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::{Capture, inet_diag};
use crate::model::{Address, HostId, ProcessId, SocketId};

rule! { WT214 "ports-nearly-used-up", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
Nearly all ephemeral ports are in use for connections to one address.

## What it finds
80 % (medium) or 95 % (high) of net.ipv4.ip_local_port_range of a network namespace in use from one
local address: by TCP connections to one address and port, those in TIME-WAIT included, or by UDP
sockets, whatever they send to. Ports in net.ipv4.ip_local_reserved_ports do not count.

## Why it matters
A connection is told apart by both addresses and ports, so one client address can have only as many
connections to one server as it has ports: about 28,000. When none is left, connect(2) fails with
EADDRNOTAVAIL, often in a proxy, and for its backend alone. A closed connection keeps its port for a
minute, so 500 short connections a second are enough.

## Example
    HIGH     WT214  27400 of 28232 ports of 10.0.0.5 are in use towards 10.0.0.9:6379
             27150 of them in TIME-WAIT; held by hitch [812]

## What to do
Keep connections open and reuse them (keepalive, a pool). Then: more addresses on either side, a
wider ip_local_port_range, net.ipv4.tcp_tw_reuse, or a Unix socket where both are on one machine.

## References
- ip(7) ip_local_port_range, tcp(7) tcp_tw_reuse; connect(2) EADDRNOTAVAIL
- varnish/hitch issue 213; redis/hiredis issue 58
";

const NEAR_PERCENT: usize = 80;
const CRITICAL_PERCENT: usize = 95;

/// `TCP_TIME_WAIT` of `net/tcp_states.h`.
const TIME_WAIT: u8 = 6;

/// Bytes of a row in a diag dump, at least: `struct nlmsghdr` and `struct inet_diag_msg`.
const ROW_BYTES: usize = 88;

/// Tables of sockets with ephemeral ports, and whether a port is used up by any destination.
const TABLES: [(&str, bool); 4] = [
    ("diag/tcp", false),
    ("diag/tcp6", false),
    ("diag/udp", true),
    ("diag/udp6", true),
];

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    for (index, capture) in facts.captures.iter().enumerate() {
        let host = HostId::new(index);
        let mut rows: BTreeMap<u64, usize> = BTreeMap::new();
        for (table, _) in TABLES {
            for raw in capture.sources(table) {
                *rows.entry(raw.header.netns).or_default() += raw.bytes.len() / ROW_BYTES;
            }
        }
        let mut unread = 0;
        for (netns, most) in rows {
            match Range::of(capture, netns) {
                Some(range) if range.near(most) => {
                    namespace(facts, host, netns, &range, output);
                }
                None if most > 1 => unread += 1,
                _ => {}
            }
        }
        if unread > 0 {
            let namespaces = plural(unread, "network namespace", "network namespaces");
            output.unknown(format!(
                "the range of ephemeral ports of {namespaces} was not captured"
            ));
        }
    }
}

/// The ephemeral ports of a network namespace.
struct Range {
    first: u16,
    last: u16,
    /// Not given to clients: within the range.
    reserved: BTreeSet<u16>,
}

impl Range {
    fn of(capture: &Capture, netns: u64) -> Option<Self> {
        let setting = |name: &str| {
            let name = format!("sys/net/ipv4/{name}");
            let mut raws = capture
                .raw
                .iter()
                .filter(|raw| raw.header.source == name.as_bytes() && raw.header.netns == netns);
            let raw = raws.find(|raw| raw.header.errno == 0)?;
            Some(String::from_utf8_lossy(&raw.bytes).into_owned())
        };
        let text = setting("ip_local_port_range")?;
        let mut numbers = text.split_ascii_whitespace().map(str::parse);
        let (first, last) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let reserved = setting("ip_local_reserved_ports").unwrap_or_default();
        let within = |port: &u16| (first..=last).contains(port);
        (first <= last).then(|| Self {
            first,
            last,
            reserved: ports(&reserved).filter(within).collect(),
        })
    }

    fn ports(&self) -> usize {
        usize::from(self.last - self.first) + 1 - self.reserved.len()
    }

    fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port) && !self.reserved.contains(&port)
    }

    /// Whether so many ports are nearly all.
    fn near(&self, used: usize) -> bool {
        used > 0 && used * 100 >= self.ports() * NEAR_PERCENT
    }
}

/// The ports of a list such as `8080,9000-9010`.
fn ports(list: &str) -> impl Iterator<Item = u16> {
    let ranges = list.trim().split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<u16>().ok()?..=last.parse::<u16>().ok()?)
    });
    ranges.flatten()
}

/// The ports of one local address that are in use towards a destination; `None`: towards any, over UDP.
#[derive(Default)]
struct Used {
    ports: HashSet<u16>,
    time_wait: usize,
}

/// A local address and where its ports lead.
type Key = (IpAddr, Option<(IpAddr, u16)>);

fn namespace(facts: &Facts<'_>, host: HostId, netns: u64, range: &Range, output: &mut RuleOutput) {
    let capture = facts.captures[host.index()];
    let mut used: BTreeMap<Key, Used> = BTreeMap::new();
    for (table, any_destination) in TABLES {
        for raw in capture
            .sources(table)
            .filter(|raw| raw.header.netns == netns)
        {
            for row in inet_diag::rows(&raw.bytes, capture.byte_order()).0 {
                let (local, port) = (row.local.0.to_canonical(), row.local.1);
                let (remote, remote_port) = (row.remote.0.to_canonical(), row.remote.1);
                let is_connected = remote_port != 0;
                if !range.contains(port) || !(is_connected || any_destination) {
                    continue;
                }
                let to = (!any_destination).then_some((remote, remote_port));
                let used = used.entry((local, to)).or_default();
                if used.ports.insert(port) {
                    used.time_wait += usize::from(row.state == TIME_WAIT);
                }
            }
        }
    }
    for ((local, to), used) in used {
        if range.near(used.ports.len()) {
            output.finding(finding(facts, host, netns, range, (local, to), &used));
        }
    }
}

fn finding(
    facts: &Facts<'_>,
    host: HostId,
    netns: u64,
    range: &Range,
    (local, to): Key,
    used: &Used,
) -> RawFinding {
    let sockets: Vec<SocketId> = facts
        .sockets()
        .filter(|(_, socket)| socket.host == host && socket.netns == Some(netns))
        .filter(|(_, socket)| {
            let ip = |address| match address {
                Some(Address::Ip(ip, port)) => Some((ip.to_canonical(), port)),
                _ => None,
            };
            let (own, remote) = (ip(socket.local), ip(socket.remote));
            let is_udp = socket.protocol == Some("udp");
            own.is_some_and(|(ip, port)| ip == local && used.ports.contains(&port))
                && match to {
                    Some(_) => remote == to && !is_udp,
                    None => is_udp,
                }
        })
        .map(|(id, _)| id)
        .collect();
    let mut holders: BTreeMap<ProcessId, usize> = BTreeMap::new();
    for holder in facts.holders_of(&sockets) {
        *holders.entry(holder).or_default() += 1;
    }
    let (count, all) = (used.ports.len(), range.ports());
    let percent = count * 100 / all.max(1);
    let towards = match to {
        Some((ip, port)) => format!("towards {}", Address::Ip(ip, port)),
        None => "by UDP sockets".to_owned(),
    };
    let mut evidence = vec![format!(
        "ip_local_port_range {} {}, {percent} % in use, {} in TIME-WAIT",
        range.first, range.last, used.time_wait
    )];
    let mut processes: Vec<ProcessId> = holders.keys().copied().collect();
    processes.sort_by_key(|process| (std::cmp::Reverse(holders[process]), *process));
    if !processes.is_empty() {
        evidence.push(format!("held by {}", facts.process_names(&processes)));
    }
    RawFinding {
        severity: Severity::Medium.raised_if(percent >= CRITICAL_PERCENT),
        subject: processes
            .first()
            .map_or(Subject::Host(host), |first| Subject::Process(*first)),
        processes,
        sockets,
        title: format!("{count} of {all} ports of {local} are in use {towards}"),
        evidence,
        advice: "keep connections open and reuse them; else more addresses or ports".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("most ports lead to one server", |scene| {
        clients(scene, 17, 5432)
    }),
    Case::high("all of them", |scene| clients(scene, 20, 5432)),
    Case::quiet("half of them", |scene| clients(scene, 10, 5432)),
    Case::quiet("as many, to two servers", |scene| {
        clients(scene, 10, 5432);
        clients(scene, 10, 5433);
    }),
];

/// Connections to a port, from as many of 20 ephemeral ports.
#[cfg(test)]
fn clients(scene: &mut Scene, count: u16, to: u16) {
    let header = |source: &str| whotalks_snapshot::records::RawHeader {
        source: source.as_bytes().to_vec(),
        netns: 1,
        ..Default::default()
    };
    let range = "sys/net/ipv4/ip_local_port_range";
    scene.table(header(range), b"40000\t40019\n".to_vec());
    let mut rows = Vec::new();
    for port in 40_000..40_000 + count {
        let mut row = vec![0_u8; ROW_BYTES];
        (row[0], row[4], row[16], row[17]) = (88, 20, 2, 1);
        row[20..22].copy_from_slice(&port.to_be_bytes());
        row[22..24].copy_from_slice(&to.to_be_bytes());
        row[24..28].copy_from_slice(&[10, 0, 0, 5]);
        row[40..44].copy_from_slice(&[10, 0, 0, 9]);
        rows.extend(row);
    }
    scene.table(header("diag/tcp"), rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_ports() {
        let read = |text: &str| Vec::from_iter(ports(text));
        assert_eq!(read("8080,9000-9002\n"), [8080, 9000, 9001, 9002]);
        assert!(read("\n").is_empty() && read("x-7,70000").is_empty() && read("9-7").is_empty());
    }
}
