//! WT311: a program that reads the packets of all programs.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::{plural, short_list};
use crate::check::facts::system_directories::{is_in_system_directory, is_temporary};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::Case;
use crate::model::{
    Address, Family, Process, ProcessId, Socket, SocketId, SocketType, script_path,
};
use crate::text::escape;

rule! { WT311 "packet-sniffer", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A program can read packets that are not addressed to it.

## What it finds
Packet sockets for all protocols, for IPv4 or for IPv6, and raw sockets, held by programs that are
not known to need one. It is medium; high where the program's file is deleted, in memory, or in a
directory for temporary files. Known tools that read packets because somebody wants to look at them
(tcpdump, dumpcap, suricata) are low.

It is quiet about DHCP clients and servers, routing and VRRP daemons, lldpd, ping and the like,
which need such sockets for their own protocol, and about service managers and container runtimes,
where their executables are in a directory of the system's: a name proves nothing. A raw socket of
IPPROTO_RAW only sends.

## Why it matters
A packet socket on all protocols sees the machine's whole traffic, before any firewall rule. Some
back doors wait on one for a packet that wakes them, and so need no open port.

## Example
    MEDIUM   WT311  agent [812] reads packets: 1 socket
             packet socket for all protocols in network namespace 4026531833

## What to do
Ask what it is for. Services do not need CAP_NET_RAW: take it away (CapabilityBoundingSet= in the
unit, --cap-drop NET_RAW for containers).

## References
- packet(7), raw(7), capabilities(7) CAP_NET_RAW
- BPFDoor (MITRE ATT&CK S1161); T1205.002 Socket Filters
";

/// Prefixes of programs that implement a protocol with such a socket.
pub(super) const PROTOCOLS: &str = "
    dhclient dhcpcd dhcpd dhcrelay udhcp kea-dhcp odhcp dnsmasq NetworkManager nm-
    systemd-networkd connmand iwd wpa_supplicant hostapd wicked lldpd lldpad ladvd cdpd ping
    fping arping traceroute tracepath mtr nmap masscan keepalived ucarp vrrpd radvd ndppd ndisc6
    rdisc6 rtsol bird zebra ospf isisd eigrpd pimd igmpproxy smcroute mrouted pppd pppoe charon
    pluto tailscaled slirp4netns pasta cilium calico ovs-vswitchd pim6d nhrpd ldpd rdnssd teamd
    blackbox_export telegraf collectd check_icmp
";

/// Tools that capture traffic on request.
pub(super) const CAPTURE_TOOLS: &str = "
    tcpdump dumpcap wireshark tshark termshark ngrep iftop nethogs ntopng bandwhich suricata
    snort zeek arpwatch
";

/// `IPPROTO_RAW`: what a raw socket shows as its local port is its protocol.
const IPPROTO_RAW: u16 = 255;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut readers: BTreeMap<ProcessId, Vec<SocketId>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        if what_it_reads(socket).is_some() {
            for process in facts.map.holding_processes(id) {
                readers.entry(process).or_default().push(id);
            }
        }
    }
    for (process, sockets) in readers {
        if let Some(severity) = assess(facts, process) {
            output.finding(finding(facts, process, severity, sockets));
        }
    }
    output.unknowns(facts.missing_holders());
}

/// The socket in words, where packets can be read from it.
fn what_it_reads(socket: &Socket) -> Option<&'static str> {
    match (socket.family, socket.protocol, socket.local) {
        (Family::Packet, Some("all"), _) => Some("packet socket for all protocols"),
        (Family::Packet, Some("ip"), _) => Some("packet socket for IPv4"),
        (Family::Packet, Some("ipv6"), _) => Some("packet socket for IPv6"),
        (Family::Inet | Family::Inet6, _, Some(Address::Ip(_, IPPROTO_RAW))) => None,
        (Family::Inet | Family::Inet6, ..) => {
            (socket.kind == SocketType::Raw).then_some("raw socket")
        }
        _ => None,
    }
}

fn assess(facts: &Facts<'_>, id: ProcessId) -> Option<Severity> {
    let process = facts.map.process(id);
    match process.exe_deleted || is_temporary(&process.exe) {
        true if !is_known(process, PROTOCOLS) => Some(Severity::High),
        true => Some(Severity::Low),
        false if facts.process_tree.is_manager_in_place(id) => None,
        false if is_known(process, PROTOCOLS) => None,
        false if is_known(process, CAPTURE_TOOLS) => Some(Severity::Low),
        false => Some(Severity::Medium),
    }
}

/// Whether an executable, or a script of an interpreter, in a directory of the system's has a name that
/// begins with one of these.
fn is_known(process: &Process, names: &str) -> bool {
    let path = script_path(process).unwrap_or(&process.exe);
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let mut names = names.split_ascii_whitespace();
    is_in_system_directory(path) && names.any(|known| name.starts_with(known.as_bytes()))
}

fn finding(
    facts: &Facts<'_>,
    process: ProcessId,
    severity: Severity,
    sockets: Vec<SocketId>,
) -> RawFinding {
    let each = sockets.iter().map(|id| {
        let socket = facts.map.socket(*id);
        let what = what_it_reads(socket).unwrap_or_default();
        format!("{what} in network namespace {}", socket.netns.unwrap_or(0))
    });
    let each = short_list(each);
    let exe = escape::display(&facts.map.process(process).exe);
    let deleted = match facts.map.process(process).exe_deleted {
        true => " (deleted)",
        false => "",
    };
    let name = facts.process_name(process);
    let count = plural(sockets.len(), "socket", "sockets");
    RawFinding {
        severity,
        subject: Subject::Process(process),
        processes: vec![process],
        title: format!("{name} reads packets: {count}"),
        evidence: vec![each, format!("executable: {exe}{deleted}")],
        sockets,
        advice: "ask what it is for; take CAP_NET_RAW from services that need none".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("an unknown agent", |scene| {
        let agent = scene.process(600, 1, "/usr/bin/agent");
        scene.packet_socket(&[(agent, 5, Some(true))], Family::Packet, "all");
    }),
    Case::high("a program in a directory for temporary files", |scene| {
        let agent = scene.process(600, 1, "/dev/shm/kdmtmpflush");
        scene.packet_socket(&[(agent, 5, Some(true))], Family::Inet, "icmp");
    }),
    Case::medium("a packet socket for IPv4", |scene| {
        let agent = scene.process(600, 1, "/usr/bin/agent");
        scene.packet_socket(&[(agent, 5, Some(true))], Family::Packet, "ip");
    }),
    Case::high("names of a manager and of a tool prove nothing", |scene| {
        let agent = scene.process(600, 1, "/dev/shm/systemd");
        scene.packet_socket(&[(agent, 5, Some(true))], Family::Packet, "all");
    }),
    Case::medium("a script that is named as a tool", |scene| {
        let agent = scene.process(600, 1, "/usr/bin/python3.11");
        scene.process_mut(agent).cmdline = b"python3\0/home/a/dhclient\0"[..].into();
        scene.packet_socket(&[(agent, 5, Some(true))], Family::Packet, "all");
    }),
    Case::quiet("a raw socket that only sends", |scene| {
        let agent = scene.process(600, 1, "/usr/bin/agent");
        let socket = scene.packet_socket(&[(agent, 5, Some(true))], Family::Inet, "raw");
        let any = std::net::IpAddr::from([0, 0, 0, 0]);
        scene.socket_mut(socket).local = Some(Address::Ip(any, IPPROTO_RAW));
    }),
    Case::low("tcpdump", |scene| {
        let tcpdump = scene.process(600, 1, "/usr/bin/tcpdump");
        scene.packet_socket(&[(tcpdump, 5, Some(true))], Family::Packet, "all");
    }),
    Case::quiet(
        "programs that need one, and a packet socket for one protocol",
        |scene| {
            let dhclient = scene.process(600, 1, "/usr/sbin/dhclient");
            let ping = scene.process(601, 1, "/usr/bin/ping");
            let agent = scene.process(602, 1, "/usr/bin/agent");
            scene.packet_socket(&[(dhclient, 5, Some(true))], Family::Packet, "all");
            scene.packet_socket(&[(ping, 5, Some(true))], Family::Inet, "icmp");
            scene.packet_socket(&[(agent, 5, Some(true))], Family::Packet, "lldp");
        },
    ),
];
