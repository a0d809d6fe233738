//! Sockets.

use serde::Serialize;

use super::descriptor::holder;
use super::object::object;
use crate::id;
use crate::model::{Address, InFlight, Map, Name, SocketId};
use crate::text::escape;

/// Describes a socket.
pub fn socket(map: &Map, id: SocketId) -> impl Serialize {
    let socket = map.socket(id);
    let name = |name: &Name| {
        object()
            .field("kind", name.kind())
            .field("text", escape::name(name.bytes()))
            .field("hex", escape::hex(name.bytes()))
    };
    let holders = map.holders(id).iter();
    let receiver = match &socket.in_flight {
        Some(InFlight::QueueOf { receiver, .. }) => map.socket_of(socket.host, *receiver),
        _ => None,
    };
    object()
        .field("id", id::socket(map, id))
        .field("host", id::host(socket.host))
        // 0 if it has none.
        .field("inode", socket.inode)
        .field("cookie", socket.cookie)
        .field("netns", socket.netns)
        .field("family", socket.family.as_str())
        .field("type", socket.kind.as_str())
        .field("protocol", socket.protocol)
        .field("state", socket.state.as_str())
        .field("name", socket.name.as_ref().map(name))
        // The path that leads to the socket now, where the name does not.
        .known("moved_to", socket.moved_to.as_ref().map(name))
        .field("local", socket.local.map(endpoint))
        .field("remote", socket.remote.map(endpoint))
        .field("recv_queue_bytes", socket.recv_queue_bytes)
        .field("send_queue_bytes", socket.send_queue_bytes)
        .field("backlog", socket.backlog)
        .field("pending", socket.pending)
        .field("accepting", socket.accepting)
        .list("holders", holders.map(|one| holder(map, one)))
        .field("holders_complete", socket.holders_complete)
        // The socket in whose queue the only descriptor of this one waits.
        .known("in_queue_of", receiver.map(|id| id::socket(map, id)))
        // In a union of captures: in how many it was seen.
        .known(
            "seen",
            map.seen
                .as_ref()
                .map(|seen| seen.sockets[id.index()].count()),
        )
}

fn endpoint(address: Address) -> impl Serialize {
    let (host, port) = match address {
        Address::Ip(ip, port) => (ip.to_string(), port.into()),
        Address::Vsock(cid, port) => (cid.to_string(), port),
    };
    object()
        .field("text", address.to_string())
        .field("addr", host)
        .field("port", port)
}
