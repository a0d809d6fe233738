//! Finds the listener of an accepted TCP, MPTCP, SCTP, DCCP or vsock socket.

use super::inet_address::{BoundSockets, tuple};
use super::socket::SocketState;
use super::socket_draft::HostSockets;

/// The listening internet and vsock sockets of a host.
pub(super) struct InetListeners<'a> {
    sockets: HostSockets<'a>,
    pub(super) listening: BoundSockets<'a>,
}

impl<'a> InetListeners<'a> {
    /// `addressed`: the sockets (indices) that have a local address.
    pub(super) fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let listening = BoundSockets::new(sockets, addressed, |socket| {
            socket.state == SocketState::Listening
        });
        Self { sockets, listening }
    }

    /// The listeners one of which accepted a socket or has it in its queue: a single one where that is
    /// known. Of several (`SO_REUSEPORT`) it is one with a holder in common, or for a socket in a queue
    /// the only one whose queue is not empty.
    pub(super) fn find(&self, accepted: usize) -> Vec<usize> {
        let Some((netns, protocol, local, _)) = tuple(&self.sockets.drafts[accepted]) else {
            return Vec::new();
        };
        let listeners = self.listening.find(netns, protocol, local, true);
        if listeners.len() <= 1 {
            return listeners;
        }
        let mut holding = listeners.iter().copied();
        if let Some(listener) = holding.find(|index| self.sockets.share_holder(*index, accepted)) {
            return vec![listener];
        }
        if self.sockets.socket(accepted).state == SocketState::Pending {
            let has_clients = |index: &usize| self.sockets.socket(*index).pending != Some(0);
            let queues: Vec<usize> = listeners.iter().copied().filter(has_clients).collect();
            if queues.len() == 1 {
                return queues;
            }
        }
        listeners
    }
}
