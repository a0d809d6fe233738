//! Sockets.

use serde::Serialize;

use super::holder::HolderDocument;
use crate::model::{Address, Map, Name, SocketId};
use crate::text::escape;

/// A socket.
#[derive(Debug, Serialize)]
pub struct SocketDocument {
    id: String,
    host: String,
    /// 0 if it has none.
    inode: u64,
    cookie: Option<u64>,
    netns: Option<u64>,
    family: &'static str,
    r#type: &'static str,
    protocol: Option<&'static str>,
    state: &'static str,
    name: Option<NameDocument>,
    /// The path that leads to the socket now, where the name does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<NameDocument>,
    local: Option<EndpointDocument>,
    remote: Option<EndpointDocument>,
    recv_queue_bytes: u64,
    send_queue_bytes: u64,
    backlog: Option<u32>,
    pending: Option<u32>,
    accepting: Option<bool>,
    holders: Vec<HolderDocument>,
    holders_complete: bool,
    /// In a union of captures: in how many it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

#[derive(Debug, Serialize)]
struct NameDocument {
    kind: &'static str,
    text: String,
    hex: String,
}

#[derive(Debug, Serialize)]
struct EndpointDocument {
    text: String,
    addr: String,
    port: u32,
}

/// Describes a socket.
pub fn socket(map: &Map, id: SocketId) -> SocketDocument {
    let socket = map.socket(id);
    SocketDocument {
        id: crate::id::socket(map, id),
        host: crate::id::host(socket.host),
        inode: socket.inode,
        cookie: socket.cookie,
        netns: socket.netns,
        family: socket.family.as_str(),
        r#type: socket.kind.as_str(),
        protocol: socket.protocol,
        state: socket.state.as_str(),
        name: socket.name.as_ref().map(name),
        moved_to: socket.moved_to.as_ref().map(name),
        local: socket.local.map(endpoint),
        remote: socket.remote.map(endpoint),
        recv_queue_bytes: socket.recv_queue_bytes,
        send_queue_bytes: socket.send_queue_bytes,
        backlog: socket.backlog,
        pending: socket.pending,
        accepting: socket.accepting,
        holders: HolderDocument::list(map, map.holders(id)),
        holders_complete: socket.holders_complete,
        seen: map.seen.as_ref().map(|seen| seen.sockets[id.index()]),
    }
}

fn name(name: &Name) -> NameDocument {
    NameDocument {
        kind: name.kind(),
        text: escape::name(name.bytes()),
        hex: escape::hex(name.bytes()),
    }
}

fn endpoint(address: Address) -> EndpointDocument {
    let text = address.to_string();
    match address {
        Address::Ip(ip, port) => EndpointDocument {
            text,
            addr: ip.to_string(),
            port: port.into(),
        },
        Address::Vsock(cid, port) => EndpointDocument {
            text,
            addr: cid.to_string(),
            port,
        },
    }
}
