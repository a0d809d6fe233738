//! An earlier capture of the same boot, for rules over time.

use std::cell::OnceCell;

use super::Fdinfo;
use super::process_tree::find;
use crate::load::Capture;
use crate::model::{HostId, Map, Process, ProcessId, Socket, SocketId, TimedCapture, join};

/// What has not moved for so long will hardly move by itself: an earlier capture is chosen at least
/// so old, where there is one.
const LONG_NS: u64 = 10_000_000_000;

/// The past of a map's hosts.
#[derive(Debug, Default)]
pub(crate) struct History<'a> {
    /// All earlier captures of each host, oldest first.
    pub(crate) captures: Vec<Vec<&'a Capture>>,
    /// The map of the ones that are compared with.
    pub(crate) map: Map,
    /// What fdinfo said then.
    pub(crate) infos: Fdinfo,
    /// The earlier map's host, and how many nanoseconds ago it was, by host of the later one.
    hosts: Vec<Option<(HostId, u64)>>,
    by_cookie: OnceCell<Vec<(HostId, u64, SocketId)>>,
    connected: OnceCell<Vec<bool>>,
}

impl<'a> History<'a> {
    pub(super) fn of(now: &[&Capture], past: Vec<Vec<TimedCapture<'a>>>) -> Self {
        let mut chosen: Vec<TimedCapture<'a>> = Vec::new();
        let mut hosts = Vec::new();
        for (capture, past) in now.iter().zip(&past) {
            let one = compared(capture, past);
            let age = |taken: &TimedCapture<'_>| age_ns(capture, taken.capture);
            hosts.push(one.map(|taken| (HostId::new(chosen.len()), age(taken))));
            chosen.extend(one);
        }
        let map = join(&chosen);
        let captures: Vec<&Capture> = chosen.iter().map(|taken| taken.capture).collect();
        Self {
            infos: Fdinfo::of(&map, &captures),
            map,
            captures: past
                .into_iter()
                .map(|of_host| of_host.into_iter().map(|taken| taken.capture).collect())
                .collect(),
            hosts,
            by_cookie: OnceCell::new(),
            connected: OnceCell::new(),
        }
    }

    /// Of a map made by hand.
    #[cfg(test)]
    pub(super) fn of_map(map: Map, capture: &'a Capture, age_ns: u64) -> Self {
        Self {
            infos: Fdinfo::of(&map, &[capture]),
            map,
            captures: vec![vec![capture]],
            hosts: vec![Some((HostId(0), age_ns))],
            by_cookie: OnceCell::new(),
            connected: OnceCell::new(),
        }
    }

    /// The same socket then: of the same cookie, which no two sockets of a boot have.
    pub(crate) fn socket(&self, now: &Socket) -> Option<SocketId> {
        let (host, _) = self.host(now.host)?;
        let index = self.by_cookie.get_or_init(|| self.index());
        let key = (host, now.cookie?);
        let at = index.binary_search_by_key(&key, |(host, cookie, _)| (*host, *cookie));
        at.ok().map(|at| index[at].2)
    }

    /// Whether a socket of then was an end of a connection.
    pub(crate) fn is_connected(&self, then: SocketId) -> bool {
        let connected = self.connected.get_or_init(|| {
            let mut connected = vec![false; self.map.sockets.len()];
            for connection in &self.map.connections {
                for end in [Some(connection.a), connection.b].into_iter().flatten() {
                    connected[end.index()] = true;
                }
            }
            connected
        });
        connected[then.index()]
    }

    fn index(&self) -> Vec<(HostId, u64, SocketId)> {
        let sockets = self.map.sockets.iter().enumerate();
        let mut index: Vec<_> = sockets
            .filter_map(|(at, socket)| Some((socket.host, socket.cookie?, SocketId::new(at))))
            .collect();
        index.sort_unstable();
        index
    }

    /// The same process then: of the same pid and start.
    pub(crate) fn process(&self, now: &Process) -> Option<ProcessId> {
        let (host, _) = self.host(now.host)?;
        let found = find(&self.map, host.0, now.pid)?;
        (self.map.process(found).start_ticks == now.start_ticks).then_some(found)
    }

    /// The host then, and how long ago that was, nanoseconds.
    pub(crate) fn host(&self, now: HostId) -> Option<(HostId, u64)> {
        self.hosts.get(now.index()).copied().flatten()
    }
}

/// The capture, of earlier ones, that is compared with. Of the others no more is looked at than
/// [`load_summary`](crate::load::load_summary) keeps.
pub(crate) fn compared<'t, 'a>(
    now: &Capture,
    past: &'t [TimedCapture<'a>],
) -> Option<&'t TimedCapture<'a>> {
    let old = |taken: &&TimedCapture<'_>| age_ns(now, taken.capture) >= LONG_NS;
    past.iter().rfind(old).or(past.first())
}

/// How long one capture began before another.
fn age_ns(now: &Capture, then: &Capture) -> u64 {
    boottime(now).saturating_sub(boottime(then))
}

/// Boot clock when the capture began, nanoseconds.
fn boottime(capture: &Capture) -> u64 {
    capture
        .host
        .as_ref()
        .map_or(0, |host| host.started_boottime_ns)
}
