//! The name or address under which a socket serves others.

use std::net::IpAddr;

use super::name_shape::mask;
use crate::model::{Address, FIRST_EPHEMERAL_PORT, Family, Socket, SocketState, SocketType};
use crate::query::Via;

/// The name of a listener, or of a bound datagram socket that receives from anyone.
pub(super) fn served_name(socket: &Socket) -> Option<Via> {
    let name = || socket.name.as_ref().map(Via::from);
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

/// The served name without the parts that differ from run to run.
pub(super) fn served_shape(socket: &Socket) -> Option<String> {
    served_name(socket).map(|name| shape_of(socket, &name))
}

/// The shape of a socket's name.
pub(super) fn shape_of(socket: &Socket, name: &Via) -> String {
    match socket.local {
        Some(address) => address_shape(address),
        None => mask(&name.text),
    }
}

/// An address, its port masked where the kernel assigned it.
pub(super) fn address_shape(address: Address) -> String {
    match address {
        Address::Ip(ip, _) if is_ephemeral(address) => match ip {
            IpAddr::V4(ip) => format!("{ip}:*"),
            IpAddr::V6(ip) => format!("[{ip}]:*"),
        },
        _ => address.to_string(),
    }
}

/// Whether the port was most likely assigned by the kernel.
fn is_ephemeral(address: Address) -> bool {
    match address {
        Address::Ip(_, port) => port >= FIRST_EPHEMERAL_PORT || port == 0,
        Address::Vsock(..) => false,
    }
}
