//! WT312: a service that is meant for its own machine can be reached from others.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::wt313_relayed_shell::file_name;
use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::{Capture, route_addr, route_link};
use crate::model::{
    Address, Process, ProcessId, Socket, SocketId, SocketState, SocketType, program,
};
use crate::text::escape;

rule! { WT312 "exposed-local-service", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A service that is meant for its own machine listens on all of its addresses.

## What it finds
Caches, stores, control interfaces and debuggers that ask for no authentication unless they are told
to: redis and its forks, memcached, etcd, MongoDB, the APIs of dockerd and podman over TCP,
gdbserver, the debuggers of Node.js and Java. They must listen on a wildcard address of a network
namespace that has an interface to the outside, not only loopback, bridges and veth pairs.

High where the command line shows that no authentication is asked for, medium where it merely shows
a connection without TLS; low where it does not tell, as with a configuration file.

## Why it matters
Whoever can reach the port reads and writes everything in it, and with docker, redis or a debugger
runs programs on the machine. Such ports are found by scanners within hours.

## Example
    HIGH     WT312  dockerd [812] serves the API of its containers to other machines on 0.0.0.0:2375
             no --tlsverify on its command line
             reached through eth0

## What to do
Bind it to 127.0.0.1 or a Unix socket; else ask for authentication and filter the port. A container
needs no published port for other containers of its network.

## References
- redis.io, \"protected mode\"; docs.docker.com, \"Protect the Docker daemon socket\"
- docker-library/redis issue 217; CVE-2018-1000115 (memcached over UDP)
";

/// Programs that are recognized by name.
pub(super) const SERVICES: &str = "
    redis-server valkey-server keydb-server memcached etcd mongod dockerd podman gdbserver node
    nodejs java
";

/// Interfaces that lead to no other machine, by what implements them.
const INWARD: [&[u8]; 6] = [b"veth", b"bridge", b"dummy", b"ifb", b"nlmon", b"vxcan"];

/// What a listener serves, and how bad it is that everybody can reach it.
#[derive(Debug, PartialEq, Eq)]
struct Exposed {
    what: &'static str,
    severity: Severity,
    why: String,
}

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut found: BTreeMap<ProcessId, Vec<(SocketId, Exposed)>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let is_wildcard = matches!(socket.local, Some(Address::Ip(ip, _)) if is_unspecified(ip));
        if !is_wildcard || !is_server(socket) {
            continue;
        }
        let mut users = facts.map.using_processes(id).into_iter();
        let exposed =
            users.find_map(|user| Some((user, exposed(facts.map.process(user), socket)?)));
        if let Some((server, exposed)) = exposed {
            found.entry(server).or_default().push((id, exposed));
        }
    }
    let mut unsure = 0;
    for (server, listeners) in found {
        let socket = facts.map.socket(listeners[0].0);
        let capture = facts.captures.get(socket.host.index());
        let outward = capture
            .zip(socket.netns)
            .map(|(it, netns)| outward(it, netns));
        match outward {
            Some(Outward::Through(interface)) => {
                output.finding(finding(facts, server, listeners, &interface));
            }
            Some(Outward::Nowhere) => {}
            Some(Outward::Unknown) | None => unsure += 1,
        }
    }
    if unsure > 0 {
        let services = plural(unsure, "service", "services");
        output.unknown(format!(
            "which interfaces lead outside was not captured ({services} on wildcard addresses)"
        ));
    }
    output.unknowns(facts.missing_holders());
}

fn is_unspecified(ip: IpAddr) -> bool {
    ip.to_canonical().is_unspecified()
}

fn is_server(socket: &Socket) -> bool {
    match socket.kind {
        SocketType::Stream => socket.state == SocketState::Listening,
        SocketType::Dgram => socket.state == SocketState::Unconnected,
        _ => false,
    }
}

/// Where the interfaces of a network namespace lead.
enum Outward {
    /// To the outside, through this one.
    Through(String),
    Nowhere,
    /// Not captured.
    Unknown,
}

fn outward(capture: &Capture, netns: u64) -> Outward {
    let of_namespace = |source: &'static str| {
        let sources = capture.sources(source);
        sources.filter(move |raw| raw.header.netns == netns && raw.header.errno == 0)
    };
    let order = capture.byte_order();
    let Some(dump) = of_namespace("route/link").last() else {
        return Outward::Unknown;
    };
    let links = route_link::links(&dump.bytes, order).0;
    // A device without an address may be the port of a bridge that has one.
    let has_address = of_namespace("route/addr").any(|raw| {
        let addresses = route_addr::addresses(&raw.bytes, order).0;
        addresses
            .into_iter()
            .any(|ip| !ip.to_canonical().is_loopback() && !is_link_local(ip))
    });
    let mut links = links.iter().filter(|link| link.up && !link.loopback);
    match links.find(|link| !INWARD.contains(&link.kind)) {
        Some(link) if has_address => Outward::Through(escape::display(link.name)),
        _ => Outward::Nowhere,
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// What a process serves on a listener, by its program and command line. A script has its own name, and
/// is run by an executable of another.
fn exposed(process: &Process, socket: &Socket) -> Option<Exposed> {
    let names = [
        program(process),
        String::from_utf8_lossy(file_name(&process.exe)).into_owned(),
    ];
    names
        .iter()
        .find_map(|name| exposed_by(name, process, socket))
}

fn exposed_by(name: &str, process: &Process, socket: &Socket) -> Option<Exposed> {
    let is_version = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    let stem = name.trim_end_matches(is_version);
    let Some(Address::Ip(_, port)) = socket.local else {
        return None;
    };
    let arguments: Vec<&[u8]> = match process.title() {
        Some(_) => Vec::new(),
        None => process.arguments().skip(1).collect(),
    };
    let has = |wanted: &[&str]| {
        arguments
            .iter()
            .any(|argument| wanted.iter().any(|option| is_option(argument, option)))
    };
    let value = |option: &str| value(&arguments, option);
    let is_udp = socket.kind == SocketType::Dgram;
    let (what, severity, why) = match stem {
        _ if is_udp && stem != "memcached" => return None,
        "redis-server" | "valkey-server" | "keydb-server" => {
            let is_open = value("--protected-mode") == Some(b"no") && !has(&["--requirepass"]);
            let (severity, why) = match is_open {
                true => (Severity::High, "--protected-mode no, and no --requirepass"),
                false => (Severity::Low, "whether it asks for a password is not known"),
            };
            ("a database", severity, why)
        }
        "memcached" if has(&["-S", "--enable-sasl", "-Y", "--auth-file"]) => return None,
        "memcached" if is_udp => (
            "a cache over UDP",
            Severity::High,
            "no authentication over UDP",
        ),
        "memcached" => (
            "a cache",
            Severity::High,
            "no --enable-sasl on its command line",
        ),
        "etcd" => {
            let urls = value("--listen-client-urls").unwrap_or_default();
            let is_plain = |url: &[u8]| url.starts_with(b"http:") && ends_with_port(url, port);
            if urls.split(|byte| *byte == b',').any(is_plain) {
                (
                    "a database",
                    Severity::Medium,
                    "clients need no certificate (http)",
                )
            } else if has(&["--client-cert-auth"]) || !arguments.is_empty() && urls.is_empty() {
                return None;
            } else {
                (
                    "a database",
                    Severity::Low,
                    "whether it asks for certificates is not known",
                )
            }
        }
        "mongod" if has(&["--auth", "--keyFile", "--tlsMode"]) => return None,
        "mongod" if has(&["-f", "--config"]) => {
            let why = "whether it asks for a password is not known";
            ("a database", Severity::Low, why)
        }
        "mongod" => (
            "a database",
            Severity::High,
            "no --auth on its command line",
        ),
        "dockerd" | "podman" => {
            let is_api = |argument: &&[u8]| {
                let found = argument.windows(6).any(|part| part == b"tcp://");
                found && ends_with_port(argument, port)
            };
            let is_named = arguments.iter().any(is_api);
            if !is_named && port != 2375 || has(&["--tlsverify"]) {
                return None;
            }
            let why = "no --tlsverify on its command line";
            ("the API of its containers", Severity::High, why)
        }
        "gdbserver" => (
            "a debugger",
            Severity::High,
            "gdbserver asks for no password",
        ),
        "node" | "nodejs" => {
            let is_inspector = |argument: &&[u8]| argument.starts_with(b"--inspect");
            if !arguments
                .iter()
                .any(|it| is_inspector(it) && ends_with_port(it, port))
            {
                return None;
            }
            (
                "a debugger",
                Severity::High,
                "--inspect asks for no password",
            )
        }
        _ if arguments.iter().any(|it| is_java_debugger(it, port)) => (
            "a debugger",
            Severity::High,
            "the Java debugger asks for no password",
        ),
        _ => return None,
    };
    Some(Exposed {
        what,
        severity,
        why: why.to_owned(),
    })
}

/// `-agentlib:jdwp=transport=dt_socket,server=y,address=*:5005`.
fn is_java_debugger(argument: &[u8], port: u16) -> bool {
    let jdwp = argument.strip_prefix(b"-agentlib:jdwp=");
    let jdwp = jdwp.or_else(|| argument.strip_prefix(b"-Xrunjdwp:"));
    let mut parts = jdwp
        .into_iter()
        .flat_map(|jdwp| jdwp.split(|byte| *byte == b','));
    parts.any(|part| part.starts_with(b"address=") && ends_with_port(part, port))
}

/// Whether an argument is an option, or begins with it and its value: `--auth`, `--auth=1`.
fn is_option(argument: &[u8], option: &str) -> bool {
    let rest = argument.strip_prefix(option.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'=')
}

/// The value of an option, in the same argument or the next one.
fn value<'a>(arguments: &[&'a [u8]], option: &str) -> Option<&'a [u8]> {
    let at = arguments
        .iter()
        .position(|argument| is_option(argument, option))?;
    match arguments[at].split(|byte| *byte == b'=').nth(1) {
        Some(_) => Some(&arguments[at][option.len() + 1..]),
        None => arguments.get(at + 1).copied(),
    }
}

/// Whether a text ends in a colon or equals sign and this port.
fn ends_with_port(text: &[u8], port: u16) -> bool {
    let text = text.strip_suffix(b"/").unwrap_or(text);
    let rest = text.strip_suffix(port.to_string().as_bytes());
    rest.is_some_and(|rest| matches!(rest.last(), Some(b':' | b'=')))
}

fn finding(
    facts: &Facts<'_>,
    server: ProcessId,
    listeners: Vec<(SocketId, Exposed)>,
    interface: &str,
) -> RawFinding {
    let severity = listeners.iter().map(|(_, exposed)| exposed.severity).max();
    let what = listeners[0].1.what;
    let mut evidence: Vec<String> = Vec::new();
    for (_, exposed) in &listeners {
        if !evidence.contains(&exposed.why) {
            evidence.push(exposed.why.clone());
        }
    }
    evidence.push(format!("reached through {interface}"));
    let sockets: Vec<SocketId> = listeners.into_iter().map(|(id, _)| id).collect();
    let name = facts.process_name(server);
    let addresses = facts.socket_names(&sockets);
    RawFinding {
        severity: severity.unwrap_or(Severity::Low),
        subject: Subject::Process(server),
        processes: vec![server],
        sockets,
        title: format!("{name} serves {what} to other machines on {addresses}"),
        evidence,
        advice: "bind it to 127.0.0.1 or a Unix socket, or ask for authentication".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("the Docker API without TLS", |scene| {
        on_wildcard(scene, "dockerd -H tcp://0.0.0.0:2375", 2375, "eth0");
    }),
    Case::high("memcached", |scene| {
        on_wildcard(scene, "memcached -m 64", 11_211, "eth0")
    }),
    Case::medium("etcd without certificates", |scene| {
        let command = "etcd --listen-client-urls http://0.0.0.0:2379";
        on_wildcard(scene, command, 2379, "eth0");
    }),
    Case::low("redis with a configuration file", |scene| {
        on_wildcard(scene, "redis-server /etc/redis.conf", 6379, "eth0");
    }),
    Case::quiet("the namespace has a veth pair only", |scene| {
        on_wildcard(scene, "memcached -m 64", 11_211, "veth");
    }),
    Case::quiet("on the loopback interface", |scene| {
        on_wildcard(scene, "memcached -m 64", 11_211, "eth0");
        let loopback = std::net::Ipv4Addr::LOCALHOST.into();
        scene.map.sockets[0].local = Some(Address::Ip(loopback, 11_211));
    }),
    Case::quiet("another program on the same port", |scene| {
        on_wildcard(scene, "app", 6379, "eth0");
    }),
    Case::quiet("which interfaces there are was not captured", |scene| {
        on_wildcard(scene, "memcached -m 64", 11_211, "eth0");
        scene.capture.raw.clear();
    }),
];

/// A program that listens on a wildcard address; the interface is a `veth` or a device.
#[cfg(test)]
fn on_wildcard(scene: &mut Scene, command: &str, port: u16, interface: &str) {
    let name = command.split(' ').next().unwrap_or_default();
    let server = scene.process(600, 1, &format!("/usr/bin/{name}"));
    scene.process_mut(server).cmdline = command.replace(' ', "\0").into_bytes().into();
    let listener = scene.tcp_listener(&[(server, 5, Some(true))], port);
    let any = std::net::Ipv4Addr::UNSPECIFIED.into();
    scene.socket_mut(listener).local = Some(Address::Ip(any, port));
    let header = |source: &str| whotalks_snapshot::records::RawHeader {
        source: source.as_bytes().to_vec(),
        netns: 1,
        ..Default::default()
    };
    let message = |body: Vec<u8>| {
        let mut message = vec![0; 16];
        (message[0], message[4]) = (16 + body.len() as u8, 16);
        message.extend(body);
        message
    };
    let mut link = vec![0; 16];
    link[8] = 1;
    link.extend(*b"\x09\0\x03\0eth0\0\0\0\0");
    if interface == "veth" {
        link.extend(*b"\x0d\0\x12\0\x09\0\x01\0veth\0\0\0\0");
    }
    scene.table(header("route/link"), message(link));
    let mut address = vec![0; 8];
    address.extend([8, 0, 2, 0, 10, 0, 0, 5]);
    scene.table(header("route/addr"), message(address));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        let check = |exe: &str, command: &str, port: u16| {
            let process = Process {
                exe: exe.as_bytes().into(),
                cmdline: command.replace(' ', "\0").into_bytes().into(),
                ..Process::default()
            };
            let mut socket =
                Socket::unknown(crate::model::HostId(0), 7, crate::model::Family::Inet);
            let any = std::net::Ipv4Addr::UNSPECIFIED.into();
            (socket.kind, socket.local) = (SocketType::Stream, Some(Address::Ip(any, port)));
            exposed(&process, &socket).map(|exposed| exposed.severity)
        };
        let (high, low) = (Some(Severity::High), Some(Severity::Low));
        let redis = "/usr/bin/redis-server";
        let check_redis = |command, expected| assert_eq!(check(redis, command, 1), expected);
        check_redis("redis-server --protected-mode no", high);
        check_redis("redis-server --protected-mode no --requirepass x", low);
        let node = "/usr/bin/node";
        assert_eq!(
            check(node, "node --inspect=0.0.0.0:9229 app.js", 9229),
            high
        );
        assert_eq!(check(node, "node app.js", 80), None);
        let java = "java -agentlib:jdwp=transport=dt_socket,server=y,address=*:5005 -jar x.jar";
        assert_eq!(check("/usr/bin/java", java, 5005), high);
        assert_eq!(check("/usr/bin/java", java, 8080), None);
        assert_eq!(
            check("/usr/bin/dockerd", "dockerd -H fd:// --tlsverify", 2376),
            None
        );
        assert_eq!(check("/usr/bin/dockerd", "dockerd -H fd://", 2377), None);
        assert_eq!(check("/usr/bin/memcached", "memcached -S", 11_211), None);
        assert_eq!(
            check("/usr/bin/gdbserver", "gdbserver :1234 app", 1234),
            high
        );
    }
}
