//! Connections whose addresses are translated between their two ends: by the kernel as its connection
//! tracking tells, as an equal address at both ends shows, or as a program publishes a port.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::connection::{Translation, Translator};
use super::inet_address::{Tuple, is_loopback, tuple};
use super::inet_ends::InetEnds;
use super::local_addresses::LocalAddresses;
use super::nat::Nat;
use super::published_ports::Proxies;
use super::socket::{Address, SocketState, SocketType};
use super::socket_draft::HostSockets;

/// What a translation makes of a socket whose peer is not the mirror of it.
pub(super) enum Translated {
    /// It is the client's. The server's socket, if it was captured.
    Client(Translation, Option<usize>),
    /// It is the server's, and its client was not captured.
    Server(Translation),
    /// It is the server's of a connection that is made at the client's end.
    Counterpart,
}

/// The translations between the sockets of a host.
pub(super) struct Translations {
    nat: Nat,
    proxies: Proxies,
    /// Addresses of the host's interfaces, sorted.
    own: Box<[IpAddr]>,
    /// Pairs that conntrack does not tell: the server by the client, both by index.
    servers: HashMap<usize, (usize, Translator)>,
    clients: HashMap<usize, usize>,
}

impl Translations {
    /// `unmatched`: the sockets (indices) without a mirrored peer. `has_listener`: whether a socket may
    /// have been accepted.
    pub(super) fn new(
        sockets: HostSockets<'_>,
        unmatched: &[usize],
        local: &LocalAddresses,
        (nat, proxies): (Nat, Proxies),
        has_listener: impl Fn(usize) -> bool,
    ) -> Self {
        let mut translations = Self {
            nat,
            proxies,
            own: local.own(),
            servers: HashMap::new(),
            clients: HashMap::new(),
        };
        let ends = Unmatched::new(sockets, unmatched, local, &translations.nat);
        if !ends.from_own.is_empty() {
            translations.pair_by_address(&ends, has_listener);
            translations.pair_by_proxy(&ends);
        }
        translations
    }

    /// The translation of a socket without a mirrored peer; `None` if there is none.
    pub(super) fn of(
        &self,
        index: usize,
        tuple: Tuple,
        sockets: HostSockets<'_>,
        ends: &InetEnds<'_>,
    ) -> Option<Translated> {
        let (netns, protocol, local, remote) = tuple;
        if let Some((own, others)) = self.nat.server((protocol, local, remote)) {
            let translation = Translation {
                from: remote,
                other_end: own,
                by: Translator::Conntrack,
            };
            let server = ends.sole((protocol, own, others));
            return Some(Translated::Client(translation, server));
        }
        if let Some((client, from)) = self.nat.client((protocol, local, remote)) {
            let translation = Translation {
                from,
                other_end: client,
                by: Translator::Conntrack,
            };
            return Some(match ends.sole((protocol, client, from)) {
                Some(_) => Translated::Counterpart,
                None => Translated::Server(translation),
            });
        }
        if self.clients.contains_key(&index) {
            return Some(Translated::Counterpart);
        }
        if let Some((server, by)) = self.servers.get(&index).copied() {
            let translation = Translation {
                from: remote,
                other_end: sockets.socket(server).local?,
                by,
            };
            return Some(Translated::Client(translation, Some(server)));
        }
        let Address::Ip(ip, port) = remote else {
            return None;
        };
        let by_proxy = |other_end| Translation {
            from: remote,
            other_end,
            by: Translator::Proxy,
        };
        if self.proxies.is_virtual(netns, ip) {
            return Some(Translated::Client(by_proxy(remote), None));
        }
        let is_client = sockets.socket(index).state != SocketState::Pending;
        let (target, target_port) = self.target(protocol, ip, port).filter(|_| is_client)?;
        Some(Translated::Client(
            by_proxy(Address::Ip(target?, target_port)),
            None,
        ))
    }

    /// The container's address for one where connections are taken for it.
    fn target(&self, protocol: &str, ip: IpAddr, port: u16) -> Option<(Option<IpAddr>, u16)> {
        let is_here = ip.is_loopback() || self.own.binary_search(&ip).is_ok();
        let mut published = self.proxies.published.iter().filter(|_| is_here);
        published.find_map(|one| one.target(protocol, ip, port))
    }

    fn add(&mut self, client: usize, server: usize, by: Translator) {
        self.servers.insert(client, (server, by));
        self.clients.insert(server, client);
    }

    fn is_paired(&self, index: usize) -> bool {
        self.servers.contains_key(&index) || self.clients.contains_key(&index)
    }

    /// Pairs the only socket that comes from an address with the only one that has it: one of the two
    /// addresses of each end is the same, and the other one is translated.
    fn pair_by_address(&mut self, ends: &Unmatched, has_listener: impl Fn(usize) -> bool) {
        for (address, from) in &ends.from_own {
            let (&[from], Some(&[at])) = (&from[..], ends.at.get(address).map(Vec::as_slice))
            else {
                continue;
            };
            if at == from || self.is_paired(at) || self.is_paired(from) {
                continue;
            }
            if !has_listener(at) {
                self.add(at, from, Translator::Address);
            } else if !has_listener(from) && ends.is_from_own(at) {
                self.add(from, at, Translator::Address);
            }
        }
    }

    /// Pairs the sockets at both ends of a published port: those whose clients' ports are equal, as the
    /// kernel keeps them where it can, else the only ones.
    fn pair_by_proxy(&mut self, ends: &Unmatched) {
        let unpaired = ends.all.iter().filter(|end| !self.is_paired(end.index));
        let unpaired: Vec<End> = unpaired.copied().collect();
        let mut clients: BTreeMap<Target, Vec<End>> = BTreeMap::new();
        for end in &unpaired {
            if let Address::Ip(ip, port) = end.remote
                && let Some((ip, port)) = self.target(end.protocol, ip, port)
            {
                let target = (end.protocol, ip, port);
                clients.entry(target).or_default().push(*end);
            }
        }
        for ((protocol, target_ip, target_port), clients) in clients {
            let is_server = |end: &&End| match end.local {
                Address::Ip(ip, port) => {
                    let is_target = port == target_port && target_ip.is_none_or(|own| own == ip);
                    is_target && end.protocol == protocol && ends.is_own(end.remote)
                }
                Address::Vsock(..) => false,
            };
            let servers: Vec<&End> = unpaired.iter().filter(is_server).collect();
            if let ([client], [server]) = (&clients[..], &servers[..]) {
                self.add(client.index, server.index, Translator::Proxy);
                continue;
            }
            for client in &clients {
                let port = port(client.local);
                let rivals = clients
                    .iter()
                    .filter(|other| self::port(other.local) == port);
                let mut same = servers
                    .iter()
                    .filter(|server| self::port(server.remote) == port);
                if let (Some(server), None, 1) = (same.next(), same.next(), rivals.count()) {
                    self.add(client.index, server.index, Translator::Proxy);
                }
            }
        }
    }
}

/// Protocol, address (`None`: any) and port of a container.
type Target = (&'static str, Option<IpAddr>, u16);

fn port(address: Address) -> Option<u16> {
    match address {
        Address::Ip(_, port) => Some(port),
        Address::Vsock(..) => None,
    }
}

/// A connected socket.
#[derive(Debug, Clone, Copy)]
struct End {
    index: usize,
    protocol: &'static str,
    local: Address,
    remote: Address,
}

/// The connected sockets without a mirrored peer that conntrack does not explain.
struct Unmatched {
    all: Vec<End>,
    /// Those that come from an address of this host, by it.
    from_own: BTreeMap<(&'static str, Address), Vec<usize>>,
    /// Those that have one of these addresses.
    at: BTreeMap<(&'static str, Address), Vec<usize>>,
    /// Addresses of the host's interfaces, sorted.
    own: Box<[IpAddr]>,
}

impl Unmatched {
    fn new(
        sockets: HostSockets<'_>,
        unmatched: &[usize],
        local: &LocalAddresses,
        nat: &Nat,
    ) -> Self {
        let mut ends = Self {
            all: Vec::new(),
            from_own: BTreeMap::new(),
            at: BTreeMap::new(),
            own: local.own(),
        };
        for index in unmatched.iter().copied() {
            let draft = &sockets.drafts[index];
            let is_open = matches!(
                draft.socket.state,
                SocketState::Established | SocketState::Pending
            );
            let Some((_, protocol, local, remote)) = tuple(draft).filter(|_| is_open) else {
                continue;
            };
            let is_tracked = nat.server((protocol, local, remote)).is_some()
                || nat.client((protocol, local, remote)).is_some();
            if !is_tracked && draft.socket.kind != SocketType::Dgram {
                ends.all.push(End {
                    index,
                    protocol,
                    local,
                    remote,
                });
            }
        }
        for end in &ends.all {
            if ends.is_own(end.remote) && !is_loopback(end.remote) {
                let from = ends.from_own.entry((end.protocol, end.remote));
                from.or_default().push(end.index);
            }
        }
        for end in &ends.all {
            if ends.from_own.contains_key(&(end.protocol, end.local)) {
                let at = ends.at.entry((end.protocol, end.local));
                at.or_default().push(end.index);
            }
        }
        ends
    }

    /// Whether a socket comes from an address of this host.
    fn is_from_own(&self, index: usize) -> bool {
        let mut all = self.from_own.values().flatten();
        all.any(|other| *other == index)
    }

    /// Whether an interface of the host has the address.
    fn is_own(&self, address: Address) -> bool {
        matches!(address, Address::Ip(ip, _) if self.own.binary_search(&ip.to_canonical()).is_ok())
    }
}
