//! Finds the listener of an accepted TCP, MPTCP, SCTP, DCCP or vsock socket.

use std::collections::BTreeMap;

use super::inet_address::{HostAddress, tuple, wire_protocol};
use super::socket::SocketState;
use super::socket_draft::HostSockets;

/// The listening sockets of a host, by network namespace, protocol and port.
pub(super) struct InetListeners<'a> {
    sockets: HostSockets<'a>,
    by_port: BTreeMap<(u64, &'static str, u32), Vec<usize>>,
}

impl<'a> InetListeners<'a> {
    /// `addressed`: the sockets (indices) that have a local address.
    pub(super) fn new(sockets: HostSockets<'a>, addressed: &[usize]) -> Self {
        let mut by_port: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for index in addressed.iter().copied() {
            let socket = sockets.socket(index);
            if socket.state == SocketState::Listening
                && let (Some(netns), Some(protocol)) = (socket.netns, socket.protocol)
                && let Some((_, port)) = socket.local.map(HostAddress::split)
            {
                by_port
                    .entry((netns, wire_protocol(protocol), port))
                    .or_default()
                    .push(index);
            }
        }
        Self { sockets, by_port }
    }

    /// The listener of an accepted socket: one bound to the exact address, else one bound to the
    /// wildcard address; of several (`SO_REUSEPORT`) one with a holder in common.
    pub(super) fn find(&self, accepted: usize) -> Option<usize> {
        let (netns, protocol, local, _) = tuple(&self.sockets.drafts[accepted])?;
        let (own, port) = HostAddress::split(local);
        let candidates = self.by_port.get(&(netns, protocol, port))?;
        let matching = |is_match: &dyn Fn(HostAddress, bool) -> bool| -> Vec<usize> {
            let is_match = |index: &usize| {
                let draft = &self.sockets.drafts[*index];
                let bound = draft.socket.local.map(|local| HostAddress::split(local).0);
                bound.is_some_and(|bound| is_match(bound, draft.v6only))
            };
            candidates.iter().copied().filter(is_match).collect()
        };
        let mut listeners = matching(&|bound, _| bound == own);
        if listeners.is_empty() {
            listeners = matching(&|bound, v6only| bound.is_wildcard_for(own, v6only));
        }
        match listeners[..] {
            [sole] => Some(sole),
            _ => listeners
                .into_iter()
                .find(|listener| self.sockets.share_holder(*listener, accepted)),
        }
    }
}
