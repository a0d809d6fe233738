//! When data last went over TCP connections.

use std::collections::BTreeMap;

use super::ids::{HostId, SocketId};
use super::socket::{Socket, SocketState};
use crate::load::Capture;
use crate::load::tcp_info::{self, TcpInfo};

/// When data last went over a TCP connection, from one end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpTimes {
    /// Time since this end last sent data, milliseconds; `None`: it has sent none.
    pub sent_ms: Option<u32>,
    /// Time since this end last received data, milliseconds; `None`: it has received none.
    pub received_ms: Option<u32>,
}

impl From<&TcpInfo> for TcpTimes {
    fn from(info: &TcpInfo) -> Self {
        let known = |has: Option<bool>, ms| (has != Some(false)).then_some(ms);
        Self {
            // What is on its way was sent, too.
            sent_ms: match info.unacknowledged {
                0 => known(info.has_sent, info.last_sent_ms),
                _ => Some(info.last_sent_ms),
            },
            received_ms: known(info.has_received, info.last_received_ms),
        }
    }
}

/// The times of the connected TCP sockets of a host, among those of a map.
pub(super) fn read(
    capture: &Capture,
    host: HostId,
    sockets: &[Socket],
) -> BTreeMap<SocketId, TcpTimes> {
    let all = tcp_info::all(capture);
    let own = sockets.iter().enumerate().filter(|(_, socket)| {
        socket.host == host
            && socket.protocol == Some("tcp")
            && socket.state != SocketState::Listening
    });
    own.filter_map(|(index, socket)| {
        let info = all.get(&socket.cookie?)?;
        Some((SocketId::new(index), TcpTimes::from(info)))
    })
    .collect()
}
