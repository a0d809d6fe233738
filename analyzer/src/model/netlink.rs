//! Netlink sockets, and connections between two of them. A socket connected to the kernel makes no
//! connection.
//!
//! Reference: netlink(7).

use std::collections::{BTreeMap, BTreeSet};

use super::connection::{Connection, ConnectionKind, ConnectionState};
use super::evidence::Evidence;
use super::ids::HostId;
use super::socket::{Family, SocketState};
use super::socket_draft::{HostSockets, SocketDraft, socket_type};
use crate::load::{Capture, netlink_diag};

/// Names of `NETLINK_*` in `linux/netlink.h`, by number.
#[rustfmt::skip]
const PROTOCOLS: [(u8, &str); 18] = [
    (0, "route"), (2, "usersock"), (3, "firewall"), (4, "sock_diag"), (5, "nflog"), (6, "xfrm"),
    (7, "selinux"), (8, "iscsi"), (9, "audit"), (10, "fib_lookup"), (11, "connector"),
    (12, "netfilter"), (14, "dnrtmsg"), (15, "kobject_uevent"), (16, "generic"),
    (18, "scsitransport"), (20, "rdma"), (21, "crypto"),
];

/// A netlink address: network namespace, protocol number, port id.
type Port = (u64, u8, u32);

/// The netlink sockets of a host, with the addresses that join them.
#[derive(Default)]
pub(super) struct Netlink {
    pub(super) drafts: Vec<SocketDraft>,
    /// Inode of a sender, and the port it is connected to.
    connected: Vec<(u64, Port)>,
    /// Inode of the socket that owns a port.
    owners: BTreeMap<Port, u64>,
}

/// Reads the dumps; `is_held`: whether a descriptor refers to the inode.
pub(super) fn read(capture: &Capture, host: HostId, is_held: impl Fn(u64) -> bool) -> Netlink {
    let order = capture.byte_order();
    let mut netlink = Netlink::default();
    for raw in capture.sources("diag/netlink") {
        let netns = raw.header.netns;
        let rows = netlink_diag::rows(&raw.bytes, order).0;
        for row in &rows {
            let inode = u64::from(row.inode);
            // Sockets of the kernel have port 0 and no descriptor.
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

fn draft(row: &netlink_diag::Row, host: HostId, netns: u64) -> SocketDraft {
    let mut draft = SocketDraft::new(host, row.inode.into(), Family::Netlink);
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
    /// The connections to other processes; `find`: the index of an inode's socket. Two sockets that are
    /// connected to each other make one connection.
    pub(super) fn connections(
        &self,
        sockets: HostSockets<'_>,
        find: impl Fn(u64) -> Option<usize>,
    ) -> Vec<Connection> {
        let owner = |port: &Port| self.owners.get(port).copied();
        let pairs: BTreeSet<(u64, u64)> = self
            .connected
            .iter()
            .filter_map(|(sender, port)| Some((*sender, owner(port)?)))
            .collect();
        let connection = |(sender, port): &(u64, Port)| {
            let receiver = owner(port);
            let is_mutual =
                receiver.is_some_and(|to| to != *sender && pairs.contains(&(to, *sender)));
            // Made at the first of the two.
            if is_mutual && receiver < Some(*sender) {
                return None;
            }
            let (a, b) = (find(*sender)?, receiver.and_then(&find));
            let state = if is_mutual {
                ConnectionState::Established
            } else {
                ConnectionState::OneWay
            };
            let connection =
                sockets.connection(ConnectionKind::Netlink, (a, b), state, Evidence::Peer);
            Some(Connection {
                confirmed: b.is_some() && connection.confirmed,
                ..connection
            })
        };
        self.connected.iter().filter_map(connection).collect()
    }
}
