//! Addresses of the host's own interfaces.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::load::{Capture, route_addr};

/// Addresses of interfaces, by network namespace.
#[derive(Debug, Clone, Default)]
pub(super) struct LocalAddresses(BTreeSet<(u64, IpAddr)>);

impl LocalAddresses {
    pub(super) fn new(capture: &Capture) -> Self {
        let order = capture.byte_order();
        let of_namespace = capture.sources("route/addr").flat_map(|raw| {
            let addresses = route_addr::addresses(&raw.bytes, order).0;
            addresses
                .into_iter()
                .map(|ip| (raw.header.netns, ip.to_canonical()))
        });
        Self(of_namespace.collect())
    }

    /// Adds an address to which a socket of the namespace is bound.
    pub(super) fn add(&mut self, netns: u64, ip: IpAddr) {
        self.0.insert((netns, ip.to_canonical()));
    }

    /// Whether what is sent to an address in a namespace stays there.
    pub(super) fn contains(&self, netns: u64, ip: IpAddr) -> bool {
        ip.is_loopback() || self.0.contains(&(netns, ip.to_canonical()))
    }

    /// The addresses of all namespaces, sorted.
    pub(super) fn all(&self) -> Box<[IpAddr]> {
        let all: BTreeSet<IpAddr> = self.0.iter().map(|(_, ip)| *ip).collect();
        all.into_iter().collect()
    }
}
