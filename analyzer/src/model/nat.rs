//! Translated addresses, from connection tracking.

use std::collections::HashMap;
use std::net::IpAddr;

use super::inet_address::canonical;
use super::socket::Address;
use crate::load::conntrack::{self, Flow};
use crate::load::{Capture, RawSource};

/// `IPPROTO_TCP` and others, with the names of their sockets' protocols.
const PROTOCOLS: [(u8, &str); 5] = [
    (6, "tcp"),
    (17, "udp"),
    (33, "dccp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// A protocol, the local address and the remote address of a socket.
type Addresses = (&'static str, Address, Address);

/// The connections of a host whose addresses the kernel translates.
#[derive(Debug, Default)]
pub(super) struct Nat {
    /// The server's socket by the client's: local and remote address.
    servers: HashMap<Addresses, (Address, Address)>,
    /// The client's socket by the server's.
    clients: HashMap<Addresses, (Address, Address)>,
}

impl Nat {
    pub(super) fn new(capture: &Capture) -> Self {
        let order = capture.byte_order();
        let rows = |raw: &RawSource| conntrack::rows(&raw.bytes, order).0;
        let mut nat = Self::default();
        for row in capture.sources("netfilter/conntrack").flat_map(rows) {
            let protocol = PROTOCOLS.iter().find(|(number, _)| *number == row.protocol);
            let Some((_, protocol)) = protocol else {
                continue;
            };
            let (client, server) = (ends(row.original), ends(row.reply));
            if client.0 != server.1 || client.1 != server.0 {
                nat.servers.insert((protocol, client.0, client.1), server);
                nat.clients.insert((protocol, server.0, server.1), client);
            }
        }
        nat
    }

    /// Local and remote address of the server's socket, given those of the client's.
    pub(super) fn server(&self, client: Addresses) -> Option<(Address, Address)> {
        self.servers.get(&client).copied()
    }

    /// Local and remote address of the client's socket, given those of the server's.
    pub(super) fn client(&self, server: Addresses) -> Option<(Address, Address)> {
        self.clients.get(&server).copied()
    }
}

/// Local and remote address of the socket that sends a flow.
fn ends(flow: Flow) -> (Address, Address) {
    let address = |(ip, port): (IpAddr, u16)| canonical(Address::Ip(ip, port));
    (address(flow.source), address(flow.destination))
}
