//! The name or address under which a socket serves others.

use super::random_name::shape;
use crate::model::{Address, FIRST_EPHEMERAL_PORT, Family, Socket, SocketState, SocketType};
use crate::query::{Via, ViaKind};

/// The name of a listener, of a bound datagram socket that receives from anyone, or what a packet or
/// raw socket receives.
pub(super) fn served_name(socket: &Socket) -> Option<Via> {
    let name = || socket.name.as_ref().map(Via::from);
    if socket.family == Family::Packet || socket.kind == SocketType::Raw {
        return received(socket);
    }
    match socket.state {
        SocketState::Listening => name().or_else(|| socket.local.map(Via::from)),
        SocketState::Unconnected if socket.kind == SocketType::Dgram => match socket.family {
            Family::Unix => name(),
            Family::Inet | Family::Inet6 if socket.remote.is_none() => socket
                .local
                .filter(|address| !is_ephemeral(*address))
                .map(Via::from),
            _ => None,
        },
        _ => None,
    }
}

/// `packet:all`, `raw:0.0.0.0:1`: what a socket without a port receives.
fn received(socket: &Socket) -> Option<Via> {
    let what = match socket.family {
        Family::Packet => format!("packet:{}", socket.protocol.unwrap_or("unknown")),
        Family::Inet | Family::Inet6 => format!("raw:{}", socket.local?),
        _ => return None,
    };
    Some(Via {
        text: what,
        kind: ViaKind::Address,
    })
}

/// The served name without the parts that are random for certain.
pub(super) fn served_shape(socket: &Socket) -> Option<String> {
    let name = served_name(socket)?;
    Some(match socket.local {
        Some(_) => name.text,
        None => shape(&name.text),
    })
}

/// Whether the port of a socket to which nobody connects was most likely assigned by the kernel.
pub(super) fn is_ephemeral(address: Address) -> bool {
    match address {
        Address::Ip(_, port) => port >= FIRST_EPHEMERAL_PORT || port == 0,
        Address::Vsock(..) => false,
    }
}
