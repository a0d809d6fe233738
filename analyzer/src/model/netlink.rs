//! Netlink sockets, and connections between two of them. What talks to the kernel is no connection.
//!
//! Reference: netlink(7).

use std::collections::{BTreeMap, BTreeSet};

use super::HostId;
use super::evidence::Evidence;
use super::socket::{Connection, ConnectionKind, ConnectionState, Family, SocketState};
use super::socket_draft::{Draft, socket_type};
use super::unix_listeners::id;
use crate::load::{Capture, netlink_diag};

/// Names of `NETLINK_*` in `linux/netlink.h`, by number.
const PROTOCOLS: [(u8, &str); 18] = [
    (0, "route"),
    (2, "usersock"),
    (3, "firewall"),
    (4, "sock_diag"),
    (5, "nflog"),
    (6, "xfrm"),
    (7, "selinux"),
    (8, "iscsi"),
    (9, "audit"),
    (10, "fib_lookup"),
    (11, "connector"),
    (12, "netfilter"),
    (14, "dnrtmsg"),
    (15, "kobject_uevent"),
    (16, "generic"),
    (18, "scsitransport"),
    (20, "rdma"),
    (21, "crypto"),
];

/// Namespace, protocol number and port id: who is addressed.
type Port = (u64, u8, u32);

/// The netlink sockets of a host, and what joining them needs.
#[derive(Default)]
pub(super) struct Netlink {
    pub(super) drafts: Vec<Draft>,
    /// Inode of the sender, and the port it is connected to.
    connected: Vec<(u64, Port)>,
    /// Inode of the socket that owns a port.
    owners: BTreeMap<Port, u64>,
}

/// Reads the dumps; `is_held` tells whether a descriptor leads to an inode.
pub(super) fn read(capture: &Capture, host: HostId, is_held: impl Fn(u64) -> bool) -> Netlink {
    let order = capture.byte_order();
    let mut netlink = Netlink::default();
    for raw in capture.sources("diag/netlink") {
        let netns = raw.header.netns;
        let rows = netlink_diag::rows(&raw.bytes, order).0;
        for row in &rows {
            let inode = u64::from(row.inode);
            // The kernel's own ends have port 0 and no descriptor.
            if inode == 0 || row.port == 0 && !is_held(inode) {
                continue;
            }
            if row.port != 0 {
                netlink
                    .owners
                    .insert((netns, row.protocol, row.port), inode);
            }
            if row.peer_port != 0 {
                netlink
                    .connected
                    .push((inode, (netns, row.protocol, row.peer_port)));
            }
            netlink.drafts.push(draft(row, host, netns));
        }
    }
    netlink
}

fn draft(row: &netlink_diag::Row, host: HostId, netns: u64) -> Draft {
    let mut draft = Draft::new(host, row.inode.into(), Family::Netlink);
    let socket = &mut draft.socket;
    socket.cookie = Some(row.cookie);
    socket.netns = Some(netns);
    socket.kind = socket_type(row.kind);
    let name = PROTOCOLS.iter().find(|(number, _)| *number == row.protocol);
    socket.protocol = Some(name.map_or("other", |(_, name)| name));
    let connected = row.peer_port != 0;
    socket.state = if connected {
        SocketState::Established
    } else {
        SocketState::Unconnected
    };
    draft
}

impl Netlink {
    /// The connections to other processes; `find` gives the index of an inode's socket. Two that are
    /// connected to each other are one connection.
    pub(super) fn connections(
        &self,
        first: usize,
        drafts: &[Draft],
        find: impl Fn(u64) -> Option<usize>,
    ) -> Vec<Connection> {
        let receiver = |port: &Port| self.owners.get(port).copied();
        let pairs: BTreeSet<(u64, u64)> = self
            .connected
            .iter()
            .filter_map(|(sender, port)| Some((*sender, receiver(port)?)))
            .collect();
        let connection = |(inode, port): &(u64, Port)| {
            let to = receiver(port);
            let mutual = to.is_some_and(|to| to != *inode && pairs.contains(&(to, *inode)));
            // The first of the two makes it.
            if mutual && to < Some(*inode) {
                return None;
            }
            let (a, b) = (find(*inode)?, to.and_then(&find));
            Some(Connection {
                kind: ConnectionKind::Netlink,
                a: id(first, a),
                b: b.map(|b| id(first, b)),
                listener: None,
                state: if mutual {
                    ConnectionState::Established
                } else {
                    ConnectionState::OneWay
                },
                evidence: Evidence::Peer,
                listener_evidence: None,
                confirmed: b.is_some_and(|b| drafts[b].socket.seen_twice)
                    && drafts[a].socket.seen_twice,
            })
        };
        self.connected.iter().filter_map(connection).collect()
    }
}
