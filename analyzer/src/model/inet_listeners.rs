//! Finds the listener of an accepted TCP, MPTCP, SCTP, DCCP or vsock socket.

use super::inet_address::{BoundSockets, tuple};
use super::socket::SocketState;
use super::socket_draft::HostSockets;

/// The listening internet and vsock sockets of a host.
pub(super) struct InetListeners<'a> {
    sockets: HostSockets<'a>,
    listening: BoundSockets<'a>,
}

impl<'a> InetListeners<'a> {
    /// `addressed`: the sockets (indices) that have a local address.
    pub(super) fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let listening = BoundSockets::new(sockets, addressed, |socket| {
            socket.state == SocketState::Listening
        });
        Self { sockets, listening }
    }

    /// The listener of an accepted socket: one bound to the exact local address, else one bound to the
    /// wildcard address; of several (`SO_REUSEPORT`) one with a holder in common.
    pub(super) fn find(&self, accepted: usize) -> Option<usize> {
        let (netns, protocol, local, _) = tuple(&self.sockets.drafts[accepted])?;
        let listeners = self.listening.find(netns, protocol, local, true);
        match listeners[..] {
            [sole] => Some(sole),
            _ => listeners
                .into_iter()
                .find(|listener| self.sockets.share_holder(*listener, accepted)),
        }
    }
}
