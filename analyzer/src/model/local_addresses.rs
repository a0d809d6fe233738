//! Addresses of the host's own interfaces.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::load::{Capture, route_addr};

/// Addresses of interfaces, by network namespace.
#[derive(Debug, Clone, Default)]
pub(super) struct LocalAddresses {
    interfaces: BTreeSet<(u64, IpAddr)>,
    /// Namespaces whose interfaces were read.
    listed: BTreeSet<u64>,
    /// Addresses to which sockets are bound.
    bound: BTreeSet<(u64, IpAddr)>,
}

impl LocalAddresses {
    pub(super) fn new(capture: &Capture) -> Self {
        let order = capture.byte_order();
        let mut local = Self::default();
        for raw in capture.sources("route/addr") {
            let netns = raw.header.netns;
            let addresses = route_addr::addresses(&raw.bytes, order).0;
            if !addresses.is_empty() {
                local.listed.insert(netns);
            }
            let addresses = addresses.into_iter();
            local
                .interfaces
                .extend(addresses.map(|ip| (netns, ip.to_canonical())));
        }
        local
    }

    /// Adds an address to which a socket of the namespace is bound.
    pub(super) fn add(&mut self, netns: u64, ip: IpAddr) {
        self.bound.insert((netns, ip.to_canonical()));
    }

    /// Whether what is sent to an address in a namespace stays there.
    pub(super) fn contains(&self, netns: u64, ip: IpAddr) -> bool {
        let place = (netns, ip.to_canonical());
        ip.is_loopback() || self.interfaces.contains(&place) || self.bound.contains(&place)
    }

    /// The namespaces where what is sent to an address stays there; loopback is in each.
    pub(super) fn namespaces_of(&self, ip: IpAddr) -> BTreeSet<u64> {
        let all = self.interfaces.iter().chain(&self.bound);
        let of_ip = all.filter(|(_, other)| *other == ip.to_canonical());
        of_ip.map(|(netns, _)| *netns).collect()
    }

    /// The addresses of the interfaces of all namespaces, sorted; where the interfaces were not read,
    /// those to which sockets are bound. Elsewhere these may be any address (`IP_TRANSPARENT`, ip(7)).
    pub(super) fn own(&self) -> Box<[IpAddr]> {
        let is_unlisted = |place: &&(u64, IpAddr)| {
            let (netns, ip) = place;
            !self.listed.contains(netns) && !ip.is_unspecified() && !ip.is_multicast()
        };
        let bound = self.bound.iter().filter(is_unlisted);
        let all: BTreeSet<IpAddr> = self
            .interfaces
            .iter()
            .chain(bound)
            .map(|(_, ip)| *ip)
            .collect();
        all.into_iter().collect()
    }
}
