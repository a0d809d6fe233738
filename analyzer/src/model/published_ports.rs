//! Ports that a program publishes for a container, by its command line.
//!
//! References: docker-proxy (`cmd/docker-proxy` of moby), pasta(1), slirp4netns(1).

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use super::process::{Process, find_pid};
use super::program::program;
use crate::load::Capture;

/// Ports at which connections are taken for a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublishedPort {
    /// `tcp`, `udp`, `sctp`.
    pub(super) protocol: &'static str,
    /// `None`: every address of the namespace.
    pub(super) ip: Option<IpAddr>,
    pub(super) ports: RangeInclusive<u16>,
    /// `None`: every address of the container.
    pub(super) target_ip: Option<IpAddr>,
    /// The first port of the container; the others follow it.
    pub(super) target_port: u16,
}

impl PublishedPort {
    /// Address and port of the container for an address where connections are taken.
    pub(super) fn target(
        &self,
        protocol: &str,
        ip: IpAddr,
        port: u16,
    ) -> Option<(Option<IpAddr>, u16)> {
        let takes = self.protocol == protocol
            && self.ip.is_none_or(|own| own == ip)
            && self.ports.contains(&port);
        let target_port = self
            .target_port
            .checked_add(port - *self.ports.start().min(&port))?;
        takes.then_some((self.target_ip, target_port))
    }
}

/// What the proxies among the processes do.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    pub(super) published: Vec<PublishedPort>,
    /// Addresses that a network stack in user space has for itself, with the network namespace where it
    /// answers to them.
    pub(super) virtual_addresses: Vec<(u64, IpAddr)>,
}

impl Proxies {
    /// Reads the command lines of a host's processes, which start at `first`.
    pub(super) fn new(processes: &[Process], first: usize, capture: &Capture) -> Self {
        let mut proxies = Self::default();
        for process in &processes[first..] {
            let Some(kind) = kind(process) else { continue };
            let arguments: Vec<&str> = process
                .arguments()
                .skip(1)
                .filter_map(|argument| std::str::from_utf8(argument).ok())
                .collect();
            let options = Options(&arguments);
            let addresses = match kind {
                Kind::Docker => {
                    proxies.published.extend(docker(&options));
                    continue;
                }
                Kind::Slirp => slirp(&options),
                Kind::Pasta => {
                    for (protocol, names) in [
                        ("tcp", ["-t", "--tcp-ports"]),
                        ("udp", ["-u", "--udp-ports"]),
                    ] {
                        let specs = options.all(&names);
                        proxies
                            .published
                            .extend(specs.flat_map(|spec| pasta(protocol, spec)));
                    }
                    let names = ["--map-guest-addr", "--map-host-loopback", "--dns-forward"];
                    let addresses = options.all(&names);
                    addresses.filter_map(|ip| ip.parse().ok()).collect()
                }
            };
            let mut named = arguments
                .iter()
                .filter_map(|argument| namespace(argument, processes, first, capture));
            if let Some(netns) = named.next() {
                let addresses = addresses.into_iter().map(|ip| (netns, ip));
                proxies.virtual_addresses.extend(addresses);
            }
        }
        proxies
    }

    /// Whether a network stack in user space answers to an address in a namespace.
    pub(super) fn is_virtual(&self, netns: u64, ip: IpAddr) -> bool {
        self.virtual_addresses.contains(&(netns, ip))
    }
}

/// Programs that publish ports.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Docker,
    Slirp,
    Pasta,
}

/// What a process is by the name that it was started by, else by that of its program.
fn kind(process: &Process) -> Option<Kind> {
    let kind = |name: &str| match name {
        "docker-proxy" => Some(Kind::Docker),
        "slirp4netns" => Some(Kind::Slirp),
        "pasta" | "pasta.avx2" => Some(Kind::Pasta),
        _ => None,
    };
    let own = process
        .arguments()
        .next()?
        .rsplit(|byte| *byte == b'/')
        .next();
    let own = own.and_then(|name| std::str::from_utf8(name).ok());
    own.and_then(kind).or_else(|| kind(&program(process)))
}

/// The network namespace that an argument names: by the pid of a process in it, by where it is mounted.
fn namespace(
    argument: &str,
    processes: &[Process],
    first: usize,
    capture: &Capture,
) -> Option<u64> {
    if let Ok(pid) = argument.parse() {
        return processes[find_pid(processes, first, pid)?.index()].netns;
    }
    let path = argument.rsplit('=').next()?;
    let path = match path.contains('/') {
        true => path.to_owned(),
        false => format!("/run/netns/{path}"),
    };
    let mut all = capture.namespaces.iter();
    let found = all.find(|netns| netns.path == path.as_bytes())?;
    Some(found.inode)
}

/// Arguments of a command: `-x VALUE`, `--x VALUE`, `--x=VALUE`.
struct Options<'a>(&'a [&'a str]);

impl<'a> Options<'a> {
    /// The values of options, each time that they are given.
    fn all(&self, names: &[&str]) -> impl Iterator<Item = &'a str> {
        let next = self.0.iter().skip(1).map(Some).chain([None]);
        let values = self.0.iter().zip(next).filter_map(move |(argument, next)| {
            match argument.split_once('=') {
                Some((name, value)) => names.contains(&name).then_some(value),
                None if names.contains(argument) => next.copied(),
                None => None,
            }
        });
        values.collect::<Vec<_>>().into_iter()
    }

    fn first(&self, names: &[&str]) -> Option<&'a str> {
        self.all(names).next()
    }
}

/// `docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80`
fn docker(options: &Options<'_>) -> Option<PublishedPort> {
    let value = |name: &str| options.first(&[&format!("-{name}"), &format!("--{name}")]);
    let ip = |name: &str| value(name).and_then(|ip| ip.parse::<IpAddr>().ok());
    let port = |name: &str| value(name).and_then(|port| port.parse::<u16>().ok());
    let host_port = port("host-port")?;
    Some(PublishedPort {
        protocol: protocol(value("proto").unwrap_or("tcp"))?,
        ip: ip("host-ip").filter(|ip| !ip.is_unspecified()),
        ports: host_port..=host_port,
        target_ip: Some(ip("container-ip")?),
        target_port: port("container-port")?,
    })
}

fn protocol(name: &str) -> Option<&'static str> {
    ["tcp", "udp", "sctp"]
        .into_iter()
        .find(|known| *known == name)
}

/// `8080`, `8080:80`, `8080-8081:80-81`, `127.0.0.1%lo/8080:80`, several with commas between them.
fn pasta(protocol: &'static str, spec: &str) -> Vec<PublishedPort> {
    let (ip, ports) = match spec.split_once('/') {
        Some((ip, ports)) => (ip.split('%').next().and_then(|ip| ip.parse().ok()), ports),
        None => (None, spec),
    };
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(first.parse::<u16>().ok()?..=last.parse::<u16>().ok()?)
    };
    let port = |text: &str| {
        let (outer, inner) = text.split_once(':').unwrap_or((text, text));
        Some(PublishedPort {
            protocol,
            ip: ip.filter(|ip: &IpAddr| !ip.is_unspecified()),
            ports: range(outer)?,
            target_ip: None,
            target_port: *range(inner)?.start(),
        })
    };
    ports.split(',').filter_map(port).collect()
}

/// The second address of its network is the gateway, the third one answers names.
fn slirp(options: &Options<'_>) -> Vec<IpAddr> {
    let cidr = options.first(&["--cidr"]).unwrap_or("10.0.2.0/24");
    let network = cidr
        .split('/')
        .next()
        .and_then(|ip| ip.parse::<Ipv4Addr>().ok());
    let address = |network: Ipv4Addr, host: u32| {
        Some(IpAddr::from(Ipv4Addr::from(
            network.to_bits().checked_add(host)?,
        )))
    };
    let hosts = [2, 3].into_iter();
    network
        .into_iter()
        .flat_map(|network| hosts.clone().filter_map(move |host| address(network, host)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(command: &str) -> Proxies {
        let process = Process {
            pid: 7,
            netns: Some(99),
            cmdline: command.replace(' ', "\0").into_bytes().into(),
            ..Process::default()
        };
        Proxies::new(&[process], 0, &Capture::default())
    }

    #[test]
    fn ports_of_docker() {
        let found = proxies(
            "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80",
        );
        let [port] = &found.published[..] else {
            panic!("{found:?}");
        };
        let container = Some((Some(IpAddr::from([172, 17, 0, 2])), 80));
        let host = IpAddr::from([192, 168, 1, 7]);
        assert_eq!(port.target("tcp", host, 8080), container);
        assert_eq!(port.target("tcp", host, 8081), None);
        assert_eq!(port.target("udp", host, 8080), None);
        let found = proxies(
            "docker-proxy --proto=udp --host-ip=127.0.0.1 --host-port=53 --container-ip=10.0.0.9 --container-port=5353",
        );
        assert_eq!(found.published[0].target("udp", host, 53), None);
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert!(found.published[0].target("udp", loopback, 53).is_some());
        assert!(proxies("docker-proxy -host-port 8080").published.is_empty());
        assert!(
            proxies("other -host-port 1 -container-ip 1.1.1.1 -container-port 2")
                .published
                .is_empty()
        );
    }

    #[test]
    fn ports_of_pasta() {
        let found =
            proxies("/usr/bin/pasta --config-net -t 8080-8081:80-81,9000 -u 10.0.0.1/53:5353 7");
        let host = IpAddr::from([10, 0, 0, 1]);
        let target = |protocol, port| {
            let mut all = found.published.iter();
            all.find_map(|one| one.target(protocol, host, port))
        };
        assert_eq!(target("tcp", 8081), Some((None, 81)));
        assert_eq!(target("tcp", 9000), Some((None, 9000)));
        assert_eq!(target("udp", 53), Some((None, 5353)));
        assert_eq!(target("tcp", 53), None);
        assert_eq!(target("tcp", 7), None);
    }

    #[test]
    fn addresses_of_network_stacks() {
        let ip = |last| IpAddr::from([10, 0, 2, last]);
        let found = proxies("slirp4netns --configure --mtu=65520 7 tap0");
        assert_eq!(found.virtual_addresses, [(99, ip(2)), (99, ip(3))]);
        assert!(found.is_virtual(99, ip(2)) && !found.is_virtual(98, ip(2)));
        let found = proxies("slirp4netns --cidr 10.9.0.0/24 7 tap0");
        assert!(found.is_virtual(99, IpAddr::from([10, 9, 0, 2])));
        let found = proxies("pasta --map-guest-addr 169.254.1.2 --dns-forward 169.254.1.1 7");
        assert!(found.is_virtual(99, IpAddr::from([169, 254, 1, 2])));
        assert!(
            proxies("slirp4netns 12345 tap0")
                .virtual_addresses
                .is_empty()
        );
    }
}
