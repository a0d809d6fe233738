//! An earlier capture of the same boot, for rules over time.

use std::cell::OnceCell;

use super::fdinfo::Fdinfo;
use super::process_tree::find;
use crate::load::Capture;
use crate::model::{HostId, Map, Process, ProcessId, Socket, SocketId, TimedCapture, join};

/// Age from which an unchanged state counts as lasting. The earlier capture is at least so old, where
/// there is one.
pub(crate) const LONG_NS: u64 = 10_000_000_000;

/// Earlier captures of a map's hosts.
#[derive(Debug, Default)]
pub(crate) struct History<'a> {
    /// All earlier captures of each host, oldest first.
    pub(crate) captures: Vec<Vec<&'a Capture>>,
    /// The map of those that the present is compared with.
    pub(crate) map: Map,
    /// The fdinfo of those.
    pub(crate) fdinfo: Fdinfo,
    /// The host in the earlier map and its age in nanoseconds, by host of the later map.
    hosts: Vec<Option<(HostId, u64)>>,
    by_cookie: OnceCell<Vec<(HostId, u64, SocketId)>>,
    connected: OnceCell<Vec<bool>>,
}

/// A socket as the earlier map has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EarlierSocket<'h> {
    pub(crate) id: SocketId,
    pub(crate) socket: &'h Socket,
    /// The age of the earlier capture, in nanoseconds.
    pub(crate) age_ns: u64,
}

impl<'a> History<'a> {
    pub(super) fn new(now: &[&Capture], earlier: Vec<Vec<TimedCapture<'a>>>) -> Self {
        let mut chosen: Vec<TimedCapture<'a>> = Vec::new();
        let mut hosts = Vec::new();
        for (capture, earlier) in now.iter().zip(&earlier) {
            let compared = compared(capture, earlier);
            let host = HostId::new(chosen.len());
            hosts.push(compared.map(|then| (host, age_ns(capture, then.capture))));
            chosen.extend(compared);
        }
        let map = join(&chosen);
        let captures_of = |timed: &[TimedCapture<'a>]| -> Vec<&'a Capture> {
            timed.iter().map(|timed| timed.capture).collect()
        };
        Self {
            fdinfo: Fdinfo::new(&map, &captures_of(&chosen)),
            map,
            captures: earlier.iter().map(|of_host| captures_of(of_host)).collect(),
            hosts,
            by_cookie: OnceCell::new(),
            connected: OnceCell::new(),
        }
    }

    /// The history of a test: one map, its capture and its age.
    #[cfg(test)]
    pub(super) fn with_map(map: Map, capture: &'a Capture, age_ns: u64) -> Self {
        Self {
            fdinfo: Fdinfo::new(&map, &[capture]),
            map,
            captures: vec![vec![capture]],
            hosts: vec![Some((HostId(0), age_ns))],
            by_cookie: OnceCell::new(),
            connected: OnceCell::new(),
        }
    }

    /// The same socket in the earlier map, by its cookie, which is unique within a boot.
    pub(crate) fn socket(&self, now: &Socket) -> Option<SocketId> {
        let (host, _) = self.host(now.host)?;
        let sockets = self.by_cookie.get_or_init(|| self.index_by_cookie());
        let key = (host, now.cookie?);
        let index = sockets.binary_search_by_key(&key, |(host, cookie, _)| (*host, *cookie));
        index.ok().map(|index| sockets[index].2)
    }

    /// The same socket in the earlier map, with the age of that map.
    pub(crate) fn earlier_socket(&self, now: &Socket) -> Option<EarlierSocket<'_>> {
        let (id, age_ns) = (self.socket(now)?, self.host(now.host)?.1);
        let socket = self.map.socket(id);
        Some(EarlierSocket { id, socket, age_ns })
    }

    /// Whether a socket of the earlier map is an end of a connection.
    pub(crate) fn is_connected(&self, socket: SocketId) -> bool {
        let connected = self.connected.get_or_init(|| {
            let mut connected = vec![false; self.map.sockets.len()];
            for connection in &self.map.connections {
                for end in [Some(connection.a), connection.b].into_iter().flatten() {
                    connected[end.index()] = true;
                }
            }
            connected
        });
        connected[socket.index()]
    }

    fn index_by_cookie(&self) -> Vec<(HostId, u64, SocketId)> {
        let sockets = self.map.sockets.iter().enumerate();
        let mut by_cookie: Vec<_> = sockets
            .filter_map(|(index, socket)| Some((socket.host, socket.cookie?, SocketId::new(index))))
            .collect();
        by_cookie.sort_unstable();
        by_cookie
    }

    /// The same process in the earlier map, by pid and start.
    pub(crate) fn process(&self, now: &Process) -> Option<ProcessId> {
        let (host, _) = self.host(now.host)?;
        let found = find(&self.map, host.0, now.pid)?;
        (self.map.process(found).start_ticks == now.start_ticks).then_some(found)
    }

    /// The host in the earlier map, and the age of its capture in nanoseconds.
    pub(crate) fn host(&self, now: HostId) -> Option<(HostId, u64)> {
        self.hosts.get(now.index()).copied().flatten()
    }
}

/// Of earlier captures, the one that the present is compared with. Of the others rules read no more
/// than [`load_summary`](crate::load::load_summary) keeps.
pub(crate) fn compared<'t, 'a>(
    now: &Capture,
    earlier: &'t [TimedCapture<'a>],
) -> Option<&'t TimedCapture<'a>> {
    let old = |timed: &&TimedCapture<'_>| age_ns(now, timed.capture) >= LONG_NS;
    earlier.iter().rfind(old).or(earlier.first())
}

/// Nanoseconds from the beginning of one capture to that of a later one.
fn age_ns(now: &Capture, then: &Capture) -> u64 {
    boottime(now).saturating_sub(boottime(then))
}

/// `CLOCK_BOOTTIME` when the capture began, in nanoseconds.
fn boottime(capture: &Capture) -> u64 {
    let host = capture.host.as_ref();
    host.map_or(0, |host| host.started_boottime_ns)
}
