//! Clients in listeners' queues that have closed their socket.

use std::collections::BTreeMap;

use crate::load::{Capture, unix_diag};
use crate::model::{Map, SocketId, SocketKey, SocketState};

/// Listeners with clients in their queues that have no inode any more, and the number of those; by
/// listener.
pub(crate) fn dead_clients(map: &Map, captures: &[&Capture]) -> Vec<(SocketId, u32)> {
    // Of several readings of one queue the latest counts: an exact one comes after the list.
    let mut latest: BTreeMap<SocketId, (u8, u32)> = BTreeMap::new();
    for (host, capture) in captures.iter().enumerate() {
        let order = capture.byte_order();
        for name in ["diag/unix-pending", "diag/unix-exact"] {
            for raw in capture.sources(name) {
                for row in unix_diag::rows(&raw.bytes, order).0 {
                    let Some(listener) = find(map, host, row.inode, row.cookie) else {
                        continue;
                    };
                    let dead = row.waiting.iter().filter(|inode| **inode == 0).count() as u32;
                    let pass = raw.header.pass;
                    let reading = latest.entry(listener).or_insert((pass, dead));
                    if pass >= reading.0 {
                        *reading = (pass, dead);
                    }
                }
            }
        }
    }
    let latest = latest.into_iter().filter(|(_, (_, dead))| *dead > 0);
    latest
        .map(|(listener, (_, dead))| (listener, dead))
        .collect()
}

/// The same of TCP: connections without an inode, which nobody has accepted, whose client has closed its
/// end and has no socket on the machine.
pub(crate) fn dead_tcp_clients(map: &Map) -> Vec<(SocketId, u32)> {
    let mut dead: BTreeMap<SocketId, u32> = BTreeMap::new();
    for connection in &map.connections {
        let end = map.socket(connection.a);
        let is_left = end.inode == 0
            && end.state == SocketState::CloseWait
            && connection.b.is_none()
            && map.holders(connection.a).is_empty();
        if let Some(listener) = connection.listener.filter(|_| is_left) {
            *dead.entry(listener).or_default() += 1;
        }
    }
    dead.into_iter().collect()
}

/// The socket of an inode and cookie; sockets are sorted by host and key.
fn find(map: &Map, host: usize, inode: u32, cookie: u64) -> Option<SocketId> {
    let key = (host as u32, SocketKey::Inode(inode.into()));
    let sockets = &map.sockets;
    let index = sockets.binary_search_by_key(&key, |socket| (socket.host.0, socket.key));
    let index = index.ok()?;
    (sockets[index].cookie == Some(cookie)).then(|| SocketId::new(index))
}
